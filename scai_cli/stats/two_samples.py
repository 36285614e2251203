"""Compare the means of two independent samples."""

from collections.abc import Sequence
from statistics import fmean, variance
from typing import Final

from scai_cli.stats.clustered import FEWEST_CLUSTERS, ClusteredMean, student_mean

_LEVEL: Final = 0.95


def difference_of_means(first: Sequence[float], second: Sequence[float]) -> ClusteredMean | None:
    """Return mean(first) - mean(second) with Welch's 95 % t interval (Welch 1947); None if a sample is empty.

    Each value is one member, such as a person. `n` counts those of both samples, `clusters` those of the smaller one;
    with fewer than `FEWEST_CLUSTERS` in it, or without any spread, there is no interval. A sample of equal values gets
    the variance of the other one: a few people who all do nothing do not show that nobody like them would.
    """
    if not first or not second:
        return None
    estimate, fewest = fmean(first) - fmean(second), min(len(first), len(second))
    counts = (len(first) + len(second), fewest)
    if fewest < FEWEST_CLUSTERS:
        return student_mean(estimate, 0.0, 0.0, _LEVEL, counts)
    spread, other = variance(first), variance(second)
    parts = [(spread or other) / len(first), (other or spread) / len(second)]
    shares = sum(part**2 / (len(sample) - 1) for part, sample in zip(parts, (first, second), strict=True))
    freedom = sum(parts) ** 2 / shares if shares else 0.0
    return student_mean(estimate, sum(parts), freedom, _LEVEL, counts)
