"""Intervals of any statistics of people, such as rank correlations, by leaving out groups of people."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from scai_cli.stats.clustered import FEWEST_CLUSTERS, ClusteredMean, student_mean

Statistics = Callable[[Sequence[int]], Sequence[float | None]]
"""Statistics of the people with these numbers; None for one that they do not determine."""

_GROUPS: Final = 40
"""The largest number of groups: more take longer and hardly make the interval better."""
_SAME: Final = 1e-12
"""A change of a statistic that rounding can explain."""


def jackknife(statistics: Statistics, people: Sequence[int], *, level: float = 0.95) -> list[ClusteredMean | None]:
    """Return each statistic of the people with Student's t interval for new people; None where it is not determined.

    Each of G groups of people, at most 40, drawn once and of nearly equal sizes, is left out in turn: the variance is
    (G - 1) / G times the squares around the mean (delete-a-group jackknife, Kott 2001). There is a degree of freedom
    less than groups that change the statistic, as others have no part in it. Fewer than `FEWEST_CLUSTERS` of those, or
    a statistic that some group determines alone, have no interval.
    """
    count = min(len(people), _GROUPS)
    shuffled = random.Random(0).sample(people, len(people))
    left = [statistics([p for n, p in enumerate(shuffled) if n % count != group]) for group in range(count)]
    found: list[ClusteredMean | None] = []
    for n, estimate in enumerate(statistics(people)):
        known = [value for each in left if (value := each[n]) is not None]
        if estimate is None:
            found.append(None)
            continue
        variance, taking_part = 0.0, sum(abs(value - estimate) > _SAME for value in known)
        if len(known) == count and taking_part >= FEWEST_CLUSTERS:
            middle = sum(known) / count
            variance = (count - 1) / count * sum((value - middle) ** 2 for value in known)
        found.append(student_mean(estimate, variance, taking_part - 1, level, (len(people), len(people))))
    return found
