"""Convert ratings into one utility per persona, from 0 to 1."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.runs.records import Estimate
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.outcome import Outcome
from scai_cli.social_choice.welfare import WelfareFunction, everything
from scai_cli.stats.intervals import Estimand, paired_difference

Row = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class EpochUtilities:
    """The utilities of an epoch's personas; None if all ratings of a persona are missing.

    `satisfaction` and `harmlessness` are means on the rating scale: of the own ratings of final answers, and of the
    persona's ratings of the others' answers. `table` contains utilities in [0, 1], a row per persona and a column per
    task; `utilities` are the means of its rows. `observed` is computed from the texts; `measured` are the means of the
    declared measures over all final answers of which they could tell.
    """

    satisfaction: Mapping[str, float | None]
    harmlessness: Mapping[str, float | None]
    observed: Mapping[str, float | None]
    utilities: Mapping[str, float | None]
    table: tuple[Row, ...]
    weights: tuple[float, ...]
    missing: int
    measured: Mapping[str, float | None] = field(default_factory=dict)

    def welfare(self, function: WelfareFunction) -> float | None:
        """Return the group's welfare by a function, persona weights included."""
        return function(list(self.utilities.values()), self.weights)

    def values(self, declared: WelfareFunction) -> dict[str, float | None]:
        """Return the group's welfare by every function, including the declared one."""
        known = everything(list(self.utilities.values()), self.weights)
        return {**known, declared.label: self.welfare(declared)}


@dataclass(frozen=True, slots=True)
class PairedUtilities:
    """The utilities of the same people and tasks before and after, over the cells that are rated on both sides."""

    before: Row
    after: Row
    weights: tuple[float, ...]

    @classmethod
    def of(cls, before: EpochUtilities, after: EpochUtilities) -> PairedUtilities:
        """Pair the utilities of one group with the same tasks."""
        rated_in_both = [
            [(a, b) for a, b in zip(*rows, strict=True) if a is not None and b is not None]
            for rows in zip(before.table, after.table, strict=True)
        ]
        first, last = (tuple(mean(cell[side] for cell in row) for row in rated_in_both) for side in (0, 1))
        return cls(first, last, before.weights)

    def improves(self, function: WelfareFunction) -> bool:
        """Return whether welfare is higher after than before, by more than a rounding error."""
        return welfare_key(function, self.after, self.weights) > welfare_key(function, self.before, self.weights)

    def values(self, function: WelfareFunction) -> tuple[float | None, float | None]:
        """Return welfare before and after."""
        return function(self.before, self.weights), function(self.after, self.weights)


def welfare_key(
    function: WelfareFunction, utilities: Sequence[float | None], weights: Sequence[float]
) -> tuple[float, ...]:
    """Return a sort key for welfare; values that differ by a rounding error are equal."""
    rounded = [None if utility is None else round(utility, 9) for utility in utilities]
    return tuple(round(part, 9) for part in function.key(rounded, weights))


def epoch_utilities(context: EpochContext, outcomes: Sequence[Outcome]) -> EpochUtilities:
    """Return the utilities of an epoch from its final ratings.

    The cell of persona p and task t is (1 - w) * s + w * h, where s is p's own rating of its final answer, h the mean
    of p's ratings of the others' final answers to t, both scaled to [0, 1], and w is `cross_weight`. With
    `ratings.calibration`, s is what people give where simulated users give s; h stays as it is, as people rated answers
    to themselves. Without any h the cell is s; without s it is missing (unless w is 1), as no rating by others replaces
    the user's. `measured_weight` is the weight in it of what programs measure in p's final answer to t.
    """
    # A cross rating counts for the persona that gave it, not for the one that got the answer.
    own: dict[tuple[str, str], list[float]] = defaultdict(list)
    cross: dict[tuple[str, str], list[float]] = defaultdict(list)
    missing = 0
    for outcome in outcomes:
        for rating in outcome.final:
            if rating.value is None:
                missing += 1
            else:
                (own if rating.kind == "own" else cross)[rating.rater, outcome.task.id].append(rating.value)
    ratings, tasks = context.agents.ratings, [task.id for task in context.tasks]
    observed = {(outcome.persona.id, outcome.task.id): outcome.observed for outcome in outcomes}
    table = tuple(
        tuple(
            cell(mean(own[p.id, task]), mean(cross[p.id, task]), ratings, observed.get((p.id, task))) for task in tasks
        )
        for p in context.personas
    )
    return EpochUtilities(
        satisfaction={p.id: mean([v for task in tasks for v in own[p.id, task]]) for p in context.personas},
        harmlessness={p.id: mean([v for task in tasks for v in cross[p.id, task]]) for p in context.personas},
        observed=_observed(context.personas, outcomes),
        utilities={p.id: mean(row) for p, row in zip(context.personas, table, strict=True)},
        table=table,
        weights=tuple(persona.weight for persona in context.personas),
        missing=missing,
        measured=_measured(outcomes),
    )


def difference(
    before: EpochUtilities, after: EpochUtilities, function: WelfareFunction, estimand: Estimand
) -> Estimate | None:
    """Return welfare after minus before for the same people and tasks, with a 95 % interval."""
    statistic = None if function.is_mean else function
    interval = paired_difference(before.table, after.table, estimand, statistic, weights=before.weights)
    return None if interval is None else Estimate.model_validate(interval, from_attributes=True)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the known values; None if there is none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def cell(own: float | None, cross: float | None, ratings: Ratings, measured: float | None = None) -> float | None:
    """Return a cell of `epoch_utilities` from the own rating, the mean of the cross ratings, and the measured utility.

    `measured` is in [0, 1]; without it the ratings count alone, unless it is to replace them (`measured_weight` 1).
    """
    low, high = ratings.scale
    weight, share = ratings.cross_weight, ratings.measured_weight
    if share == 1:
        return measured
    own = None if own is None else ratings.calibrated(own)
    s, h = (None if value is None else (value - low) / (high - low) for value in (own, cross))
    rated = s if s is None or h is None else (1 - weight) * s + weight * h
    if weight == 1:
        rated = h
    return rated if rated is None or measured is None or not share else (1 - share) * rated + share * measured


def _measured(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    values: dict[str, list[float | None]] = {}
    for outcome in outcomes:
        for name, value in outcome.measured.items():
            values.setdefault(name, []).append(value)
    return {name: mean(found) for name, found in values.items()}


def _observed(personas: Iterable[Persona], outcomes: Iterable[Outcome]) -> dict[str, float | None]:
    utilities: dict[str, list[float | None]] = {persona.id: [] for persona in personas}
    for outcome in outcomes:
        utilities[outcome.persona.id].append(outcome.observed)
    return {persona: mean(values) for persona, values in utilities.items()}
