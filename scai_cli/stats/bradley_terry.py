"""Estimate strengths from pairwise comparisons: the Bradley-Terry model with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import NormalDist
from typing import TYPE_CHECKING

from scai_cli.stats.intervals import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEPS = 500


def bradley_terry(
    wins: Iterable[tuple[str, str, float]], *, prior: float = 0.5, level: float = 0.95
) -> dict[str, Interval]:
    """Return the log-strength s of each, where a beats b with probability 1 / (1 + exp(s_b - s_a)).

    `wins` are (winner, loser, how many); a tie is half a win for each side. The fit is the maximum of the likelihood
    (Bradley and Terry 1952) with `prior` > 0 games won and as many lost by each against an opponent of strength 0. This
    shrinkage towards 0 keeps all strengths finite if one side wins every game or the comparisons do not connect.
    Intervals are the normal ones from the curvature at the maximum (Laplace), so approximate for few games. In order of
    first appearance. Raises ValueError for a negative or infinite number, for a comparison with oneself, and for
    `prior` <= 0.
    """
    import numpy as np

    names, won = _matrix(wins)
    if not prior > 0:
        raise ValueError(f"the prior is {prior}, but must be above 0")
    strength = np.zeros(len(names))
    for _ in range(_STEPS):
        step, curvature = _newton(won, strength, prior)
        size = np.abs(step).max(initial=0.0)
        strength += step / max(1.0, size)  # the cap keeps Newton's method from overshooting far from the maximum
        if size < 1e-9:
            break
    errors = np.sqrt(np.diag(np.linalg.inv(curvature))) * NormalDist().inv_cdf((1 + level) / 2)
    return {
        name: Interval(float(s), float(s - error), float(s + error), level)
        for name, s, error in zip(names, strength, errors, strict=True)
    }


def _newton(
    won: NDArray[np.float64], strength: NDArray[np.float64], prior: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Newton's step to the maximum, and the curvature (minus the second derivative) at `strength`."""
    import numpy as np

    p = 1 / (1 + np.exp(strength - strength[:, None]))  # p[a, b]: a beats b
    slope = (won * p.T - won.T * p).sum(axis=1) - prior * np.tanh(strength / 2)
    weight = (won + won.T) * p * p.T
    phantom = prior / 2 / np.cosh(strength / 2) ** 2
    curvature = np.diag(weight.sum(axis=1) + phantom) - weight
    return np.linalg.solve(curvature, slope), curvature


def _matrix(wins: Iterable[tuple[str, str, float]]) -> tuple[list[str], NDArray[np.float64]]:
    """Return the names, and how often the name of each row beat the name of each column."""
    import numpy as np

    games = list(wins)
    names = list(dict.fromkeys(name for winner, loser, _ in games for name in (winner, loser)))
    won = np.zeros((len(names), len(names)))
    for winner, loser, number in games:
        if winner == loser or not (math.isfinite(number) and number >= 0):
            raise ValueError(f"{winner!r} cannot beat {loser!r} {number} times")
        won[names.index(winner), names.index(loser)] += number
    return names, won
