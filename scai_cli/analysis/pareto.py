"""The price of fairness: the mean and the lowest utility of runs or versions, and their Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from statistics import fmean, stdev
from typing import Final

from scai_cli.analysis.run_measures import product_values
from scai_cli.experiment.constitution import Clause, Constitution
from scai_cli.runs.events import WelfareMeasured
from scai_cli.runs.history.history import History

_UTILITARIAN: Final = "utilitarian"
_RAWLSIAN: Final = "rawlsian"
_GINI: Final = "gini_coefficient"

Rules = frozenset[tuple[str, tuple[str, ...]]]
"""The texts of a constitution and whom they are for, in any order."""


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """One run or version with its welfare by every function, or the mean of several runs with other seeds.

    `measured` names the users and tasks: `holdout`, or the last epoch of the version. `rules` has the rules of each
    run by its seed, and is empty if they are not known. `spread`: standard deviations of `values` over several runs.
    """

    function: str
    version: int
    measured: str
    values: Mapping[str, float | None]
    rules: Mapping[str, Rules] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)

    @property
    def mean(self) -> float | None:
        """The mean utility of the users; more is better."""
        return self.values.get(_UTILITARIAN)

    @property
    def worst_off(self) -> float | None:
        """The lowest utility of a user; more is better."""
        return self.values.get(_RAWLSIAN)

    @property
    def inequality(self) -> float | None:
        """The Gini coefficient of the utilities; less is better."""
        return self.values.get(_GINI)

    @property
    def spreads(self) -> tuple[float | None, float | None, float | None]:
        """The standard deviations of mean, worst-off and inequality; None for a single run."""
        mean, worst_off, inequality = (self.spread.get(name) for name in (_UTILITARIAN, _RAWLSIAN, _GINI))
        return mean, worst_off, inequality

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

    def best(self, point: ParetoPoint) -> bool:
        """Return whether a point is on the Pareto front of (mean, worst-off, inequality): none dominates it."""
        return not any(other.dominates(point) for other in self.points)

    def price(self, point: ParetoPoint) -> float | None:
        """Return the price of fairness, 1 - mean(fair) / mean(utilitarian) (Bertsimas, Farias and Trichakis 2011).

        Negative if the fair run has the higher mean; None without a utilitarian run or for a mean of 0.
        """
        best = next((p.mean for p in self.points if p.function == _UTILITARIAN), None)
        return 1 - point.mean / best if best and point.mean is not None else None

    def same_as(self, point: ParetoPoint) -> tuple[str, int] | None:
        """Return the earlier welfare function that led to the same constitution with most seeds, and their number.

        None if no earlier one led to the same constitution with any.
        """
        earlier = takewhile(lambda other: other is not point, self.points)
        found = [
            (other.function, sum(other.rules.get(seed) == rules for seed, rules in point.rules.items()))
            for other in earlier
        ]
        most = max(found, key=lambda each: each[1], default=("", 0))
        return most if most[1] else None


def product_point(history: History, function: str) -> ParetoPoint:
    """Return the point of a finished run's product, on the holdout or in the last epoch under it."""
    assert history.finished is not None
    measured_on, values = product_values(history)
    if not measured_on:
        return _epoch_point(history.measured[-1], function)
    rules = {str(history.config.seed): _rules(history.product[0])}
    return ParetoPoint(function, history.finished.version, measured_on, values, rules)


def mean_point(points: Sequence[ParetoPoint]) -> ParetoPoint:
    """Return the mean of one or more points of the same function and other seeds, with its spread."""
    first = points[0]
    if len(points) == 1:
        return first
    columns = {name: [point.values.get(name) for point in points] for name in (_UTILITARIAN, _RAWLSIAN, _GINI)}
    known = {name: [value for value in column if value is not None] for name, column in columns.items()}
    return ParetoPoint(
        first.function,
        first.version,
        f"{len(points)} runs",
        {name: fmean(column) if column else None for name, column in known.items()},
        {seed: rules for point in points for seed, rules in point.rules.items()},
        {name: stdev(column) for name, column in known.items() if len(column) > 1},
    )


def version_points(history: History) -> list[ParetoPoint]:
    """Return the point of every played version, in the last epoch under it."""
    last = {measured.version: measured for measured in history.measured}
    return [_epoch_point(measured, f"version {version}") for version, measured in last.items()]


def _epoch_point(measured: WelfareMeasured, function: str) -> ParetoPoint:
    return ParetoPoint(function, measured.version, f"epoch {measured.epoch}", measured.values)


def _rules(constitution: Constitution) -> Rules:
    return frozenset(
        (rule.text, (rule.bound, *sorted(rule.users)) if isinstance(rule, Clause) else ())
        for rule in constitution.rules
    )
