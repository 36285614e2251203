"""What fairness costs: one experiment under several welfare functions, its Pareto front, and the price of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scai_cli.runs.history.history import History
from scai_cli.social_choice import welfare

UTILITARIAN = "utilitarian"


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """One run: the mean and the lowest utility of its users (more is better) and their Gini coefficient (less is).

    `measured` says on whom: `holdout`, where people or tasks were held out, or else the last epoch that the run's
    product was played in.
    """

    function: str
    run_id: str
    version: int
    measured: str
    mean: float | None
    worst_off: float | None
    inequality: float | None
    values: Mapping[str, float | None]

    def dominates(self, other: ParetoPoint) -> bool:
        """Whether this point is nowhere worse than another and somewhere better."""
        here, there = self._goods, other._goods
        return here is not None and (
            there is None or (here != there and all(a >= b for a, b in zip(here, there, strict=True)))
        )

    @property
    def _goods(self) -> tuple[float, float, float] | None:
        if self.mean is None or self.worst_off is None or self.inequality is None:
            return None
        return (round(self.mean, 9), round(self.worst_off, 9), -round(self.inequality, 9))


@dataclass(frozen=True, slots=True)
class ParetoFront:
    """The points in the order asked for."""

    points: Sequence[ParetoPoint]

    def best(self, point: ParetoPoint) -> bool:
        """Whether a point is on the Pareto front of (mean, worst-off, inequality): none dominates it."""
        return not any(other.dominates(point) for other in self.points)

    def price(self, point: ParetoPoint) -> float | None:
        """The price of fairness, 1 - mean(fair) / mean(utilitarian) (Bertsimas, Farias and Trichakis 2011).

        Negative where the fair run came out with the higher mean; None without a utilitarian run or a mean of 0.
        """
        best = next((p.mean for p in self.points if p.function == UTILITARIAN), None)
        return 1 - point.mean / best if best and point.mean is not None else None

    def as_object(self) -> dict[str, Any]:
        """What `scai frontier --json` prints."""
        return {
            "over": "welfare",
            "points": [
                {
                    "welfare": point.function,
                    "run_id": point.run_id,
                    "version": point.version,
                    "measured_on": point.measured,
                    "mean": point.mean,
                    "worst_off": point.worst_off,
                    "inequality": point.inequality,
                    "price_of_fairness": self.price(point),
                    "on_front": self.best(point),
                    "values": dict(point.values),
                }
                for point in self.points
            ],
        }


def point_of(history: History, function: str) -> ParetoPoint:
    """Where a finished run came out."""
    assert history.finished is not None
    version = history.finished.version
    if history.holdout is not None:
        measured, utilities = "holdout", history.holdout.last
    else:
        played = [m for m in history.measured if m.version == version] or history.measured
        measured, utilities = f"epoch {played[-1].epoch}", played[-1].utilities
        version = played[-1].version
    weights = {persona.id: persona.weight for persona in history.config.personas.inline}
    values = welfare.everything(list(utilities.values()), [weights[user] for user in utilities])
    return ParetoPoint(
        function,
        history.run_id,
        version,
        measured,
        values["utilitarian"],
        values["rawlsian"],
        values["gini_coefficient"],
        values,
    )
