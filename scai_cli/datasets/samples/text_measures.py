"""Measure texts: length, variety and share of refusals."""

from __future__ import annotations

import math
import random
import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from scai_cli.messages import CHARACTERS_PER_TOKEN
from scai_cli.stats.clustered import wilson
from scai_cli.text.data_files import read_data_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

SELF_BLEU_OF: Final = 500
"""The answers that self-BLEU is measured on: its time grows with their words, and it changes little with more."""
_LONG: Final = 10_000
Z95: Final = 1.959964
"""The normal quantile of a 95 % interval."""

REFUSALS: Final[tuple[str, ...]] = read_data_file(__file__)["refusals"]
"""Phrases that mark an answer as a refusal or a disclaimer when one is in its first 200 characters."""

_REFUSAL: Final = re.compile("|".join(map(re.escape, REFUSALS)))
T = TypeVar("T")


def length_summary(lengths: array[int]) -> dict[str, dict[str, float]] | None:
    """Return mean, median, 95th percentile and maximum in characters and tokens; None without lengths."""
    if not lengths:
        return None
    import numpy as np

    values = np.asarray(lengths)
    middle, high = np.percentile(values, [50, 95])
    summary = {"mean": values.mean(), "median": middle, "p95": high, "longest": values.max()}
    return {
        "characters": {name: round(float(value), 1) for name, value in summary.items()},
        "tokens": {name: math.ceil(value / CHARACTERS_PER_TOKEN) for name, value in summary.items()},
    }


@dataclass(slots=True)
class Reservoir(Generic[T]):
    """A uniform random sample of at most `size` items of a stream.

    Reservoir sampling that draws how many items to skip (Li 1994, algorithm L): most items cost nothing.
    """

    size: int
    seed: int
    items: list[T] = field(default_factory=list)
    seen: int = 0
    _random: random.Random = field(init=False)
    _next: int = field(init=False)
    """The number of the next item to keep, from 0."""
    _weight: float = 1.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._next = self.size - 1
        self._skip()

    def add(self, make: Callable[[], T]) -> None:
        """Take the next item of the stream, which is made only if it gets into the sample."""
        number = self.seen
        self.seen = number + 1
        if number < self.size:
            self.items.append(make())
        elif number == self._next:
            self.items[self._random.randrange(self.size)] = make()
            self._skip()

    def _skip(self) -> None:
        """Draw the number of the next item to keep."""
        draw = self._random.random
        self._weight *= math.exp(math.log(1 - draw()) / self.size)
        self._next += 1 + math.floor(math.log(1 - draw()) / math.log1p(-self._weight))


def cut(text: str) -> str:
    """Return the part of a text that a sample keeps: its first 10,000 characters."""
    return text[:_LONG]


def refuses(answer: str) -> bool:
    """Return whether an answer counts as a refusal or a disclaimer, see `REFUSALS`."""
    return _REFUSAL.search(answer[:200].lower().replace("’", "'")) is not None


def self_bleu(texts: Sequence[Sequence[str]], most: int = 4) -> float | None:
    """Return the mean BLEU-4 of each text against all others (Zhu et al. 2018, arXiv 1802.01886); 1: all equal.

    A length without matching n-grams counts as 0.1 (Chen & Cherry 2014, method 1). Returns None for fewer than two
    texts with words.
    """
    texts = [text for text in texts if text]
    if len(texts) < 2:
        return None
    import numpy as np

    lengths = np.array([len(text) for text in texts])
    owners = np.repeat(np.arange(len(texts)), lengths)
    rest = np.cumsum(lengths)[owners] - np.arange(len(owners))
    """Words from each place to the end of its text."""
    known: dict[str, int] = {}
    words = np.array([known.setdefault(word, len(known)) for text in texts for word in text])
    grams, logs = words.copy(), np.zeros(len(texts))
    for n in range(1, most + 1):
        at = np.flatnonzero(rest >= n)
        if n > 1:  # an n-gram is the number of its first n - 1 words, and its last word
            grams[at] = np.unique(grams[at] * len(known) + words[at + n - 1], return_inverse=True)[1]
        matched = _matched(grams[at], owners[at], len(texts))
        logs += np.log(np.where(matched, matched, 0.1) / np.maximum(1, lengths - n + 1))
    return float(np.exp(np.minimum(0.0, 1 - _nearest(lengths) / lengths) + logs / most).mean())


def _matched(grams: Codes, owners: Codes, texts: int) -> Codes:
    """Return, per text, how many of its n-grams another text has, each at most as often as the one with the most."""
    import numpy as np

    if not len(grams):
        return np.zeros(texts, dtype=np.int64)
    pairs, counts = np.unique(grams * texts + owners, return_counts=True)
    gram, owner = np.divmod(pairs, texts)
    order = np.lexsort((counts, gram))
    last = np.flatnonzero(np.append(np.diff(gram[order]), 1))
    best = counts[order][last]
    before = order[np.maximum(last - 1, 0)]
    second = np.where((last > 0) & (gram[before] == gram[order][last]), counts[before], 0)
    others = np.where(owner == owner[order][last][gram], second[gram], best[gram])
    return np.bincount(owner, np.minimum(counts, others), texts).astype(np.int64)


def _nearest(lengths: Codes) -> Codes:
    """Return, for each text, the length of another one that is nearest to its own, the shorter one of two."""
    import numpy as np

    further = lengths - lengths[:, None]
    distances = 2 * np.abs(further) + (further > 0)
    np.fill_diagonal(distances, np.iinfo(np.int64).max)
    nearest: Codes = lengths[distances.argmin(axis=1)]
    return nearest


def share(part: int, whole: int) -> dict[str, float | None] | None:
    """Return a share with its 95 % interval (Wilson 1927); None of a whole of 0."""
    if not whole:
        return None
    low, high = wilson(part / whole, whole, Z95)
    return {"estimate": part / whole, "low": low, "high": high}


def mean_interval(values: array[int] | NDArray[np.float64]) -> dict[str, float | None] | None:
    """Return the mean with its normal 95 % interval, which is open for one value; None without values."""
    if not len(values):
        return None
    import numpy as np

    mean = float(np.mean(values))
    if len(values) < 2:
        return {"estimate": mean, "low": None, "high": None}
    half = Z95 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return {"estimate": mean, "low": mean - half, "high": mean + half}
