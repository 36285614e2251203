"""The effect of a rule on what programs measure in the answers: with it minus without it, round by round."""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Final

from scai_cli.runs.records import Estimate
from scai_cli.stats.student import quantile

Values = Mapping[str, float | None]
"""Measure -> its mean over the final answers of a round."""


_NO_LUCK: Final = 1e-12
"""The largest standard error that rounding can explain."""


def measured_effects(
    rounds: Sequence[tuple[Values, Values]], rules: int, people: int, tasks: int
) -> dict[str, Estimate]:
    """Return measure -> the effect of a rule, from the values with and without it in each round.

    The intervals of 95 % are valid together for all `rules`; there is none if nothing varied from round to round.
    """
    found = {}
    for name in dict.fromkeys(name for sides in rounds for side in sides for name in side):
        pairs = [(one.get(name), other.get(name)) for one, other in rounds]
        changes = [a - b for a, b in pairs if a is not None and b is not None]
        if not changes:
            continue
        estimate, half = fmean(changes), None
        error = stdev(changes) / sqrt(len(changes)) if len(changes) > 1 else 0.0
        if error > _NO_LUCK:
            half = quantile(1 - 0.05 / rules, len(changes) - 1) * error
        found[name] = Estimate(
            estimate=estimate,
            low=None if half is None else estimate - half,
            high=None if half is None else estimate + half,
            level=0.95,
            estimand="these people and tasks again",
            people=people,
            tasks=tasks,
        )
    return found
