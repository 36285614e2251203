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
_LEVEL: Final = 0.95
_POWER: Final = 0.8


def detectable(error: float, freedom: float) -> float:
    """Return the minimal detectable effect: a true difference whose 95 % interval excludes 0 with probability 0.8.

    It is (t of the interval + t of the power) x standard error (Bloom 1995).
    """
    return (quantile(_LEVEL, freedom) + quantile(2 * _POWER - 1, freedom)) * error


def items_needed(error: float, n: int, target: float, *, freedom: float | None = None) -> int:
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
        return detectable(error / math.sqrt(share), measured * share) <= target

    enough = n
    while not is_enough(enough):
        enough *= 2
    few = enough // 2
    while enough - few > 1 and enough > n:
        middle = (few + enough) // 2
        few, enough = (few, middle) if is_enough(middle) else (middle, enough)
    return enough


def detectable_before(
    n_clusters: int, items_per_cluster: float = 1.0, sd: float = PRIOR_SPREAD, *, correlation: float = PRIOR_CORRELATION
) -> float | None:
    """Return the minimal detectable effect before any measurement; None for fewer than `FEWEST_CLUSTERS`.

    `sd` is the standard deviation of an item's paired difference; the design effect of a cluster of m items is
    1 + (m - 1) x `correlation` (Kish 1965). Where two dimensions cross, `n_clusters` is the smaller number.
    """
    if n_clusters < FEWEST_CLUSTERS:
        return None
    effect = 1 + (items_per_cluster - 1) * correlation
    error = sd * math.sqrt(effect / (n_clusters * items_per_cluster))
    return detectable(error, n_clusters - 1)
