"""One conversation: a persona opens with a task, then [the assistant answers; the user comments and rates] x turns."""

from __future__ import annotations

from typing import Literal

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import MessageSaid, Problem
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.rating import cross_rate, rate_own, withhold_ratings
from scai_cli.simulation.transcript import Conversation


async def converse(epoch_context: EpochContext, persona: Persona, task: Task) -> Conversation:
    """Hold one conversation, then let the others rate its final answer.

    A call that fails for good ends the conversation: the problem is kept, the final ratings are missing. Raises what
    stops the whole run (a limit, an interruption, an endpoint that failed for good).
    """
    conversation = Conversation(f"{epoch_context.place}/{persona.id}/{task.id}", epoch_context.epoch, persona, task)
    raters = epoch_context.cross_raters(conversation.id, persona)
    try:
        await _talk(epoch_context, conversation)
    except CallFailed as error:
        conversation.withheld.append(
            Problem(id=error.call, epoch=epoch_context.epoch, where=conversation.id, problem=str(error))
        )
        withhold_ratings(epoch_context, conversation, raters)
        return conversation
    conversation.ratings += await together(cross_rate(epoch_context, conversation, rater) for rater in raters)
    return conversation


async def _talk(epoch_context: EpochContext, conversation: Conversation) -> None:
    agents = epoch_context.agents
    turns = agents.config.turns
    system = epoch_context.system(conversation.persona)
    _say(epoch_context, conversation, "user", conversation.task.prompt)
    for turn in range(1, turns + 1):
        asked = agents.prompts.answer(system, conversation.messages)
        answer = await agents.assistant.say(conversation.next_id, "answer", asked)
        _say(epoch_context, conversation, "assistant", answer.text, answer.finish_reason)
        rating = await rate_own(epoch_context, conversation, final=turn == turns)
        _say(epoch_context, conversation, "user", rating.comment)
        conversation.ratings.append(rating)
        epoch_context.emit(rating)


def _say(
    epoch_context: EpochContext,
    conversation: Conversation,
    role: Literal["user", "assistant"],
    content: str,
    finish_reason: str | None = None,
) -> None:
    message = MessageSaid(
        id=conversation.next_id,
        epoch=conversation.epoch,
        persona=conversation.persona.id,
        task=conversation.task.id,
        role=role,
        content=content,
        finish_reason=finish_reason,
    )
    conversation.messages.append(message)
    epoch_context.emit(message)
