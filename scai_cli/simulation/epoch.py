"""The conversations of one epoch: every persona with every task, concurrently."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import Problem
from scai_cli.simulation.conversation import converse
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.stops import stop_if_too_many
from scai_cli.simulation.transcript import Conversation

AT_ONCE: Final = 256
"""The minimal number of conversations open at once; four per concurrent call, if this is more.

This keeps every slot of an endpoint busy. Each further one would only keep a prompt in memory while it waits.
"""


def failures(conversations: Iterable[Conversation]) -> list[Problem]:
    """Return the failed calls of some conversations."""
    return [event for c in conversations for event in c.withheld if isinstance(event, Problem)]


async def play(context: EpochContext, personas: Sequence[Persona] | None = None) -> list[Conversation]:
    """Play an epoch's conversations and their cross ratings, of the given personas or of all.

    Raises TooManyFailures and starts no further conversation once calls in more than `max_failures` of them have
    failed for reasons outside their prompts.
    """
    agents = context.agents
    people = context.personas if personas is None else personas
    pairs = [(persona, task) for persona in people for task in context.tasks]
    failed: list[CallFailed] = []
    slots = asyncio.Semaphore(max(AT_ONCE, 4 * agents.concurrency))

    def check() -> None:
        stop_if_too_many(failed, len(pairs), agents.max_failures, f"conversations of epoch {context.epoch}")

    async def one(persona: Persona, task: Task) -> Conversation:
        async with slots:
            check()  # others may have failed while this one waited for its slot
            conversation = await converse(context, persona, task)
        if outside := [error for error in conversation.errors if not error.is_problem]:
            failed.append(outside[0])
            check()
        return conversation

    return await together(one(persona, task) for persona, task in pairs)
