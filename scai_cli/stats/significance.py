"""Tests: a randomization test of paired measurements, for any statistic, and Holm's correction for many tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK: Final = 250
_FEW: Final = 10
"""The number of pairs whose swaps are all tried."""
_ENOUGH: Final = 250
"""The number of draws that are as high after which a p-value is known well enough."""


def swap_test(
    difference: Callable[[NDArray[np.bool_]], NDArray[np.float64]], pairs: int, *, draws: int, seed: int
) -> float:
    """Return the chance of a difference at least as high as the measured one if all pairs were exchangeable, in (0, 1].

    `difference` takes draws x pairs, True where the two members of a pair are swapped, and returns one difference per
    draw. Its p-value, one-sided, is exact for any statistic (Fisher 1935; one is added to both counts, as by Phipson
    and Smyth 2010). It stops early if it has seen enough that are as high (Besag and Clifford 1991), and goes through
    all swaps of a few pairs.
    """
    import numpy as np

    measured = float(difference(np.zeros((1, pairs), dtype=bool))[0])
    if pairs <= _FEW:
        every = np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1
        return float((difference(every.astype(bool)) >= measured - 1e-12).mean())
    random = np.random.default_rng(seed)
    as_high = drawn = 0
    while drawn < draws and as_high < _ENOUGH:
        swapped = random.integers(2, size=(min(_CHUNK, draws - drawn), pairs), dtype=np.uint8).astype(bool)
        as_high += int((difference(swapped) >= measured - 1e-12).sum())
        drawn += len(swapped)
    return (1 + as_high) / (1 + drawn)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number: at most `alpha` with a chance of `alpha` if no effect is real.

    Source: Holm (1979), the step-down form of Bonferroni's correction.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted
