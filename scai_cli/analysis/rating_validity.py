"""Whether the simulated users rate as they say they want: their ratings beside what a program measures in the texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from scai_cli.runs.history.history import History
from scai_cli.runs.history.ratings import Pairs
from scai_cli.stats.intervals import rank_correlation, spearman

_MANY: Final = 2000
"""From so many answers on it pays to load numpy."""


@dataclass(frozen=True, slots=True)
class RatingValidity:
    """Spearman's rank correlation of rating and observed utility over the answers that one persona rated.

    1: whatever serves its stated preferences better is rated higher; 0: ratings have nothing to do with them. `own`
    is over its own answers and `cross` over the others', `overall` their mean, weighted by the number of answers: they
    are rated for different things, and are not ranked among each other. None where it cannot be told: fewer than two
    answers, or all rated alike.
    """

    overall: float | None
    own: float | None
    cross: float | None
    answers: int

    def as_object(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"overall": self.overall, "own": self.own, "cross": self.cross, "answers": self.answers}


def rating_validity(history: History) -> dict[str, RatingValidity]:
    """Persona -> honesty, for those with stated preferences; anchors do not count."""
    pairs = history.marks.pairs
    raters = dict.fromkeys(rater for rater, _ in pairs)
    return {rater: _of(pairs.get((rater, "own"), Pairs()), pairs.get((rater, "cross"), Pairs())) for rater in raters}


def _of(own: Pairs, cross: Pairs) -> RatingValidity:
    parts = [(_correlation(pairs), len(pairs.values)) for pairs in (own, cross)]
    told = [(found, count) for found, count in parts if found is not None]
    answers = sum(count for _, count in told)
    overall = sum(found * count for found, count in told) / answers if answers else None
    return RatingValidity(overall, parts[0][0], parts[1][0], len(own.values) + len(cross.values))


def _correlation(pairs: Pairs) -> float | None:
    correlate = rank_correlation if len(pairs.values) > _MANY else spearman
    return correlate(pairs.values, pairs.observed)
