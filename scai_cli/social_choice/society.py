"""A society: the people whose utilities count, each with a population share and an opinion group."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Member:
    """One person: utility in [0, 1], share of the population in (0, 1], opinion group (None: unknown)."""

    utility: float
    share: float
    group: Hashable = None


Society = tuple[Member, ...]
"""Members from the worst off to the best off; their shares sum to one. Empty if no person is left."""


def society(
    utilities: Sequence[float | None], weights: Sequence[float] | None = None, groups: Sequence[Hashable] | None = None
) -> Society:
    """Order the people by utility; a missing utility (None) or a weight of zero leaves a person out.

    `weights` (population weights, finite, >= 0; default: all equal) are scaled to sum to one over the remaining people,
    so only their ratios matter. Raises ValueError for unequal lengths, for a weight that is negative or not finite, and
    for a utility outside [0, 1] (beyond a rounding error of 1e-9, which is clipped).
    """
    checked = [1.0] * len(utilities) if weights is None else [_weight(weight) for weight in weights]
    labels: Sequence[Hashable] = [None] * len(utilities) if groups is None else groups
    if not len(utilities) == len(checked) == len(labels):
        raise ValueError(f"not the same people: {len(utilities)} utilities, {len(checked)} weights")
    present = [
        (_utility(utility), weight, label)
        for utility, weight, label in zip(utilities, checked, labels, strict=True)
        if utility is not None and weight > 0
    ]
    largest = max((weight for _, weight, _ in present), default=1.0)
    total = math.fsum(weight / largest for _, weight, _ in present)
    members = (Member(utility, weight / largest / total, label) for utility, weight, label in present)
    return tuple(sorted((m for m in members if m.share > 0), key=lambda m: (m.utility, m.share)))


def _weight(weight: float) -> float:
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"a weight is {weight}: weights of utilities are finite and not negative")
    return weight


def _utility(utility: float) -> float:
    if not -_ROUNDING <= utility <= 1 + _ROUNDING:
        raise ValueError(f"a utility is {utility}: utilities are between 0 and 1")
    return min(1.0, max(0.0, utility))
