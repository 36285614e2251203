"""Measure whether users rate by their preferences: correlate ratings with the utility observed in the texts."""

from dataclasses import dataclass
from typing import Final

from scai_cli.runs.history.history import History
from scai_cli.runs.history.ratings import ObservedRatings
from scai_cli.stats.intervals import spearman

_WITHOUT_THEMES: Final = ("0.1.", "0.2.", "0.3.", "0.4.")
"""The versions whose runs record the utility of others' answers with the style."""


@dataclass(frozen=True, slots=True)
class RatingValidity:
    """Spearman's rank correlation of rating and observed utility over the answers rated by one persona.

    1: answers that fit its stated preferences better are rated higher; 0: ratings do not depend on them. `own` is over
    its own answers; `cross` over the others' answers, by the themes of the preferences alone, as style does no harm.
    None for fewer than two answers or equal ratings.
    """

    own: float | None
    cross: float | None


def rating_validity(history: History) -> dict[str, RatingValidity]:
    """Return persona -> validity, for personas with stated preferences."""
    pairs = history.rating_index.observed
    if history.started is not None and history.started.scai.startswith(_WITHOUT_THEMES):
        pairs = {key: ratings for key, ratings in pairs.items() if key[1] == "own"}
    raters = dict.fromkeys(rater for rater, _ in pairs)
    none = ObservedRatings()
    return {
        rater: RatingValidity(*(_correlation(pairs.get((rater, kind), none)) for kind in ("own", "cross")))
        for rater in raters
    }


def _correlation(pairs: ObservedRatings) -> float | None:
    return spearman(pairs.values, pairs.observed)
