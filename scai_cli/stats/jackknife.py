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


def jackknife(statistics: Statistics, people: Sequence[int], *, level: float = 0.95) -> list[ClusteredMean | None]:
    """Return each statistic of the people with Student's t interval for new people; None where it is not determined.

    Each of G groups of people, at most 40, drawn once and of equal sizes, is left out in turn: the variance is
    (G - 1) / G times the squares around the mean, with G - 1 degrees of freedom (delete-a-group jackknife, Kott 2001).
    Fewer than `FEWEST_CLUSTERS` people, or a statistic that some group determines alone, have no interval.
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
        variance = 0.0
        if len(known) == count >= FEWEST_CLUSTERS:
            middle = sum(known) / count
            variance = (count - 1) / count * sum((value - middle) ** 2 for value in known)
        found.append(student_mean(estimate, variance, count - 1, level, (len(people), len(people))))
    return found
