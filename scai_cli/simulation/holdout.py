"""The holdout: a comparison of the first and the last constitution on held-out users and tasks."""

from dataclasses import replace

from scai_cli.experiment.config import NO_GAMES
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.events import HoldoutCompared
from scai_cli.runs.records import UtilityTable
from scai_cli.simulation.epoch import play
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.outcome import Outcome, failures, openings_of
from scai_cli.simulation.utilities import difference, epoch_utilities
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.stats.intervals import Estimand


async def run_holdout(context: EpochContext, last: Constitution, declared: WelfareFunction, estimand: Estimand) -> None:
    """Play both constitutions with the held-out users and tasks, an unchanged one once, and emit the comparison."""
    first = context.constitution
    # `~` marks a variant: both sides have the same seeds and cross raters, so that only the constitution differs.
    sides = {"~first": first, "~last": last} if first.rules != last.rules else {"~first": first}
    # Nothing of it becomes an event but the comparison and what failed: the log's epochs are those of the run.
    contexts = [
        replace(context, id=f"{context.id}/{side}", constitution=constitution, emit=lambda _: None)
        for side, constitution in sides.items()
    ]
    played: list[list[Outcome]] = []
    for side in contexts:  # one after the other, since both have the same openings
        played.append(await play(replace(side, openings=openings_of(played[0]) if played else {})))
    utilities = [epoch_utilities(side, outcomes) for side, outcomes in zip(contexts, played, strict=True)]
    before, after = utilities[0], utilities[-1]
    for outcomes in played:
        for problem in failures(outcomes):
            context.emit(problem)
    context.emit(
        HoldoutCompared(
            id=context.id,
            first_version=first.version,
            last_version=last.version,
            personas=tuple(persona.id for persona in context.personas),
            tasks=tuple(task.id for task in context.tasks),
            first=before.utilities,
            last=after.utilities,
            first_values=before.values(declared),
            last_values=after.values(declared),
            difference=difference(before, after, declared, estimand),
            missing=sum(side.missing for side in utilities),
            first_cells=before.table,
            last_cells=after.table,
            first_observed=_observed(context, played[0]),
            last_observed=_observed(context, played[-1]),
        )
    )


def _observed(context: EpochContext, outcomes: list[Outcome]) -> UtilityTable:
    """Return what a game observed in the answers, a row per persona and a column per task; empty without a game."""
    if context.agents.dialogue in NO_GAMES:
        return ()
    found = {(outcome.persona.id, outcome.task.id): outcome.observed for outcome in outcomes}
    return tuple(tuple(found.get((persona.id, task.id)) for task in context.tasks) for persona in context.personas)
