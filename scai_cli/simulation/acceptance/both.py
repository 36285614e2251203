"""`both`: the users vote among the candidates that raise the declared welfare on trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scai_cli.runs.events import Candidate
from scai_cli.simulation.acceptance.improves import improving, scores_of, tried
from scai_cli.simulation.acceptance.vote import vote
from scai_cli.simulation.revision import AcceptanceResult, RevisionContext


async def both(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:
    """Adopt what improves and is elected."""
    trials = await tried(context, candidates)
    scores = scores_of(trials)
    better = [trial.candidate for trial in improving(context, trials)]
    if not better:
        margin = context.config.revision.margin
        return AcceptanceResult(
            None, f"no candidate raised the declared welfare by more than {margin:g} on trial", scores
        )
    verdict = await vote(context, better)
    return replace(verdict, scores={c: {**scores[c], **verdict.scores.get(c, {})} for c in scores})
