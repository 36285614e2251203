"""Rising functions of one variable, fitted by least squares: isotonic and affine; both are points joined by lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_APART: Final = 1e-4
"""The least distance between a kink and an end: nearer ones are of rounding, and equal in a file."""

Points = tuple[tuple[float, float], ...]
"""(x, y) with rising x and y that never falls; level before the first and after the last."""


def interpolated(points: Sequence[tuple[float, float]], x: float) -> float:
    """Return the value at x of the line through the points."""
    before = points[0]
    for after in points:
        if x <= after[0]:
            share = (x - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 1.0
            return before[1] + share * (after[1] - before[1])
        before = after
    return points[-1][1]


def isotonic(x: Array, y: Array, weights: Array) -> Points:
    """Return the rising step function with the least weighted squares; raises ValueError without values.

    Equal x are one value, then neighbours that fall are pooled (pool adjacent violators; Barlow et al. 1972). A pool is
    the level line from its lowest to its highest x.
    """
    import numpy as np

    levels, at = np.unique(x, return_inverse=True)
    if not len(levels):
        raise ValueError("nothing to fit")
    mass = np.bincount(at, weights)
    sums = np.bincount(at, weights * y)
    pools: list[list[float]] = []  # sum, weight, lowest x, highest x
    for total, weight, place in zip(sums.tolist(), mass.tolist(), levels.tolist(), strict=True):
        pools.append([total, weight, place, place])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
            total, weight, _, highest = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += weight
            pools[-1][3] = highest
    ends = [(end, total / weight) for total, weight, *places in pools for end in dict.fromkeys(places)]
    return tuple(ends)


def affine(x: Array, y: Array, weights: Array) -> Points:
    """Return the line with the least weighted squares that does not fall, within [0, 1] in x and y; flat for equal x.

    Raises ValueError without values.
    """
    import numpy as np

    if not len(x):
        raise ValueError("nothing to fit")
    x_mean, y_mean = (float(np.average(column, weights=weights)) for column in (x, y))
    spread = float((weights * (x - x_mean) ** 2).sum())
    slope = max(0.0, float((weights * (x - x_mean) * (y - y_mean)).sum()) / spread) if spread else 0.0
    start = y_mean - slope * x_mean
    kinks = [(level - start) / slope for level in (0.0, 1.0)] if slope else []
    ends = sorted({0.0, 1.0, *(kink for kink in kinks if _APART < kink < 1 - _APART)})
    return tuple((end, min(1.0, max(0.0, start + slope * end))) for end in ends)
