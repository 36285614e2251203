"""The outcome of a conversation: what the numbers of its epoch need, without its texts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import CONVERSATION_FAILED, NOT_ANSWERED, MessageSaid, Problem, Rated
from scai_cli.simulation.dialogue import observed
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.transcript import Conversation


@dataclass(frozen=True, slots=True)
class FinalRating:
    """A rating of a final answer; `value` is None if it is missing."""

    rater: str
    kind: Literal["own", "cross"]
    value: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A conversation after its end: an epoch keeps one of each, and few whole conversations."""

    persona: Persona
    task: Task
    opening: MessageSaid | None
    final: tuple[FinalRating, ...]
    observed: float | None = None
    """The persona's utility of the final answer, computed from its text."""
    measured: Mapping[str, float | None] = field(default_factory=dict)
    """Measure -> its value of the final answer, for those that results show."""
    answered: int = 0
    """The number of ratings that were answered, readable or not."""
    has_own: bool = False
    """Whether an own rating could be read."""
    unread: tuple[Rated, ...] = ()
    """The answered ratings that could not be read."""
    broken_by: CallFailed | None = None
    """The failed call that broke it off."""
    withheld: Sequence[Problem | Rated | MessageSaid] = ()
    """The events to emit at the end of the epoch (see `Conversation`)."""


def outcome_of(context: EpochContext, conversation: Conversation) -> Outcome:
    """Return the outcome of a conversation."""
    persona, task, measures = conversation.persona, conversation.task, context.agents.measures
    answer, answered = conversation.final_answer, [r for r in conversation.ratings if r.problem not in NOT_ANSWERED]
    broken = any(rating.problem == CONVERSATION_FAILED for rating in conversation.ratings)
    return Outcome(
        persona=persona,
        task=task,
        opening=conversation.messages[0] if conversation.messages else None,
        final=tuple(FinalRating(r.rater, r.kind, r.value) for r in conversation.ratings if r.final),
        observed=None if answer is None else observed(context, conversation, persona, answer.content),
        measured={} if answer is None else measures.values(persona, task, answer.content, measures.recorded(persona)),
        answered=len(answered),
        has_own=any(rating.kind == "own" and rating.value is not None for rating in answered),
        unread=tuple(rating for rating in answered if rating.value is None),
        broken_by=conversation.errors[0] if broken else None,
        withheld=tuple(conversation.withheld),
    )


def failures(outcomes: Iterable[Outcome]) -> list[Problem]:
    """Return the failed calls of some conversations."""
    return [event for outcome in outcomes for event in outcome.withheld if isinstance(event, Problem)]


def openings_of(outcomes: Iterable[Outcome]) -> Mapping[tuple[str, str], MessageSaid]:
    """Return (persona id, task id) -> the opening, for conversations that are compared with these."""
    return {(o.persona.id, o.task.id): o.opening for o in outcomes if o.opening is not None}
