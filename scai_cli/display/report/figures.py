"""A run in the numbers that its report shows; they are those of `scai show`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from scai_cli.analysis.paired import EpochCells, PairedDifference, first_to_last, paired
from scai_cli.analysis.pareto import ParetoFront, ParetoPoint, point_of
from scai_cli.analysis.rating_validity import RatingValidity, rating_validity
from scai_cli.display.report.html import cut
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.rating_cells import bands
from scai_cli.runs.history.ratings import CompactRating
from scai_cli.social_choice import welfare
from scai_cli.stats.intervals import mean

MOST_NAME = 48
"""Characters of a person's name that are shown."""
SHOWN_WELFARE = ("utilitarian", "rawlsian", "nash", "gini_coefficient")


@dataclass(frozen=True, slots=True)
class PersonTrend:
    """One person over the epochs, on the rating scale: satisfaction, and the lowest and highest task behind it."""

    person: str
    name: str
    values: Sequence[float | None]
    band: Sequence[tuple[float, float] | None]
    corrected: float | None
    """The last satisfaction less the drift that the anchors show, if there are any."""

    @property
    def first(self) -> float | None:
        """The first value that is known."""
        return next((value for value in self.values if value is not None), None)

    @property
    def last(self) -> float | None:
        """The last value that is known."""
        return next((value for value in reversed(self.values) if value is not None), None)

    @property
    def change(self) -> float | None:
        """From the first to the last, to the digit that is shown."""
        return None if self.first is None or self.last is None else round(self.last - self.first, 1) + 0.0


@dataclass
class Figures:
    """What is shown of one run, which was read without its messages and ratings; `marks` are these in short."""

    history: History
    marks: Mapping[int, Sequence[CompactRating]]

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and the highest rating."""
        return self.history.started.scale if self.history.started else (0.0, 10.0)

    @property
    def metrics(self) -> Mapping[str, str]:
        """`own` and `cross` -> what is rated."""
        return (
            self.history.started.metrics if self.history.started else {"own": "satisfaction", "cross": "harmlessness"}
        )

    @cached_property
    def played(self) -> list[Epoch]:
        """The epochs that were played to their end."""
        return [epoch for epoch in self.history.epochs if epoch.welfare is not None]

    @cached_property
    def honest(self) -> dict[str, RatingValidity]:
        """Person -> whether it rates as it says it wants."""
        return rating_validity(self.history)

    @cached_property
    def courses(self) -> list[PersonTrend]:
        """Everybody who was measured, in the order of the experiment."""
        measured = self.history.measured
        seen = dict.fromkeys(user for m in measured for user in m.satisfaction)
        ranges = [bands(self.marks.get(epoch.number, ())) for epoch in self.played]
        return [
            PersonTrend(
                user,
                self.name(user),
                [m.satisfaction.get(user) for m in measured],
                [band.get(user) for band in ranges],
                _last(m.corrected.get(user) for m in measured),
            )
            for user in self.history.names
            if user in seen
        ]

    @cached_property
    def everybody(self) -> PersonTrend:
        """The mean over all people."""
        means = [_mean(m.satisfaction.values()) for m in self.history.measured]
        corrected = _last(_mean(m.corrected.values()) for m in self.history.measured)
        return PersonTrend("", "Everybody", means, [None] * len(means), corrected)

    @cached_property
    def gainers(self) -> list[PersonTrend]:
        """Who is better off at the end, the most first."""
        return sorted((c for c in self.courses if (c.change or 0) > 0), key=lambda c: -(c.change or 0))

    @cached_property
    def losers(self) -> list[PersonTrend]:
        """Who is worse off at the end, the most first."""
        return sorted((c for c in self.courses if (c.change or 0) < 0), key=lambda c: c.change or 0)

    @property
    def declared(self) -> str:
        """The declared welfare function."""
        return self.history.measured[-1].declared if self.history.measured else ""

    @property
    def functions(self) -> list[str]:
        """The welfare functions to show, the declared one first."""
        return list(dict.fromkeys((self.declared, *SHOWN_WELFARE)))

    @cached_property
    def satisfaction_gain(self) -> PairedDifference | None:
        """Mean satisfaction of the last epoch less that of the first, where the same people rated the same tasks."""
        cells = self.history.marks.cells
        ends = [EpochCells(f"epoch {n}", cells[n].own, {}) for n in self._ends if n in cells]
        return paired(ends[0], ends[1], mean, seed=self.history.config.seed) if len(ends) == 2 else None

    @cached_property
    def welfare_gain(self) -> PairedDifference | None:
        """Declared welfare of the last epoch less that of the first, for the same people and tasks, as `scai show`."""
        return first_to_last(self.history, welfare.parse(self.declared)) if self.declared else None

    @property
    def _ends(self) -> tuple[int, ...]:
        """The first and the last epoch; nothing with fewer than two."""
        return (self.played[0].number, self.played[-1].number) if len(self.played) > 1 else ()

    @cached_property
    def points(self) -> ParetoFront:
        """Every version that was played, where it stood in the last epoch that played it."""
        found: dict[int, ParetoPoint] = {}
        for measured in self.history.measured:
            values = measured.values
            found[measured.version] = ParetoPoint(
                f"version {measured.version}",
                self.history.run_id,
                measured.version,
                f"epoch {measured.epoch}",
                values.get("utilitarian"),
                values.get("rawlsian"),
                values.get("gini_coefficient"),
                values,
            )
        return ParetoFront(list(found.values()))

    @cached_property
    def point(self) -> ParetoPoint | None:
        """Where the run came out, or stands."""
        if self.history.finished is not None and self.history.measured:
            return point_of(self.history, self.declared)
        return self.points.points[-1] if self.points.points else None

    @property
    def missing(self) -> int:
        """Ratings that could not be read."""
        return sum(measured.missing for measured in self.history.measured)

    def name(self, person: str) -> str:
        """A person's name, cut to what is shown; the id where there is none."""
        return cut(self.history.names.get(person, person), MOST_NAME)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _last(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return known[-1] if known else None
