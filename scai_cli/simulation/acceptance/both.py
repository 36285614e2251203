"""`both`: the users vote among the candidates that raise the declared welfare on trial."""

from collections.abc import Sequence
from dataclasses import replace

from scai_cli.runs.records import Candidate
from scai_cli.simulation.acceptance.improves import MarginOptions, kept, scores_of, try_candidates
from scai_cli.simulation.acceptance.vote import vote
from scai_cli.simulation.revision_context import AcceptanceResult, RevisionContext


async def both(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:
    """Adopt the winner of a vote among the candidates that improve welfare."""
    # The vote comes second: only candidates that passed the trial are worth a call to every user.
    trials = await try_candidates(context, candidates)
    scores = scores_of(trials)
    margin = context.options(MarginOptions).margin
    better = [trial.candidate for trial in trials if trial.rises(margin)]
    if not better:
        reason = f"no candidate raised the declared welfare {kept(trials, margin)} on trial"
        return AcceptanceResult(None, reason, scores)
    result = await vote(context, better)
    return replace(result, scores={c: {**scores[c], **result.scores.get(c, {})} for c in scores})
