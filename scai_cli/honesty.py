"""Whether the simulated users rate as they say they want: their ratings beside what a program measures in the texts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from scai_cli.events import Rated
from scai_cli.history import History
from scai_cli.social.statistics import spearman


@dataclass(frozen=True, slots=True)
class Honesty:
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


def honesty(history: History) -> dict[str, Honesty]:
    """Persona -> honesty, for those with stated preferences; anchors do not count."""
    rated: dict[str, list[Rated]] = defaultdict(list)
    for epoch in history.epochs:
        for rating in epoch.ratings:
            if rating.value is not None and rating.observed is not None:
                rated[rating.rater].append(rating)
    return {persona: _of(ratings) for persona, ratings in rated.items()}


def _of(ratings: list[Rated]) -> Honesty:
    own, cross = ([rating for rating in ratings if rating.kind == kind] for kind in ("own", "cross"))
    parts = [(found, len(part)) for part in (own, cross) if (found := _correlation(part)) is not None]
    answers = sum(count for _, count in parts)
    overall = sum(found * count for found, count in parts) / answers if answers else None
    return Honesty(overall, _correlation(own), _correlation(cross), len(ratings))


def _correlation(ratings: list[Rated]) -> float | None:
    return spearman([rating.value for rating in ratings], [rating.observed for rating in ratings])
