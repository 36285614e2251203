"""Measure whether users rate by their preferences: correlate ratings with the utility observed in the texts."""

from dataclasses import dataclass

from scai_cli.runs.history.history import History
from scai_cli.runs.history.ratings import ObservedRatings
from scai_cli.stats.intervals import spearman


@dataclass(frozen=True, slots=True)
class RatingValidity:
    """Spearman's rank correlation of rating and observed utility over the answers rated by one persona.

    1: answers that fit its stated preferences better are rated higher; 0: ratings do not depend on them. `own` is over
    its own answers, `cross` over the others' answers, and `overall` their mean weighted by the number of answers, as
    the two rate different qualities. None for fewer than two answers or equal ratings.
    """

    overall: float | None
    own: float | None
    cross: float | None
    answers: int


def rating_validity(history: History) -> dict[str, RatingValidity]:
    """Return persona -> validity, for personas with stated preferences; ratings of anchors do not count."""
    pairs = history.rating_index.observed
    raters = dict.fromkeys(rater for rater, _ in pairs)
    none = ObservedRatings()
    return {rater: _of(pairs.get((rater, "own"), none), pairs.get((rater, "cross"), none)) for rater in raters}


def _of(own: ObservedRatings, cross: ObservedRatings) -> RatingValidity:
    correlations = [(spearman(pairs.values, pairs.observed), len(pairs.values)) for pairs in (own, cross)]
    known = [(value, count) for value, count in correlations if value is not None]
    answers = sum(count for _, count in known)
    overall = sum(value * count for value, count in known) / answers if answers else None
    return RatingValidity(overall, correlations[0][0], correlations[1][0], len(own.values) + len(cross.values))
