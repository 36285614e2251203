"""One conversation: a persona opens with a task, then [the assistant answers; the user comments and rates] x turns."""

from __future__ import annotations

from typing import Literal

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import MessageSaid, Problem
from scai_cli.simulation.epoch_context import Stage
from scai_cli.simulation.rating import cross_rate, rate_own, withhold_ratings
from scai_cli.simulation.transcript import Conversation


async def converse(stage: Stage, persona: Persona, task: Task) -> Conversation:
    """Hold one conversation, then let the others rate its final answer.

    A call that fails for good ends the conversation: the problem is kept, the final ratings are missing. Raises what
    stops the whole run (a limit, an interruption, an endpoint that failed for good).
    """
    conversation = Conversation(f"{stage.place}/{persona.id}/{task.id}", stage.epoch, persona, task)
    raters = stage.cross_raters(conversation.id, persona)
    try:
        await _talk(stage, conversation)
    except CallFailed as error:
        conversation.withheld.append(
            Problem(id=error.call, epoch=stage.epoch, where=conversation.id, problem=str(error))
        )
        withhold_ratings(stage, conversation, raters)
        return conversation
    conversation.ratings += await together(cross_rate(stage, conversation, rater) for rater in raters)
    return conversation


async def _talk(stage: Stage, conversation: Conversation) -> None:
    company = stage.company
    turns = company.config.turns
    system = stage.system(conversation.persona)
    _say(stage, conversation, "user", conversation.task.prompt)
    for turn in range(1, turns + 1):
        asked = company.prompts.answer(system, conversation.messages)
        answer = await company.assistant.say(conversation.next_id, "answer", asked)
        _say(stage, conversation, "assistant", answer.text, answer.finish_reason)
        rating = await rate_own(stage, conversation, final=turn == turns)
        _say(stage, conversation, "user", rating.comment)
        conversation.ratings.append(rating)
        stage.emit(rating)


def _say(
    stage: Stage,
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
    stage.emit(message)
