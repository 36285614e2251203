"""Whether the simulated users rate as they say they want: their ratings against the utility observed in the texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scai_cli.runs.history.history import History
from scai_cli.runs.history.ratings import ObservedRatings
from scai_cli.stats.intervals import rank_correlation, spearman

_MANY: Final = 2000
"""With more answers than these it pays to load numpy."""


@dataclass(frozen=True, slots=True)
class RatingValidity:
    """Spearman's rank correlation of rating and observed utility over the answers that one persona rated.

    1: answers that serve its stated preferences better are rated higher; 0: ratings do not depend on them. `own` is
    over its own answers and `cross` over the others', `overall` their mean, weighted by the number of answers: the two
    rate different metrics, and are not ranked among each other. None for fewer than two answers, or all rated alike.
    """

    overall: float | None
    own: float | None
    cross: float | None
    answers: int


def rating_validity(history: History) -> dict[str, RatingValidity]:
    """Return persona -> validity, for those with stated preferences; ratings of anchors do not count."""
    pairs = history.rating_index.observed
    raters = dict.fromkeys(rater for rater, _ in pairs)
    none = ObservedRatings()
    return {rater: _of(pairs.get((rater, "own"), none), pairs.get((rater, "cross"), none)) for rater in raters}


def _of(own: ObservedRatings, cross: ObservedRatings) -> RatingValidity:
    correlations = [(_correlation(pairs), len(pairs.values)) for pairs in (own, cross)]
    known = [(value, count) for value, count in correlations if value is not None]
    answers = sum(count for _, count in known)
    overall = sum(value * count for value, count in known) / answers if answers else None
    return RatingValidity(overall, correlations[0][0], correlations[1][0], len(own.values) + len(cross.values))


def _correlation(pairs: ObservedRatings) -> float | None:
    correlate = rank_correlation if len(pairs.values) > _MANY else spearman
    return correlate(pairs.values, pairs.observed)
