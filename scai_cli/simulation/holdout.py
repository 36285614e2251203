"""The proof at the end: the first and the last constitution with users and tasks that had no part in making them."""

from __future__ import annotations

from collections.abc import Sequence

from scai_cli.concurrency import together
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.events import HoldoutCompared, Problem
from scai_cli.simulation.epoch import failures, play
from scai_cli.simulation.epoch_context import Agents, Emit, EpochContext
from scai_cli.simulation.utilities import EpochUtilities, difference, epoch_utilities
from scai_cli.social_choice import welfare


async def run_holdout(agents: Agents, first: Constitution, last: Constitution, emit: Emit) -> None:
    """Play both constitutions for the held-out users and tasks, with the same seeds, and emit the comparison.

    A constitution that has not changed is played once: the difference between it and itself is nothing.
    """
    config = agents.config
    personas, tasks = config.held_out
    sides = {"~first": first, "~last": last} if first.rules != last.rules else {"~first": first}
    played = await together(_play(agents, name, constitution) for name, constitution in sides.items())
    (before, _), (after, _) = played[0], played[-1]
    for _, failed in played:
        for problem in failed:
            emit(problem)
    declared = welfare.parse(config.welfare)
    emit(
        HoldoutCompared(
            id="holdout",
            first_version=first.version,
            last_version=last.version,
            personas=tuple(persona.id for persona in personas),
            tasks=tuple(task.id for task in tasks),
            first=before.utilities,
            last=after.utilities,
            first_values=before.values(declared),
            last_values=after.values(declared),
            difference=difference(before, after, declared, seed=config.seed),
            missing=sum(content.missing for content, _ in played),
        )
    )


async def _play(agents: Agents, name: str, constitution: Constitution) -> tuple[EpochUtilities, Sequence[Problem]]:
    personas, tasks = agents.config.held_out
    epoch_context = EpochContext(
        agents, f"holdout/{name}", agents.config.epochs + 1, constitution, personas, tasks, lambda _: None
    )
    conversations = await play(epoch_context)
    return epoch_utilities(epoch_context, conversations), failures(conversations)
