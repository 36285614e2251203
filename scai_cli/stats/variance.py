"""Measure how much of the variance in ratings lies between the raters: one-way analysis of variance."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variances:
    """Of the mean squares between and within groups, `ratio` is the quotient F, `icc` the share that groups explain.

    icc = (B - W) / (B + (n0 - 1) W), with n0 the groups' effective size: 1 if members of a group agree and groups
    differ, 0 or less if the groups explain nothing. Source: Shrout and Fleiss (1979), ICC(1,1); n0 as in Sokal and
    Rohlf. `ratio` and `icc` are None if nothing varies within groups or at all.
    """

    ratio: float | None
    icc: float | None


def one_way(groups: Sequence[Sequence[float]]) -> Variances | None:
    """Analyse groups of ratings without the empty ones; None for fewer than two groups or no group of two."""
    filled = [group for group in groups if group]
    sizes = [len(group) for group in filled]
    total, count = sum(sizes), len(filled)
    if count < 2 or total == count:
        return None
    grand = sum(map(sum, filled)) / total
    means = [sum(group) / len(group) for group in filled]
    between = sum(n * (mean - grand) ** 2 for n, mean in zip(sizes, means, strict=True)) / (count - 1)
    within = sum((x - mean) ** 2 for group, mean in zip(filled, means, strict=True) for x in group) / (total - count)
    effective = (total - sum(n * n for n in sizes) / total) / (count - 1)
    spread = between + (effective - 1) * within
    return Variances(between / within if within > 0 else None, (between - within) / spread if spread > 0 else None)
