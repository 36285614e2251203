"""The smallest difference that an evaluation is likely to detect, and the number of items for a smaller one."""

from __future__ import annotations

import math
from typing import Final

from scai_cli.stats.clustered import FEWEST_CLUSTERS
from scai_cli.stats.student import quantile

PRIOR_SPREAD: Final = 0.5
"""The standard deviation of a paired difference of scores in [0, 1], before any is measured.

Yes-or-no scores have it if they differ on a quarter of the items; a win rate has at most this.
"""
PRIOR_CORRELATION: Final = 0.5
"""The correlation of differences within a cluster, before any is measured: between independent and equal ones."""


def detectable(error: float, freedom: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Return the minimal detectable effect: a true difference whose interval excludes 0 with probability `power`.

    It is (t of the interval + t of the power) x standard error (Bloom 1995). Raises ValueError for a power outside
    [0.5, 1).
    """
    if not 0.5 <= power < 1:
        raise ValueError(f"power must be at least 0.5 and less than 1: {power}")
    return (quantile(level, freedom) + quantile(2 * power - 1, freedom)) * error


def items_needed(
    error: float, n: int, target: float, *, freedom: float | None = None, power: float = 0.8, level: float = 0.95
) -> int:
    """Return the number of items, at least `n`, of which a difference of `target` > 0 is detectable.

    `error` and `freedom` (without it n - 1) are those of `n` items; more items are more clusters of the same sizes, so
    that the squared error falls and the degrees of freedom rise in proportion.
    Raises ValueError for a target of 0 or less.
    """
    if target <= 0:
        raise ValueError(f"the target must be greater than 0: {target}")

    measured = n - 1 if freedom is None else freedom

    def is_enough(items: int) -> bool:
        share = items / n
        return detectable(error / math.sqrt(share), measured * share, power=power, level=level) <= target

    enough = n
    while not is_enough(enough):
        enough *= 2
    few = enough // 2
    while enough - few > 1 and enough > n:
        middle = (few + enough) // 2
        few, enough = (few, middle) if is_enough(middle) else (middle, enough)
    return enough


def detectable_before(
    n_clusters: int,
    items_per_cluster: float = 1.0,
    sd: float = PRIOR_SPREAD,
    *,
    correlation: float = PRIOR_CORRELATION,
    power: float = 0.8,
    level: float = 0.95,
) -> float | None:
    """Return the minimal detectable effect before any measurement; None for fewer than `FEWEST_CLUSTERS`.

    `sd` is the standard deviation of an item's paired difference; the design effect of a cluster of m items is
    1 + (m - 1) x `correlation` (Kish 1965). Where two dimensions cross, `n_clusters` is the smaller number.
    """
    if n_clusters < FEWEST_CLUSTERS:
        return None
    effect = 1 + (items_per_cluster - 1) * correlation
    error = sd * math.sqrt(effect / (n_clusters * items_per_cluster))
    return detectable(error, n_clusters - 1, power=power, level=level)
