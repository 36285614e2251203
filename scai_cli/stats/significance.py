"""Tests: a randomization test of paired measurements, for any statistic, and Holm's correction for many tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK: Final = 250


def swap_test(
    difference: Callable[[NDArray[np.bool_]], NDArray[np.float64]], pairs: int, *, draws: int, seed: int
) -> float:
    """Return the chance of a difference at least as high as the measured one if all pairs were exchangeable, in (0, 1].

    `difference` takes draws x pairs, True where the two members of a pair are swapped, and returns one difference per
    draw. Its p-value, one-sided, is exact for any statistic (Fisher 1935; one is added to both counts, as by Phipson
    and Smyth 2010).
    """
    import numpy as np

    random = np.random.default_rng(seed)
    measured = float(difference(np.zeros((1, pairs), dtype=bool))[0])
    as_high = 0
    for start in range(0, draws, _CHUNK):
        swapped = random.integers(2, size=(min(_CHUNK, draws - start), pairs), dtype=np.uint8).astype(bool)
        as_high += int((difference(swapped) >= measured - 1e-12).sum())
    return (1 + as_high) / (1 + draws)


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
