"""One epoch's conversations: every persona with every task, at the same time."""

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
"""The fewest conversations that may be open at once; four for each allowed call, if that is more.

That keeps every slot of an endpoint busy. Each one more would only hold a prompt in memory while it waits.
"""


def failures(conversations: Iterable[Conversation]) -> list[Problem]:
    """Return the calls that failed for good in some conversations."""
    return [event for c in conversations for event in c.withheld if isinstance(event, Problem)]


async def play(context: EpochContext, personas: Sequence[Persona] | None = None) -> list[Conversation]:
    """Hold an epoch's conversations with their cross ratings, persona by persona; of these personas only, if given.

    Raises TooManyFailures when more than `max_failures` of them, and more than one, have failed wholly or in part; no
    further one begins.
    """
    agents = context.agents
    pairs = [
        (persona, task) for persona in (context.personas if personas is None else personas) for task in context.tasks
    ]
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
