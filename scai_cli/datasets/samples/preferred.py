"""Compare two answers to one prompt by the ratings of the raters of both."""

from collections.abc import Mapping

from msgspec import Struct

RatingsByRater = Mapping[tuple[str, str], float]
"""(kind, rater) -> the readable rating of one answer; ratings of different kinds are never compared."""


class Preference(Struct, frozen=True, gc=False):
    """How much the common raters prefer the first answer to the second; negative if they prefer the second."""

    margin: float
    """The mean difference of the ratings, on the run's scale."""
    disagreement: float | None
    """The share of the raters, by weight, who prefer the other answer; None for fewer than two raters."""
    raters: tuple[str, ...]


class VoteCount(Struct, frozen=True, gc=False):
    """How raters count: others than the user by `cross_weight`, and each person by its weight, 1 if not in it."""

    cross_weight: float
    people: Mapping[str, float] = {}


def group_preference(first: RatingsByRater, second: RatingsByRater, votes: VoteCount) -> Preference | None:
    """Return the group's preference; None if no rater rated both answers in the same way.

    As in the utilities of a run, the rating of the user who got the answers has the weight 1 - `cross_weight`, and each
    other rating the weight `cross_weight`, times the person's own weight; if all are zero, people count by theirs.
    """
    total = weights = plain = people = for_first = for_second = 0.0
    raters = []
    for key, value in first.items():
        other = second.get(key)
        if other is None:
            continue
        difference = value - other
        person = votes.people.get(key[1], 1.0)
        weight = person * (votes.cross_weight if key[0] == "cross" else 1 - votes.cross_weight)
        total += weight * difference
        weights += weight
        plain += person * difference
        people += person
        for_first += person * (difference > 0)
        for_second += person * (difference < 0)
        raters.append(key[1])
    if not raters:
        return None
    margin = total / weights if weights else plain / people
    against = for_second if margin > 0 else for_first
    return Preference(margin, against / people if len(raters) > 1 else None, tuple(raters))


def rater_preferences(first: RatingsByRater, second: RatingsByRater) -> list[Preference]:
    """Return the preference of each common rater; `disagreement` is the share of them who disagree with that rater."""
    both = [(key[1], value - second[key]) for key, value in first.items() if key in second]
    preferences = []
    for rater, difference in both:
        against = sum(other * difference < 0 for _, other in both)
        preferences.append(Preference(difference, against / len(both) if len(both) > 1 else None, (rater,)))
    return preferences
