"""The similarity of constitutions: all versions of all runs, by the vectors of an embedding model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.history.history import History

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Function from texts, none empty, to one vector per text, all of the same length."""

Matrix = list[list[float]]
"""A matrix whose rows and columns are the texts in order."""


@dataclass(frozen=True, slots=True)
class VersionSimilarity:
    """`values[i][j]` is the similarity of versions i and j; `method` names the embedding model."""

    method: str
    versions: Sequence[tuple[str, int]]
    """(Run, version) of each row; a run's last one is its product or current constitution."""
    values: Matrix

    def last(self, run: str) -> int:
        """Return the index of the run's last version."""
        return max(at for at, (name, _) in enumerate(self.versions) if name == run)

    def path(self, run: str) -> list[float]:
        """Return the similarity of each version of a run to the one before."""
        indices = [at for at, (name, _) in enumerate(self.versions) if name == run]
        return [self.values[a][b] for a, b in pairwise(indices)]

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "method": self.method,
            "versions": [{"run": run, "version": version} for run, version in self.versions],
            "matrix": [[round(value, 6) for value in row] for row in self.values],
        }


def version_similarity(histories: Mapping[str, History], method: str, embed: Embed) -> VersionSimilarity:
    """Compare all versions by their vectors from `embed`; `method` is the name of its model."""
    versions, texts = [], []
    for run, history in histories.items():
        for constitution in _adopted(history):
            versions.append((run, constitution.version))
            texts.append(rules_text(constitution))
    return VersionSimilarity(method, versions, _text_similarity(texts, embed))


def rules_text(constitution: Constitution) -> str:
    """Return a constitution as a text to compare, one line per rule."""
    return "\n".join(" ".join(rule.text.split()) for rule in constitution.rules)


def vector_similarity(vectors: Sequence[Sequence[float]]) -> Matrix:
    """Return the cosines of all pairs of vectors, in [-1, 1]; 0 for a vector of zeros."""
    import numpy as np

    table = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    table = np.divide(table, lengths, out=np.zeros_like(table), where=lengths > 0)
    cosines = np.clip(table @ table.T, -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    rows: Matrix = cosines.tolist()
    return rows


def _adopted(history: History) -> list[Constitution]:
    """Return the versions in order, with the run's product last, as it can be an earlier version."""
    if history.started is None:
        return []
    product = history.product[0]
    versions = [constitution for constitution, _ in history.versions().values()]
    return [one for one in versions if one.version != product.version] + [product]


def _text_similarity(texts: Sequence[str], embed: Embed) -> Matrix:
    """Embed each distinct text once; endpoints reject empty texts, which are similar to each other only."""
    different = [text for text in dict.fromkeys(texts) if text]
    vectors = dict(zip(different, embed(different), strict=True)) if different else {}
    zeros = [0.0] * len(next(iter(vectors.values()), ()))
    cosines = vector_similarity([vectors.get(text, zeros) for text in texts]) if texts else []
    return [
        [1.0 if a == b else value for b, value in zip(texts, row, strict=True)]
        for a, row in zip(texts, cosines, strict=True)
    ]
