"""The conversations of one epoch: every persona with every task, concurrently."""

from collections.abc import Callable, Sequence
from typing import Final

from scai_cli.concurrency import for_each
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.conversation import converse
from scai_cli.simulation.epoch_context import Agents, EpochContext
from scai_cli.simulation.outcome import Outcome, outcome_of
from scai_cli.simulation.stops import stop_if_too_many
from scai_cli.simulation.transcript import Conversation

AT_ONCE: Final = 256
"""The minimal number of conversations open at once."""

Keep = Callable[[int, Conversation], None]
"""Takes each conversation after its end, with its place in the epoch."""


async def play(
    context: EpochContext, personas: Sequence[Persona] | None = None, keep: Keep | None = None
) -> list[Outcome]:
    """Play an epoch's conversations and their cross ratings, of the given personas or of all.

    The outcomes are in the order of personas, then tasks; the texts are gone unless `keep` keeps them. Raises
    TooManyFailures and starts no further conversation once calls in more than `max_failures` of them have failed for
    reasons outside their prompts.
    """
    agents = context.agents
    pairs = positions(context.personas if personas is None else personas, context.tasks)
    failed: list[CallFailed] = []

    async def one(place: int) -> Outcome:
        conversation = await converse(context, *pairs[place])
        if outside := [error for error in conversation.errors if not error.is_problem]:
            failed.append(outside[0])
            stop_if_too_many(failed, len(pairs), agents.max_failures, f"conversations of epoch {context.epoch}")
        if keep is not None:
            keep(place, conversation)
        return outcome_of(context, conversation)

    return await for_each(range(len(pairs)), one, running=at_once(agents))


def at_once(agents: Agents) -> int:
    """Return the number of conversations that are open at once: 256, or four per concurrent call if this is more.

    This keeps every slot of an endpoint busy. Each further one would only keep a prompt in memory while it waits.
    """
    return max(AT_ONCE, 4 * agents.concurrency)


def positions(personas: Sequence[Persona], tasks: Sequence[Task]) -> list[tuple[Persona, Task]]:
    """Return the persona and the task of each conversation of an epoch, in the order of its outcomes."""
    return [(persona, task) for persona in personas for task in tasks]
