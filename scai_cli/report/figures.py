"""A run in the numbers that its report shows; they are those of `scai show`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from scai_cli.events import Estimate, Rated
from scai_cli.front import Front, Point, point_of
from scai_cli.history import Epoch, History
from scai_cli.honesty import Honesty, honesty
from scai_cli.social import welfare

SHOWN_WELFARE = ("utilitarian", "rawlsian", "nash", "gini_coefficient")
MEANINGS = {
    "utilitarian": "the mean over all people",
    "rawlsian": "the worst-off person",
    "nash": "a mean that low values pull down",
    "gini_coefficient": "inequality; lower is more equal",
}

Cells = Mapping[tuple[str, str], float]
"""(person, task) -> a number."""


@dataclass(frozen=True, slots=True)
class Course:
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
    """What is shown of one run, read without its messages."""

    history: History

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
    def honest(self) -> dict[str, Honesty]:
        """Person -> whether it rates as it says it wants."""
        return honesty(self.history)

    @cached_property
    def courses(self) -> list[Course]:
        """Everybody who was measured, in the order of the experiment."""
        measured = self.history.measured
        seen = dict.fromkeys(user for m in measured for user in m.satisfaction)
        bands = [_bands(epoch.ratings) for epoch in self.played]
        return [
            Course(
                user,
                name,
                [m.satisfaction.get(user) for m in measured],
                [band.get(user) for band in bands],
                _last(m.corrected.get(user) for m in measured),
            )
            for user, name in self.history.names.items()
            if user in seen
        ]

    @cached_property
    def everybody(self) -> Course:
        """The mean over all people."""
        means = [_mean(m.satisfaction.values()) for m in self.history.measured]
        corrected = _last(_mean(m.corrected.values()) for m in self.history.measured)
        return Course("", "Everybody", means, [None] * len(means), corrected)

    @cached_property
    def gainers(self) -> list[Course]:
        """Who is better off at the end, the most first."""
        return sorted((c for c in self.courses if (c.change or 0) > 0), key=lambda c: -(c.change or 0))

    @cached_property
    def losers(self) -> list[Course]:
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
    def satisfaction_gain(self) -> Estimate | None:
        """Mean satisfaction of the last epoch less that of the first, where the same people rated the same tasks."""
        return self._gain(lambda epoch: own_cells(epoch.ratings), None)

    @cached_property
    def welfare_gain(self) -> Estimate | None:
        """Declared welfare of the last epoch less that of the first, for the same people and tasks."""
        ratings = self.history.config.ratings
        return self._gain(
            lambda epoch: utility_cells(epoch.ratings, ratings.scale, ratings.cross_weight), self.declared
        )

    @cached_property
    def points(self) -> Front:
        """Every version that was played, where it stood in the last epoch that played it."""
        found: dict[int, Point] = {}
        for measured in self.history.measured:
            values = measured.values
            found[measured.version] = Point(
                f"version {measured.version}",
                self.history.run_id,
                measured.version,
                f"epoch {measured.epoch}",
                values.get("utilitarian"),
                values.get("rawlsian"),
                values.get("gini_coefficient"),
                values,
            )
        return Front(list(found.values()))

    @cached_property
    def point(self) -> Point | None:
        """Where the run came out, or stands."""
        if self.history.finished is not None and self.history.measured:
            return point_of(self.history, self.declared)
        return self.points.points[-1] if self.points.points else None

    @property
    def missing(self) -> int:
        """Ratings that could not be read."""
        return sum(measured.missing for measured in self.history.measured)

    @property
    def failures(self) -> int:
        """Calls that failed for good."""
        return sum(len(epoch.problems) for epoch in self.history.epochs)

    def name(self, person: str) -> str:
        """A person's name, or the id where there is none."""
        return self.history.names.get(person, person)

    def _gain(self, cells: Callable[[Epoch], Cells], function: str | None) -> Estimate | None:
        """The difference between the last and the first epoch over the cells of both, with a bootstrap interval."""
        if len(self.played) < 2:
            return None
        from scai_cli.social.statistics import Statistic, mean, paired_difference

        before, after = cells(self.played[0]), cells(self.played[-1])
        both = [cell for cell in before if cell in after]
        if not both:
            return None
        people, tasks = (list(dict.fromkeys(cell[side] for cell in both)) for side in (0, 1))
        weights = {persona.id: persona.weight for persona in self.history.config.personas.inline}
        heavy = [weights.get(person, 1.0) for person in people] if function else None
        first, last = ([[side.get((p, t)) for t in tasks] for p in people] for side in (before, after))
        statistic: Statistic = welfare.parse(function) if function else mean
        found = paired_difference(first, last, statistic, weights=heavy, seed=self.history.config.seed)
        if found is None:
            return None
        return Estimate(estimate=found.estimate, low=found.low, high=found.high, level=found.level)


def own_cells(ratings: Iterable[Rated]) -> Cells:
    """(person, task) -> own rating of the final answer."""
    return {(r.rater, task_of(r)): r.value for r in ratings if r.final and r.kind == "own" and r.value is not None}


def utility_cells(ratings: Sequence[Rated], scale: tuple[float, float], cross_weight: float) -> Cells:
    """(person, task) -> utility in [0, 1], as `simulation.contentment` defines it."""
    own = own_cells(ratings)
    given: dict[tuple[str, str], list[float]] = defaultdict(list)
    for rating in ratings:
        if rating.final and rating.kind == "cross" and rating.value is not None:
            given[rating.rater, task_of(rating)].append(rating.value)
    low, high = scale
    share = {cell: (sum(values) / len(values) - low) / (high - low) for cell, values in given.items()}
    if cross_weight == 1:
        return share
    moved = {cell: (value - low) / (high - low) for cell, value in own.items()}
    return {
        cell: (1 - cross_weight) * s + cross_weight * share[cell] if cell in share else s for cell, s in moved.items()
    }


def task_of(rating: Rated) -> str:
    """The task of the conversation that was rated."""
    return rating.conversation.rpartition("/")[2]


def _bands(ratings: Iterable[Rated]) -> dict[str, tuple[float, float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for (person, _), value in own_cells(ratings).items():
        found[person].append(value)
    return {person: (min(values), max(values)) for person, values in found.items()}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _last(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return known[-1] if known else None
