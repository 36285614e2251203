"""`vote`: every persona ranks the candidates and the status quo; a declared rule decides (as the Habermas Machine)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import count, product
from string import ascii_uppercase

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.runs.events import Candidate, Problem
from scai_cli.simulation.forms import Ranking
from scai_cli.simulation.revision import AcceptanceResult, RevisionContext
from scai_cli.social_choice.voting import Ballot, tally

STATUS_QUO = "status quo"


async def vote(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:
    """Adopt the winner of the vote; the status quo stays when it wins or is among those who tie for the win."""
    choices = {STATUS_QUO: context.constitution}
    choices |= {c.id: c.constitution for c in candidates if c.constitution is not None}
    voted = await together(_ballot(context, persona, choices) for persona in context.epoch_context.personas)
    ballots = [ballot for ballot, _ in voted]
    for _, failed in voted:
        if failed is not None:
            context.epoch_context.emit(failed)
    cast = [
        (ballot, persona.weight)
        for ballot, persona in zip(ballots, context.epoch_context.personas, strict=True)
        if ballot is not None
    ]
    rule = context.config.revision.rule
    outcome = tally(rule, [ballot for ballot, _ in cast], list(choices), [weight for _, weight in cast])
    scores = {c.id: {"votes": outcome.scores[c.id], "votes_before": outcome.scores[STATUS_QUO]} for c in candidates}
    turnout = f"{rule}, {len(cast)} of {len(ballots)} ballots could be read"
    if STATUS_QUO in outcome.winners:
        return AcceptanceResult(None, f"the vote kept the status quo ({turnout})", scores)
    order = outcome.order(f"{context.config.seed}/{context.place}")
    elected = next(c for c in candidates if c.id == order[0])
    tie = f", a tie of {len(outcome.winners)} broken with the seed" if len(outcome.winners) > 1 else ""
    return AcceptanceResult(elected, f"the vote elected it ({turnout}{tie})", scores)


async def _ballot(
    context: RevisionContext, persona: Persona, choices: dict[str, Constitution]
) -> tuple[Ballot | None, Problem | None]:
    """A persona's ranking of the choices, which it sees shuffled and without names.

    None if it cannot be read, or if the call failed for good: then with the problem.
    """
    place = f"{context.place}/vote/{persona.id}"
    order = list(choices)
    random.Random(f"{context.config.seed}/{place}").shuffle(order)
    letters = dict(zip(_letters(), order, strict=False))
    asked = context.agents.prompts.vote(persona, {letter: choices[name] for letter, name in letters.items()})
    try:
        filled = await context.agents.agent_for(persona).ask_structured(
            place, "vote", asked, Ranking, frozenset(letters)
        )
    except CallFailed as error:
        return None, Problem(id=error.call, epoch=context.epoch_context.epoch, where=place, problem=str(error))
    if filled.form is None:
        return None, None
    return [[letters[letter] for letter in tier] for tier in filled.form.ranking], None


def _letters() -> Iterator[str]:
    """A, B, ..., Z, AA, AB, ..."""
    for length in count(1):
        yield from map("".join, product(ascii_uppercase, repeat=length))
