"""Which of two answers to one prompt is better, by the raters of both."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

RatingsByRater = Mapping[tuple[str, str], float]
"""(kind, rater) -> a readable rating of one answer. A rater's satisfaction with an answer to itself and its rating of
an answer to another persona are different metrics, so that only ratings of one kind are compared."""


class Preference(Struct, frozen=True, gc=False):
    """How much better the first answer is than the second by the raters of both; below 0 it is worse."""

    margin: float
    """Mean difference of the ratings, on the scale."""
    disagreement: float | None
    """Share of the raters who prefer the other one; None with fewer than two raters."""
    raters: tuple[str, ...]


def group_preference(first: RatingsByRater, second: RatingsByRater, cross_weight: float) -> Preference | None:
    """Return the group's preference; None where no rater rated both in the same way.

    As in the utilities of a run, the rating of the user who got the answers weighs 1 - `cross_weight` and that of each
    other one `cross_weight`; where this leaves no weight at all, all weigh the same.
    """
    total = weights = 0.0
    plain, for_first, for_second = 0.0, 0, 0
    raters = []
    for key, value in first.items():
        other = second.get(key)
        if other is None:
            continue
        difference = value - other
        weight = cross_weight if key[0] == "cross" else 1 - cross_weight
        total += weight * difference
        weights += weight
        plain += difference
        for_first += difference > 0
        for_second += difference < 0
        raters.append(key[1])
    if not raters:
        return None
    margin = total / weights if weights else plain / len(raters)
    against = for_second if margin > 0 else for_first
    return Preference(margin, against / len(raters) if len(raters) > 1 else None, tuple(raters))


def rater_preferences(first: RatingsByRater, second: RatingsByRater) -> list[Preference]:
    """Return the preference of every rater of both; `disagreement` is the share of them who disagree with it."""
    both = [(key[1], value - second[key]) for key, value in first.items() if key in second]
    preferences = []
    for rater, difference in both:
        against = sum(other * difference < 0 for _, other in both)
        preferences.append(Preference(difference, against / len(both) if len(both) > 1 else None, (rater,)))
    return preferences
