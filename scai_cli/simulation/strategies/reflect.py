"""`reflect`: Goodman's Meta-Prompt: what could have gone better with those not satisfied yet, then new instructions."""

from __future__ import annotations

from scai_cli.runs.events import Candidate
from scai_cli.simulation.revision import RevisionContext
from scai_cli.simulation.strategies.rewrite import rewritten
from scai_cli.simulation.strategies.window import fitting


async def reflect(context: RevisionContext) -> list[Candidate]:
    """One candidate from the last `memory` epochs of the users who are not satisfied yet; none if everybody is."""
    unsatisfied = _unsatisfied(context)
    if not unsatisfied:
        return []
    episodes = [*context.past, context.conversations][-context.config.revision.memory :]
    told = [c for episode in episodes for c in episode if c.persona.id in unsatisfied]
    return [await rewritten(context, "reflect", fitting(context, context.agents.prompts.reflect, told))]


def _unsatisfied(context: RevisionContext) -> set[str]:
    """Users whose own ratings are below the threshold, or missing."""
    low, high = context.config.ratings.scale
    enough = low + context.config.revision.satisfied * (high - low)
    return {user for user, value in context.utilities.satisfaction.items() if value is None or value < enough}
