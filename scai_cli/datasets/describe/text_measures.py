"""Measure texts: length, variety and share of refusals."""

from __future__ import annotations

import math
import random
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from scai_cli.messages import CHARACTERS_PER_TOKEN
from scai_cli.stats.clustered import wilson
from scai_cli.text.data_files import read_data_file

T = TypeVar("T")
Z95: Final = 1.959964
"""The normal quantile of a 95 % interval."""

REFUSALS: Final[tuple[str, ...]] = read_data_file(__file__)["refusals"]
"""Phrases that mark an answer as a refusal or a disclaimer when one is in its first 200 characters."""

_REFUSAL: Final = re.compile("|".join(map(re.escape, REFUSALS)))


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
    """A uniform random sample of at most `size` items of a stream (reservoir sampling)."""

    size: int
    seed: int
    items: list[T] = field(default_factory=list)
    seen: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def add(self, make: Callable[[], T]) -> None:
        """Take the next item of the stream, which is made only if it gets into the sample."""
        self.seen += 1
        if len(self.items) < self.size:
            self.items.append(make())
        elif (index := int(self._random.random() * self.seen)) < self.size:
            self.items[index] = make()


def refuses(answer: str) -> bool:
    """Return whether an answer counts as a refusal or a disclaimer, see `REFUSALS`."""
    return _REFUSAL.search(answer[:200].lower().replace("’", "'")) is not None


def ngrams(text: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    """Return all sequences of n consecutive words."""
    return zip(*(text[start:] for start in range(n)), strict=False)


def self_bleu(texts: Sequence[Sequence[str]], most: int = 4) -> float | None:
    """Return the mean BLEU-4 of each text against all others (Zhu et al. 2018, arXiv 1802.01886); 1: all equal.

    A length without matching n-grams counts as 0.1 (Chen & Cherry 2014, method 1). Returns None for fewer than two
    texts with words.
    """
    texts = [text for text in texts if text]
    if len(texts) < 2:
        return None
    counted = [[Counter(ngrams(text, n)) for n in range(1, most + 1)] for text in texts]
    best: defaultdict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for owner, counts in enumerate(counted):
        for counter in counts:
            for gram, count in counter.items():  # the two highest counts: one is another text's
                best[gram] = sorted([*best[gram], (count, owner)], reverse=True)[:2]
    lengths = [len(text) for text in texts]
    return math.fsum(_bleu(n, counted[n], best, lengths) for n in range(len(texts))) / len(texts)


def _bleu(
    owner: int, counts: list[Counter[tuple[str, ...]]], best: dict[tuple[str, ...], list[tuple[int, int]]],
    lengths: Sequence[int],
) -> float:  # fmt: skip
    logs = []
    for counter in counts:
        matched = sum(
            min(count, next((n for n, other in best[gram] if other != owner), 0)) for gram, count in counter.items()
        )
        logs.append(math.log((matched or 0.1) / max(1, counter.total())))
    own = lengths[owner]
    nearest = min((abs(length - own), length) for n, length in enumerate(lengths) if n != owner)[1]
    return math.exp(min(0.0, 1 - nearest / own) + math.fsum(logs) / len(logs))


def share(part: int, whole: int) -> dict[str, float | None] | None:
    """Return a share with its 95 % interval (Wilson 1927); None of a whole of 0."""
    if not whole:
        return None
    low, high = wilson(part / whole, whole, Z95)
    return {"estimate": part / whole, "low": low, "high": high}


def mean_interval(values: array[int]) -> dict[str, float | None] | None:
    """Return the mean with its normal 95 % interval, which is open for one value; None without values."""
    if not values:
        return None
    import numpy as np

    mean = float(np.mean(values))
    if len(values) < 2:
        return {"estimate": mean, "low": None, "high": None}
    half = Z95 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return {"estimate": mean, "low": mean - half, "high": mean + half}
