"""One conversation: its dialogue is played, then the other users rate the final answer."""

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed, ConfigError
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.dialogue import Dialogue, in_one_line
from scai_cli.simulation.dialogue_lines import new_dialogue
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.rating import cross_rate, withhold_ratings
from scai_cli.simulation.transcript import Conversation


async def converse(context: EpochContext, persona: Persona, task: Task) -> Conversation:
    """Play one conversation, then let the other users rate its final answer.

    A failed call ends the conversation, and its final ratings are missing; whether this is recorded as a problem or
    stops the run is for the caller. Raises the errors that stop the whole run (a limit, a failed endpoint).
    """
    conversation = Conversation(f"{context.id}/{persona.id}/{task.id}", context.epoch, persona, task)
    # Drawn before the first call, so that a failed conversation misses the ratings of the same raters.
    raters = context.cross_raters(conversation.id, persona)
    dialogue: Dialogue = new_dialogue(context.agents.dialogue)
    try:
        with in_one_line(context.agents.dialogue, conversation.id):
            await dialogue.play(context, conversation)
    except CallFailed as error:
        conversation.errors.append(error)
        conversation.withheld.append(context.problem(error, conversation.id))
        withhold_ratings(context, conversation, raters)
        return conversation
    _check(context, conversation)
    # The others rate as soon as this conversation has ended, without waiting for the rest of the epoch. All of them
    # see the same final answer, so no rating depends on which conversation ends first.
    conversation.ratings += await together(cross_rate(context, conversation, rater) for rater in raters)
    return conversation


def _check(context: EpochContext, conversation: Conversation) -> None:
    """Raise ConfigError if a dialogue has not kept to its lines: all that counts conversations relies on them."""
    agents, played = context.agents, len(conversation.messages)
    if played not in agents.endings:
        raise ConfigError(
            f"dialogue {agents.dialogue!r} has played {played} messages of the {agents.messages} of its `lines`"
        )
    if not any(rating.final and rating.kind == "own" for rating in conversation.ratings):
        raise ConfigError(f"dialogue {agents.dialogue!r} has ended without the user's final rating")
