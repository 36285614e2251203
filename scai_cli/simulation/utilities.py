"""What the ratings come to: how content every persona is, in utilities from 0 to 1."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scai_cli.experiment.config import Ratings
from scai_cli.experiment.personas import Persona
from scai_cli.measures.observed import observe, utility
from scai_cli.runs.events import Estimate
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.transcript import Conversation
from scai_cli.social_choice.welfare import WelfareFunction, everything

Row = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class EpochUtilities:
    """How content the personas of a stage are; None where all of somebody's ratings are missing.

    `satisfaction` and `harmlessness` are means on the rating scale: of the own ratings of final answers, and of the
    ratings that the persona gave to the others' answers. `table` holds utilities in [0, 1], a row for each persona and
    a column for each task; `utilities` are the means of its rows. `observed` is measured in the texts themselves.
    """

    satisfaction: Mapping[str, float | None]
    harmlessness: Mapping[str, float | None]
    observed: Mapping[str, float | None]
    utilities: Mapping[str, float | None]
    table: tuple[Row, ...]
    weights: tuple[float, ...]
    missing: int

    def welfare(self, function: WelfareFunction) -> float | None:
        """The group's welfare by a function, persona weights included."""
        return function(list(self.utilities.values()), self.weights)

    def values(self, declared: WelfareFunction) -> dict[str, float | None]:
        """The group's welfare by every function, the declared one among them."""
        known = everything(list(self.utilities.values()), self.weights)
        return {**known, declared.label: self.welfare(declared)}


@dataclass(frozen=True, slots=True)
class PairedUtilities:
    """The same people and tasks before and after, in utilities from the cells that are rated in both.

    So a rating that is missing on one side can make neither look better than the other.
    """

    before: Row
    after: Row
    weights: tuple[float, ...]

    @classmethod
    def of(cls, before: EpochUtilities, after: EpochUtilities) -> PairedUtilities:
        """Pair two contentments of one group with the same tasks."""
        shared = [
            [(a, b) for a, b in zip(*rows, strict=True) if a is not None and b is not None]
            for rows in zip(before.table, after.table, strict=True)
        ]
        first, last = (tuple(mean(cell[side] for cell in row) for row in shared) for side in (0, 1))
        return cls(first, last, before.weights)

    def improves(self, function: WelfareFunction) -> bool:
        """Whether the group fares strictly better after than before, by more than a rounding error."""
        return fares(function, self.after, self.weights) > fares(function, self.before, self.weights)

    def values(self, function: WelfareFunction) -> tuple[float | None, float | None]:
        """Welfare before and after."""
        return function(self.before, self.weights), function(self.after, self.weights)


def fares(function: WelfareFunction, utilities: Sequence[float | None], weights: Sequence[float]) -> tuple[float, ...]:
    """How a group fares, to be compared by `>`, larger is better; what differs by a rounding error is equal."""
    rounded = [None if utility is None else round(utility, 9) for utility in utilities]
    return tuple(round(part, 9) for part in function.key(rounded, weights))


def epoch_utilities(epoch_context: EpochContext, conversations: Iterable[Conversation]) -> EpochUtilities:
    """Final ratings -> utilities.

    The cell of persona p and task t is (1 - w) * s + w * h, where s is p's own rating of its final answer, h the mean
    of p's ratings of the others' final answers to t, both moved from the scale to [0, 1], and w is `cross_weight`.
    Without any h the cell is s; without s it is missing (unless w is 1), as nothing stands for an answer that its own
    user did not rate.
    """
    conversations = list(conversations)
    own: dict[tuple[str, str], list[float]] = defaultdict(list)
    cross: dict[tuple[str, str], list[float]] = defaultdict(list)
    missing = 0
    for conversation in conversations:
        for rating in conversation.ratings:
            if rating.final and rating.value is None:
                missing += 1
            elif rating.final and rating.value is not None:
                (own if rating.kind == "own" else cross)[rating.rater, conversation.task.id].append(rating.value)
    ratings, tasks = epoch_context.agents.config.ratings, [task.id for task in epoch_context.tasks]
    table = tuple(
        tuple(cell(mean(own[p.id, task]), mean(cross[p.id, task]), ratings) for task in tasks)
        for p in epoch_context.personas
    )
    return EpochUtilities(
        satisfaction={p.id: mean([v for task in tasks for v in own[p.id, task]]) for p in epoch_context.personas},
        harmlessness={p.id: mean([v for task in tasks for v in cross[p.id, task]]) for p in epoch_context.personas},
        observed=_observed(epoch_context, conversations),
        utilities={p.id: mean(row) for p, row in zip(epoch_context.personas, table, strict=True)},
        table=table,
        weights=tuple(persona.weight for persona in epoch_context.personas),
        missing=missing,
    )


def difference(
    before: EpochUtilities, after: EpochUtilities, function: WelfareFunction, *, seed: int, draws: int = 2000
) -> Estimate | None:
    """Welfare after - before for the same personas and tasks, with a 95 % interval from a two-way cluster bootstrap."""
    from scai_cli.stats.intervals import paired_difference

    found = paired_difference(before.table, after.table, function, weights=before.weights, draws=draws, seed=seed)
    if found is None:
        return None
    return Estimate(estimate=found.estimate, low=found.low, high=found.high, level=found.level)


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are there; None if none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def cell(own: float | None, cross: float | None, ratings: Ratings) -> float | None:
    """A persona's utility in [0, 1] from its own rating and the mean of its cross ratings; None as in `contentment`."""
    low, high = ratings.scale
    weight = ratings.cross_weight
    s, h = (None if value is None else (value - low) / (high - low) for value in (own, cross))
    if weight == 1:
        return h
    return s if s is None or h is None else (1 - weight) * s + weight * h


def _observed(epoch_context: EpochContext, conversations: Sequence[Conversation]) -> dict[str, float | None]:
    found: dict[str, list[float | None]] = {persona.id: [] for persona in epoch_context.personas}
    for conversation in conversations:
        answer = conversation.final_answer
        if answer is not None:
            found[conversation.persona.id].append(observed_utility(conversation.persona, answer.content))
    return {persona: mean(values) for persona, values in found.items()}


def observed_utility(persona: Persona, text: str) -> float | None:
    """The persona's utility of a text in [0, 1], to six digits (see `traits.utility`); None without preferences."""
    found = utility(persona.preferences, _shown(text)) if persona.preferences else None
    return None if found is None else round(found, 6)


@lru_cache(maxsize=256)
def _shown(text: str) -> Mapping[str, float]:
    """One answer is rated by many."""
    return observe(text)
