"""`both`: the users vote among the candidates that raise the declared welfare on trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scai_cli.runs.events import Candidate
from scai_cli.simulation.acceptance.improves import improving, scores_of, tried
from scai_cli.simulation.acceptance.vote import vote
from scai_cli.simulation.revision import Occasion, Verdict


async def both(occasion: Occasion, candidates: Sequence[Candidate]) -> Verdict:
    """Adopt what improves and is elected."""
    trials = await tried(occasion, candidates)
    scores = scores_of(trials)
    better = [trial.candidate for trial in improving(occasion, trials)]
    if not better:
        margin = occasion.config.revision.margin
        return Verdict(None, f"no candidate raised the declared welfare by more than {margin:g} on trial", scores)
    verdict = await vote(occasion, better)
    return replace(verdict, scores={c: {**scores[c], **verdict.scores.get(c, {})} for c in scores})
