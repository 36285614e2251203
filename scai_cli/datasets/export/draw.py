"""Choose the rows of an export by numbers alone: pairs balanced in length, no more rows than wanted.

Every sample has a key, a number that depends on the seed and on its identity, so the choice does not depend on the
order of the samples.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scai_cli.datasets.samples.sample import Pair, Sample, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SURPLUS: Final = "beyond --max-rows"
LONGER: Final = "with a longer chosen answer (--balance-length)"

_CLASS: Final = 0.1
"""The width of a class of log length ratios: pairs whose answers differ about as much balance each other."""
_ROUNDING: Final = 1e-9
"""A sum of log ratios that is a rounding error: log(2/3) + log(3/2) is not 0."""
_HIGHEST: Final = 2**64
"""Above all keys."""


def length_ratio(sample: Sample) -> float:
    """Return log(length of the chosen / of the rejected answer) of a pair or a trace; 0 for other samples."""
    pair = whole(sample)
    return math.log(len(pair.chosen) / len(pair.rejected)) if isinstance(pair, Pair) else 0.0


@dataclass(frozen=True, slots=True)
class Draw:
    """The choice: the highest key to write, and the keys of the pairs left out to balance the length."""

    highest: int
    longer: frozenset[int] = frozenset()

    def reason_against(self, key: int) -> str | None:
        """Return the reason to leave out a sample, None for a chosen one."""
        if key in self.longer:
            return LONGER
        return SURPLUS if key > self.highest else None


@dataclass(slots=True)
class Candidates:
    """The samples to choose from, as numbers: 26 bytes each."""

    _keys: array[int] = field(default_factory=lambda: array("Q"))
    _rows: array[int] = field(default_factory=lambda: array("Q"))
    _files: array[int] = field(default_factory=lambda: array("H"))
    _ratios: array[float] = field(default_factory=lambda: array("d"))
    _names: list[str] = field(default_factory=list)

    def add(self, key: int, rows: int, file: str, ratio: float) -> None:
        """Add a sample: its key, the number of its rows, their file, and its `length_ratio`."""
        if file not in self._names:
            self._names.append(file)
        self._keys.append(key)
        self._rows.append(rows)
        self._files.append(self._names.index(file))
        self._ratios.append(ratio)

    def draw(self, most: int | None, balance: bool) -> Draw:
        """Choose at most `most` rows, those with the lowest keys; with `balance`, leave out pairs.

        Then, in each file, the chosen answer is the longer one at most as often as the shorter one, and the mean of the
        log ratios is at most 0.
        """
        import numpy as np

        keys = np.asarray(self._keys)
        chosen = self._balanced(np.arange(len(keys))) if balance else np.arange(len(keys))
        highest = _HIGHEST
        if most is not None:
            chosen = chosen[np.argsort(keys[chosen])]
            chosen = chosen[np.cumsum(np.asarray(self._rows)[chosen]) <= most]
            highest = int(keys[chosen[-1]]) if len(chosen) else -1
        if not balance:
            return Draw(highest)
        left_out = np.ones(len(keys), dtype=bool)
        left_out[self._balanced(chosen)] = False  # once more: the drawn pairs are balanced only on average
        return Draw(highest, frozenset(key for key in keys[left_out].tolist() if key <= highest))

    def _balanced(self, chosen: Array) -> Array:
        """Return the samples without those to leave out of each file."""
        import numpy as np

        keys, files, ratios = (np.asarray(values)[chosen] for values in (self._keys, self._files, self._ratios))
        kept = np.ones(len(chosen), dtype=bool)
        for file in range(len(self._names)):
            here = np.flatnonzero(files == file)
            kept[here[_surplus(keys[here], ratios[here])]] = False
        return chosen[kept]


def _surplus(keys: Array, ratios: Array) -> Array:
    """Return the places of the pairs to leave out: the fewest, from the classes with more longer chosen answers.

    Where pairs whose answers differ little and pairs whose answers differ much are both balanced, no length predicts
    the choice. The classes with the largest differences come first, then the longest of the rest.
    """
    import numpy as np

    longer = np.flatnonzero(ratios > 0)
    shorter = ratios < 0
    classes = np.rint(np.abs(ratios) / _CLASS).astype(np.int64)
    size = int(classes.max(initial=0)) + 1
    surplus = np.bincount(classes[longer], minlength=size) - np.bincount(classes[shorter], minlength=size)
    longer = longer[np.lexsort((keys[longer], -classes[longer]))]
    rank = np.arange(len(longer)) - np.searchsorted(-classes[longer], -classes[longer])
    is_surplus = rank < surplus[classes[longer]]
    order = np.concatenate((longer[is_surplus], longer[~is_surplus]))
    total = math.fsum(ratios)  # exact, so that the order of the pairs does not matter
    by_length = 0 if total <= _ROUNDING else 1 + int(np.searchsorted(np.cumsum(ratios[order]), total - _ROUNDING))
    return order[: max(by_length, len(longer) - int(shorter.sum()), 0)]
