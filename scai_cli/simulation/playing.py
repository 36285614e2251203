"""Playing one stage: every persona with every task, at the same time."""

from __future__ import annotations

from collections.abc import Iterable

from scai_cli.errors import TooManyFailures
from scai_cli.events import Problem
from scai_cli.personas import Persona
from scai_cli.simulation.conversation import converse
from scai_cli.simulation.stage import Stage
from scai_cli.simulation.together import together
from scai_cli.simulation.transcript import Conversation
from scai_cli.tasks import Task


def failures(conversations: Iterable[Conversation]) -> list[Problem]:
    """What failed for good in some conversations."""
    return [event for c in conversations for event in c.withheld if isinstance(event, Problem)]


async def play(stage: Stage) -> list[Conversation]:
    """All conversations of a stage with their cross ratings, persona by persona.

    Raises TooManyFailures as soon as more than `max_failures` of them have failed wholly or in part.
    """
    pairs = [(persona, task) for persona in stage.personas for task in stage.tasks]
    allowed = stage.company.config.max_failures * len(pairs)
    failed: list[Problem] = []

    async def one(persona: Persona, task: Task) -> Conversation:
        conversation = await converse(stage, persona, task)
        if problems := failures([conversation]):
            failed.append(problems[0])
            if len(failed) > allowed:
                raise TooManyFailures(
                    f"{len(failed)} of {len(pairs)} conversations of epoch {stage.epoch} failed, more than "
                    f"max_failures allows; the first: {failed[0].problem}"
                )
        return conversation

    return await together(one(persona, task) for persona, task in pairs)
