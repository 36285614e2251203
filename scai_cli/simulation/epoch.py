"""The conversations of one epoch: every persona with every task, concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from scai_cli.concurrency import together
from scai_cli.errors import TooManyFailures
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import Problem
from scai_cli.simulation.conversation import converse
from scai_cli.simulation.epoch_context import EpochContext
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

    Raises TooManyFailures and starts no further conversation once more than one and more than `max_failures` of them
    have a failed call.
    """
    agents = context.agents
    people = context.personas if personas is None else personas
    pairs = [(persona, task) for persona in people for task in context.tasks]
    # One failure is always allowed: in a small epoch a share would stop the run at the first one.
    allowed = max(1.0, agents.max_failures * len(pairs)) if agents.max_failures else 0.0
    failed: list[Problem] = []
    slots = asyncio.Semaphore(max(AT_ONCE, 4 * agents.concurrency))

    def check() -> None:
        if len(failed) > allowed:
            raise TooManyFailures(
                f"{len(failed)} of {len(pairs)} conversations of epoch {context.epoch} failed, more than "
                f"max_failures allows; the first: {failed[0].problem}"
            )

    async def one(persona: Persona, task: Task) -> Conversation:
        async with slots:
            check()  # others may have failed while this one waited for its slot
            conversation = await converse(context, persona, task)
        if problems := failures([conversation]):
            failed.append(problems[0])
            check()
        return conversation

    return await together(one(persona, task) for persona, task in pairs)
