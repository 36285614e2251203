"""Estimate the similarity of texts: the Jaccard index of their word triples, by MinHash.

In scripts without spaces the words are the characters (`text.words`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from scai_cli.text.words import has_unspaced, words

if TYPE_CHECKING:
    import numpy as np

NEAR: Final = 0.7
"""The similarity from which two texts are near-duplicates."""

_PERMUTATIONS, _BANDS = 120, 20
"""Twenty bands of six find a pair at 0.7 with probability 0.92, at 0.8 with 0.998."""

_SEED: Final = 42


def nameless(text: str, name: str) -> str:
    """Return the words of a text without those of a name, which does not distinguish two personas.

    In scripts without spaces only the whole name is left out: its characters are also parts of other words.
    """
    called = words(name)
    whole = " ".join(word for word in called if has_unspaced(word))
    alone = {word for word in called if not has_unspaced(word)}
    kept = " ".join(word for word in words(text) if word not in alone)
    return re.sub(rf"(?<!\S){re.escape(whole)}(?: |$)", "", kept).rstrip() if whole else kept


def triples(text: str) -> list[str]:
    """Return all sequences of three words; of a shorter text its words."""
    parts = words(text)
    return [" ".join(parts[n : n + 3]) for n in range(len(parts) - 2)] or parts or [""]


class NearDuplicateIndex:
    """An index of texts that finds a near-duplicate of a new text."""

    def __init__(self) -> None:
        self._index = lookup()
        self._members: list[tuple[str, Any]] = []

    def most_similar(self, text: str) -> tuple[str, float] | None:
        """Return the name and the similarity of the most similar text; None if none is a near-duplicate."""
        new = sketch(text)
        similar = [(new.jaccard(self._members[n][1]), n) for n in self._index.query(new)]
        best = max(similar, default=(0.0, -1), key=lambda pair: (pair[0], -pair[1]))
        return (self._members[best[1]][0], best[0]) if best[0] >= NEAR else None

    def add(self, name: str, text: str) -> None:
        """Add a text."""
        new = sketch(text)
        self._index.insert(len(self._members), new)
        self._members.append((name, new))


def hashes(text: str) -> np.ndarray:
    """Return 120 hashes of a text; the share of equal places estimates the similarity of two texts."""
    import numpy as np

    return np.array(sketch(text).digest(), dtype=np.uint32)


def sketch(text: str) -> Any:
    """Return the MinHash of a text; its `jaccard(other)` estimates the similarity of two texts."""
    from rensa import RMinHash

    made = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    made.update(triples(text))
    return made


def lookup() -> Any:
    """Return an empty index: `insert(number, sketch)`, and `query(sketch)` for the numbers of possible duplicates."""
    from rensa import RMinHashLSH

    return RMinHashLSH(NEAR, _PERMUTATIONS, _BANDS)
