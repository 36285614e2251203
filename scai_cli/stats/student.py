"""Student's t distribution with any positive number of degrees of freedom."""

import math
from functools import lru_cache
from typing import Final

_STEPS: Final = 200
_CLOSE: Final = 1e-14
_TINY: Final = 1e-300


def tail(t: float, freedom: float) -> float:
    """Return the probability, in [0, 1], of a value farther from 0 than `t`, in either direction."""
    x = freedom / (freedom + t * t)
    return _incomplete_beta(freedom / 2, 0.5, x)


@lru_cache(maxsize=1024)
def quantile(level: float, freedom: float) -> float:
    """Return the t within which, on both sides of 0, a share `level` in (0, 1) of the values lies."""
    log_peak = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(math.pi * freedom) / 2
    t = 0.0
    for _ in range(_STEPS):  # Newton's method; as the tail is convex, it never goes too far
        density = math.exp(log_peak - (freedom + 1) / 2 * math.log1p(t * t / freedom))
        step = (tail(t, freedom) - (1 - level)) / (2 * density)
        t += step
        if step <= _CLOSE * t:
            break
    return t


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function by its continued fraction (Lentz; DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return min(1.0, max(0.0, x))
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(_STEPS):
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + term * d) or _TINY)
        c = (1 + term / c) or _TINY
        fraction *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return math.exp(log_front) * (fraction - 1) / a
