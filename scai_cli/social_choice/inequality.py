"""Inequality among utilities, where less is better, and alpha-fairness on its own unbounded scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scai_cli.social_choice import formulas
from scai_cli.social_choice.society import Society, society


def gini_coefficient(utilities: Sequence[float | None], weights: Sequence[float] | None = None) -> float | None:
    """Sum |ui - uj| / (2 n^2 mean) (Gini 1912): 0 when all are equal (all at zero included), at most 1 - 1/n.

    Invariant to scale. Computed as 1 - `formulas.ordered_mean`(2) / mean, the same number. Nobody left: None.
    """
    people = society(utilities, weights)
    return _shortfall(people, formulas.ordered_mean(people, 2)) if people else None


def atkinson_index(
    utilities: Sequence[float | None], weights: Sequence[float] | None = None, *, epsilon: float = 0.5
) -> float | None:
    """1 - (equally-distributed equivalent) / mean (Atkinson 1970): the share lost to inequality, in [0, 1].

    Invariant to scale; 0 when all are equal (all at zero included). Nobody left: None.
    """
    people = society(utilities, weights)
    return _shortfall(people, formulas.power_mean(people, epsilon)) if people else None


def alpha_fairness(
    utilities: Sequence[float | None], weights: Sequence[float] | None = None, *, alpha: float = 2
) -> float | None:
    """Sum p u^(1-a) / (1-a), at a = 1 sum p ln u (Mo and Walrand 2000): at most 1/(1-a) for a < 1, else <= 0.

    Minus infinity where somebody is at zero and a >= 1. The welfare function `alpha` is its
    equally-distributed equivalent: the same order, on the scale of the utilities, and so the number that
    `atkinson` with e = a gives. Nobody left: None.
    """
    people = society(utilities, weights)
    if not people:
        return None
    if people[0].utility == 0 and alpha >= 1:
        return -math.inf
    if alpha == 1:
        return math.fsum(m.share * math.log(m.utility) for m in people)
    level = formulas.power_mean(people, alpha)
    if level == 0:
        return 0.0
    exponent = (1 - alpha) * math.log(level)
    return math.exp(exponent) / (1 - alpha) if exponent < 700 else -math.inf


def _shortfall(people: Society, equivalent: float) -> float:
    average = formulas.mean(people)
    return max(0.0, 1 - equivalent / average) if average > 0 else 0.0
