"""`reflect`: Goodman's Meta-Prompt: what could have gone better with those not satisfied yet, then new instructions."""

from __future__ import annotations

from scai_cli.runs.events import Candidate
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.strategies.rewrite import propose_rewrite
from scai_cli.simulation.strategies.window import fit_window


async def reflect(context: RevisionContext) -> list[Candidate]:
    """Propose one candidate from the last `memory` epochs of the unsatisfied users; none if all are satisfied."""
    unsatisfied = _unsatisfied(context)
    if not unsatisfied:
        return []
    episodes = [*context.past, context.conversations][-context.config.revision.memory :]
    conversations = [c for episode in episodes for c in episode if c.persona.id in unsatisfied]
    window = fit_window(context, context.agents.prompts.reflect, conversations)
    return [await propose_rewrite(context, "reflect", window)]


def _unsatisfied(context: RevisionContext) -> set[str]:
    """Return the users whose satisfaction is below the threshold, or missing."""
    low, high = context.config.ratings.scale
    enough = low + context.config.revision.satisfied * (high - low)
    return {user for user, value in context.utilities.satisfaction.items() if value is None or value < enough}
