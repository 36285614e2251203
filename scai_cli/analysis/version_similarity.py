"""How alike constitutions are: every version of every run with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from scai_cli.analysis.text_similarity import Matrix, rules_text, text_similarity, vector_similarity
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.history.history import History

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Texts, none of them empty -> a vector for each, all of one length."""

BY_WORDS: Final = "tf-idf"


@dataclass(frozen=True, slots=True)
class VersionSimilarity:
    """`values[i][j]`: how alike versions i and j are; `method` says by what: `tf-idf` or an embedding model."""

    method: str
    versions: Sequence[tuple[str, int]]
    """Run and version; a run's last one is its product, or what is in force."""
    values: Matrix

    def last(self, run: str) -> int:
        """Where the run's product stands."""
        return max(at for at, (name, _) in enumerate(self.versions) if name == run)

    def path(self, run: str) -> list[float]:
        """How alike each version of a run is to the one before."""
        places = [at for at, (name, _) in enumerate(self.versions) if name == run]
        return [self.values[a][b] for a, b in pairwise(places)]

    def as_object(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "method": self.method,
            "versions": [{"run": run, "version": version} for run, version in self.versions],
            "matrix": [[round(value, 6) for value in row] for row in self.values],
        }


def likeness(histories: Mapping[str, History], method: str = BY_WORDS, embed: Embed | None = None) -> VersionSimilarity:
    """Compare all versions by their words, or by the vectors that `embed` makes of them."""
    versions, texts = [], []
    for run, history in histories.items():
        for constitution in _adopted(history):
            versions.append((run, constitution.version))
            texts.append(rules_text(constitution))
    return VersionSimilarity(method, versions, text_similarity(texts) if embed is None else _by_meaning(texts, embed))


def _adopted(history: History) -> list[Constitution]:
    """The versions in order, the run's product last: it may be an earlier one that was the best."""
    if history.started is None:
        return []
    product = history.product[0]
    found = [constitution for constitution, _ in history.versions().values()]
    return [one for one in found if one.version != product.version] + [product]


def _by_meaning(texts: Sequence[str], embed: Embed) -> Matrix:
    """Empty texts mean nothing, and are alike among each other alone."""
    different = [text for text in dict.fromkeys(texts) if text]
    vectors = dict(zip(different, embed(different), strict=True)) if different else {}
    nothing = [0.0] * len(next(iter(vectors.values()), ()))
    found = vector_similarity([vectors.get(text, nothing) for text in texts]) if texts else []
    return [
        [1.0 if a == b else value for b, value in zip(texts, row, strict=True)]
        for a, row in zip(texts, found, strict=True)
    ]
