"""`reflect`: Goodman's Meta-Prompt: what could have gone better with those not satisfied yet, then new instructions."""

from __future__ import annotations

from scai_cli.runs.events import Candidate
from scai_cli.simulation.revision import Occasion
from scai_cli.simulation.strategies.rewrite import rewritten
from scai_cli.simulation.strategies.window import fitting


async def reflect(occasion: Occasion) -> list[Candidate]:
    """One candidate from the last `memory` epochs of the users who are not satisfied yet; none if everybody is."""
    unsatisfied = _unsatisfied(occasion)
    if not unsatisfied:
        return []
    episodes = [*occasion.past, occasion.conversations][-occasion.config.revision.memory :]
    told = [c for episode in episodes for c in episode if c.persona.id in unsatisfied]
    return [await rewritten(occasion, "reflect", fitting(occasion, occasion.company.prompts.reflect, told))]


def _unsatisfied(occasion: Occasion) -> set[str]:
    """Users whose own ratings are below the threshold, or missing."""
    low, high = occasion.config.ratings.scale
    enough = low + occasion.config.revision.satisfied * (high - low)
    return {user for user, value in occasion.content.satisfaction.items() if value is None or value < enough}
