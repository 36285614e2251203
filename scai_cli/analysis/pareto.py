"""The price of fairness: the mean and the lowest utility of runs or versions, and their Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from scai_cli.analysis.run_measures import product_values
from scai_cli.experiment.constitution import Clause, Constitution
from scai_cli.runs.events import WelfareMeasured
from scai_cli.runs.history.history import History

_UTILITARIAN: Final = "utilitarian"


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """One run or version with its welfare by every function.

    `measured` names the users and tasks: `holdout`, or the last epoch of the version. `rules`: the texts of the
    constitution and whom they are for, in any order; None if they are not known.
    """

    function: str
    run_id: str
    version: int
    measured: str
    values: Mapping[str, float | None]
    rules: frozenset[tuple[str, tuple[str, ...]]] | None = None

    @property
    def mean(self) -> float | None:
        """The mean utility of the users; more is better."""
        return self.values.get(_UTILITARIAN)

    @property
    def worst_off(self) -> float | None:
        """The lowest utility of a user; more is better."""
        return self.values.get("rawlsian")

    @property
    def inequality(self) -> float | None:
        """The Gini coefficient of the utilities; less is better."""
        return self.values.get("gini_coefficient")

    def dominates(self, other: ParetoPoint) -> bool:
        """Return whether this point is at least as good as another in all values and better in one."""
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
    """The points of a comparison, in the given order."""

    points: Sequence[ParetoPoint]
    participants: str = ""

    def best(self, point: ParetoPoint) -> bool:
        """Return whether a point is on the Pareto front of (mean, worst-off, inequality): none dominates it."""
        return not any(other.dominates(point) for other in self.points)

    def price(self, point: ParetoPoint) -> float | None:
        """Return the price of fairness, 1 - mean(fair) / mean(utilitarian) (Bertsimas, Farias and Trichakis 2011).

        Negative if the fair run has the higher mean; None without a utilitarian run or for a mean of 0.
        """
        best = next((p.mean for p in self.points if p.function == _UTILITARIAN), None)
        return 1 - point.mean / best if best and point.mean is not None else None

    def same_as(self, point: ParetoPoint) -> str | None:
        """Return the first earlier welfare function that led to the same constitution, None without one."""
        earlier = takewhile(lambda other: other is not point, self.points)
        return next((other.function for other in earlier if other.rules == point.rules is not None), None)

    def as_object(self) -> dict[str, Any]:
        """Return the object that `scai frontier --json` prints."""
        return {
            "over": "welfare",
            "participants": self.participants,
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
                    "same_as": self.same_as(point),
                    "values": dict(point.values),
                }
                for point in self.points
            ],
        }


def product_point(history: History, function: str) -> ParetoPoint:
    """Return the point of a finished run's product, on the holdout or in the last epoch under it."""
    assert history.finished is not None
    measured_on, values = product_values(history)
    if not measured_on:
        return _epoch_point(history, history.measured[-1], function)
    return ParetoPoint(
        function, history.run_id, history.finished.version, measured_on, values, _rules(history.product[0])
    )


def version_points(history: History) -> list[ParetoPoint]:
    """Return the point of every played version, in the last epoch under it."""
    last = {measured.version: measured for measured in history.measured}
    return [_epoch_point(history, measured, f"version {version}") for version, measured in last.items()]


def _epoch_point(history: History, measured: WelfareMeasured, function: str) -> ParetoPoint:
    return ParetoPoint(function, history.run_id, measured.version, f"epoch {measured.epoch}", measured.values)


def _rules(constitution: Constitution) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset(
        (rule.text, (rule.bound, *sorted(rule.users)) if isinstance(rule, Clause) else ())
        for rule in constitution.rules
    )
