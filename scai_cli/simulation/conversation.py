"""One conversation: a persona opens with a task, then `turns` times the assistant answers and the user rates."""

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.messages import Completion
from scai_cli.runs.events import MessageSaid
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.opening import opening
from scai_cli.simulation.rating import cross_rate, rate_own, withhold_ratings
from scai_cli.simulation.transcript import Conversation


async def converse(context: EpochContext, persona: Persona, task: Task) -> Conversation:
    """Play one conversation, then let the other users rate its final answer.

    A failed call ends the conversation, and its final ratings are missing; whether this is recorded as a problem or
    stops the run is for the caller. Raises the errors that stop the whole run (a limit, a failed endpoint).
    """
    conversation = Conversation(f"{context.id}/{persona.id}/{task.id}", context.epoch, persona, task)
    # Drawn before the first call, so that a failed conversation misses the ratings of the same raters.
    raters = context.cross_raters(conversation.id, persona)
    try:
        await _exchange_messages(context, conversation)
    except CallFailed as error:
        conversation.errors.append(error)
        conversation.withheld.append(context.problem(error, conversation.id))
        withhold_ratings(context, conversation, raters)
        return conversation
    # The others rate as soon as this conversation has ended, without waiting for the rest of the epoch. All of them
    # see the same final answer, so no rating depends on which conversation ends first.
    conversation.ratings += await together(cross_rate(context, conversation, rater) for rater in raters)
    return conversation


async def _exchange_messages(context: EpochContext, conversation: Conversation) -> None:
    agents = context.agents
    system = context.system(conversation.persona)
    _add(context, conversation, await opening(context, conversation))
    for turn in range(1, agents.turns + 1):
        prompt = agents.prompts.answer(system, conversation.messages)
        answer = await agents.assistant.say(conversation.next_id, "answer", prompt)
        _say(context, conversation, answer.text, answer)
        # One call gives the user's next message and the rating of the answer before it.
        rating = await rate_own(context, conversation, final=turn == agents.turns)
        conversation.unread |= rating.value is None
        _say(context, conversation, rating.comment)
        conversation.ratings.append(rating)
        conversation.tell(rating, context.emit)


def _say(context: EpochContext, conversation: Conversation, text: str, answer: Completion | None = None) -> None:
    """Add a text to the conversation: the assistant's, if it is from an `answer`, else the user's."""
    message = MessageSaid(
        id=conversation.next_id,
        epoch=conversation.epoch,
        persona=conversation.persona.id,
        task=conversation.task.id,
        role="assistant" if answer else "user",
        content=text,
        finish_reason=answer.finish_reason if answer else None,
        marks=answer.marks if answer else (),
    )
    _add(context, conversation, message)


def _add(context: EpochContext, conversation: Conversation, message: MessageSaid) -> None:
    conversation.messages.append(message)
    conversation.tell(message, context.emit)
