"""Means and rates of values in clusters, as the ratings of one person are, with intervals for new clusters."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from scai_cli.stats.student import quantile, tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.intp]

FEWEST_CLUSTERS: Final = 3
"""The minimal number of clusters for an interval: two are often equal through rounding and show no spread."""
_NO_SPREAD: Final = 1e-15
"""The variance of an estimate below which it is a rounding error."""


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """An estimate and its interval; `low`, `high`, `p`, `error` and `freedom` are None if the data show no spread.

    `p` is the two-sided p-value of a mean of 0 (of a win rate of 0.5), `error` the standard error, `freedom` its
    degrees of freedom, `n` the number of values. `clusters` is the number of clusters, of the dimension with the
    fewest.
    """

    estimate: float
    low: float | None
    high: float | None
    level: float
    p: float | None
    error: float | None
    freedom: float | None
    n: int
    clusters: int


def clustered_mean(
    values: Sequence[float], clusters: Sequence[Hashable], *crossed: Sequence[Hashable], level: float = 0.95
) -> ClusteredMean | None:
    """Return the mean of values, paired differences for example, with Student's t interval; None without values.

    Values of different clusters are independent. The variance is CR2 with its degrees of freedom under equal variance
    (Bell and McCaffrey 2002; Imbens and Kolesar 2016): few clusters of unequal sizes need both. If clusters cross, as
    users and tasks do, it is V1 + V2 - V12 (Cameron, Gelbach and Miller 2011), at least each of V1 and V2, with the
    fewest degrees of freedom. Fewer than `FEWEST_CLUSTERS`, or equal values, have no interval; only values that are all
    0 have [0, 0]: so have identical systems, but also a few yes-or-no scores that happen to agree.
    Raises ValueError for labels that do not fit.
    """
    import numpy as np

    x = np.array(values, dtype=np.float64)
    dimensions = (clusters, *crossed)
    if len(dimensions) > 2 or any(len(labels) != len(x) for labels in dimensions):
        raise ValueError("each value needs the label of its cluster, in at most two dimensions")
    if not len(x):
        return None
    mean = float(x.mean())
    found = [_cr2(x - mean, codes_of(labels)) for labels in dimensions]
    count = min(len(set(labels)) for labels in dimensions)
    variance, freedom = max(one for one, _ in found), min(each for _, each in found)
    if crossed:
        both, _ = _cr2(x - mean, codes_of(list(zip(clusters, crossed[0], strict=True))))
        variance = max(variance, sum(one for one, _ in found) - both)
    if count >= FEWEST_CLUSTERS and not np.abs(x).max() > math.sqrt(_NO_SPREAD):
        return ClusteredMean(mean, 0.0, 0.0, level, 1.0, 0.0, freedom, len(x), count)
    return student_mean(mean, variance, freedom, level, (len(x), count))


def student_mean(
    estimate: float, variance: float, freedom: float, level: float, counts: tuple[int, int]
) -> ClusteredMean:
    """Return an estimate with its t interval, open without variance; `counts` are those of values and clusters."""
    n, clusters = counts
    if clusters < FEWEST_CLUSTERS or not variance > _NO_SPREAD:
        return ClusteredMean(estimate, None, None, level, None, None, None, n, clusters)
    error = math.sqrt(variance)
    half, p = quantile(level, freedom) * error, tail(estimate / error, freedom)
    return ClusteredMean(estimate, estimate - half, estimate + half, level, p, error, freedom, n, clusters)


def clustered_rate(
    successes: Sequence[float], clusters: Sequence[Hashable], *, level: float = 0.95
) -> ClusteredMean | None:
    """Return the rate of successes, in [0, 1], with Wilson's interval for clusters; None without values.

    A success may be graded: a tie is 0.5. The number of values is divided by the design effect, at least 1, with its
    degrees of freedom (Korn and Graubard 1998); a rate of 0 or 1, which does not show it, counts a cluster of size m as
    little as is possible, once if all sizes are equal (Kish 1965). There is an `error`, but not for a rate of 0 or 1.
    """
    import numpy as np

    x = np.array(successes, dtype=np.float64)
    if not len(x):
        return None
    n, rate = len(x), float(x.mean())
    count = len(set(clusters))
    if count < FEWEST_CLUSTERS:
        return student_mean(rate, 0.0, 0.0, level, (n, count))
    normal = NormalDist().inv_cdf((1 + level) / 2)
    spread, effect = float(((x - rate) ** 2).sum()) / n, design_effect(successes, clusters, level=level)
    if spread <= _NO_SPREAD:
        low, high = wilson(rate, n / effect, normal)
        return ClusteredMean(rate, low, high, level, None, None, None, n, count)
    variance, freedom = _cr2(x - rate, codes_of(clusters))
    alone = rate * (1 - rate) / spread * n
    low, high = wilson(rate, alone / effect, normal)
    error = math.sqrt(max(variance, spread / (n - 1)))
    return ClusteredMean(rate, low, high, level, None, error, freedom, n, count)


def design_effect(values: Sequence[float], clusters: Sequence[Hashable], *, level: float = 0.95) -> float:
    """Return how many values in their clusters inform of the mean as one alone does, at least 1, for an interval.

    It is the ratio of the CR2 variance to that of independent values, with its degrees of freedom (Korn and Graubard
    1998). Equal values, and fewer than `FEWEST_CLUSTERS`, do not show it: a cluster then counts as little as is
    possible, once if all sizes are equal (Kish 1965). Raises ValueError without values.
    """
    import numpy as np

    x = np.array(values, dtype=np.float64)
    if not len(x):
        raise ValueError("a design effect needs values")
    codes = codes_of(clusters)
    sizes, residuals = np.bincount(codes), x - x.mean()
    n, spread = len(x), float((residuals**2).sum()) / len(x)
    if len(sizes) < FEWEST_CLUSTERS or spread <= _NO_SPREAD:
        return float((sizes**2).sum()) / n
    variance, freedom = _cr2(residuals, codes)
    return max(1.0, variance * (n - 1) / spread) * (quantile(level, freedom) / quantile(level, n - 1)) ** 2


def wilson(rate: float, n: float, normal: float) -> tuple[float, float]:
    """Return the ends of the interval of a rate of `n` independent trials, in [0, 1] (Wilson 1927).

    `normal` is the quantile of the normal distribution, 1.96 for 95 %.
    """
    square = normal * normal
    middle = (rate + square / (2 * n)) / (1 + square / n)
    half = normal / (1 + square / n) * math.sqrt(rate * (1 - rate) / n + square / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def codes_of(labels: Sequence[Hashable]) -> Codes:
    """Return the number of each label's cluster, from 0, in the order of first appearance."""
    import numpy as np

    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.intp)


def freedom_of(sizes: Array) -> float:
    """Return the degrees of freedom of the CR2 variance of a mean: one less than the clusters if sizes are equal."""
    n = float(sizes.sum())
    shared = sizes**2 / (n - sizes)
    return n * n / float((sizes**2).sum() + shared.sum() ** 2 - (shared**2).sum())


def _cr2(residuals: Array, codes: Codes) -> tuple[float, float]:
    """Return the variance of a mean, each cluster's sum divided by the share of its size in the others' residuals."""
    import numpy as np

    sizes = np.bincount(codes).astype(np.float64)
    if len(sizes) < 2:
        return 0.0, 0.0
    n = float(sizes.sum())
    sums = np.bincount(codes, residuals)
    return float((sums**2 / (1 - sizes / n)).sum()) / n**2, freedom_of(sizes)
