"""`reflect`: Goodman's Meta-Prompt: criticise the conversations of unsatisfied users, then rewrite the rules."""

from scai_cli.runs.records import Candidate
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.strategies.rewrite import propose_rewrite
from scai_cli.values import Value


class ReflectOptions(Value):
    """The keys of `revision` that `reflect` reads."""

    memory: int
    satisfied: float


async def reflect(context: RevisionContext) -> list[Candidate]:
    """Propose one candidate from the last `memory` epochs of the unsatisfied users; none if all are satisfied."""
    options = context.options(ReflectOptions)
    unsatisfied = _unsatisfied(context, options.satisfied)
    if not unsatisfied:
        return []
    episodes = [*context.past, context.conversations][-options.memory :]
    conversations = [c for episode in episodes for c in episode if c.persona.id in unsatisfied]
    return [await propose_rewrite(context, "reflect", conversations)]


def _unsatisfied(context: RevisionContext, threshold: float) -> set[str]:
    """Return the users whose satisfaction is below the threshold or missing."""
    low, high = context.agents.ratings.scale
    enough = low + threshold * (high - low)
    return {user for user, value in context.utilities.satisfaction.items() if value is None or value < enough}
