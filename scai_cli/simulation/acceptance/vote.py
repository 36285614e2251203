"""`vote`: every persona ranks the candidates and the status quo; a voting rule decides (Habermas Machine)."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, product
from string import ascii_uppercase

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.runs.records import Candidate, Mark
from scai_cli.simulation.answer_forms import Ranking
from scai_cli.simulation.revision_context import AcceptanceResult, RevisionContext
from scai_cli.simulation.stops import stop_if_no_vote, stop_if_too_many
from scai_cli.social_choice.voting_rules import Ballot, tally
from scai_cli.values import Value

STATUS_QUO = "status quo"


class VoteOptions(Value):
    """The keys of `revision` that `vote` and `both` read."""

    rule: str


async def vote(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:
    """Adopt the winner of the vote; keep the status quo if it wins or ties for the win."""
    # All vote at once, so that no ballot can depend on another; ballots count in the order of the personas.
    constitutions = {STATUS_QUO: context.constitution}
    constitutions |= {c.id: c.constitution for c in candidates if c.constitution is not None}
    personas = context.epoch_context.personas
    voted = await together(_vote(context, persona, constitutions) for persona in personas)
    failed = [problem for _, problem, _ in voted if isinstance(problem, CallFailed)]
    stop_if_too_many(failed, len(voted), context.agents.max_failures, "ballots")
    unread = [problem for _, problem, _ in voted if isinstance(problem, str)]
    stop_if_no_vote(context, unread, len(voted) - len(failed))
    for persona, (_, error, _) in zip(personas, voted, strict=True):
        if isinstance(error, CallFailed):
            context.epoch_context.emit(context.epoch_context.problem(error, f"{context.id}/vote/{persona.id}"))
    ballots = [(b, persona.weight) for (b, *_), persona in zip(voted, personas, strict=True) if b is not None]
    rule = context.options(VoteOptions).rule
    outcome = tally(rule, [b for b, _ in ballots], list(constitutions), [weight for _, weight in ballots])
    scores = {c.id: {"votes": outcome.scores[c.id], "votes_before": outcome.scores[STATUS_QUO]} for c in candidates}
    turnout = f"{rule}, {len(ballots)} of {len(voted)} ballots could be read"
    counts = Counter({"answers": len(voted) - len(failed), "unreadable": len(unread)})
    counts.update(mark for *_, marks in voted for mark in marks)
    # A tie is no majority for a change.
    if STATUS_QUO in outcome.winners:
        return AcceptanceResult(None, f"the vote kept the status quo ({turnout})", scores, counts)
    order = outcome.order(f"{context.config.seed}/{context.id}")
    elected = next(c for c in candidates if c.id == order[0])
    tie = f", a tie of {len(outcome.winners)} broken with the seed" if len(outcome.winners) > 1 else ""
    return AcceptanceResult(elected, f"the vote elected it ({turnout}{tie})", scores, counts)


async def _vote(
    context: RevisionContext, persona: Persona, constitutions: dict[str, Constitution]
) -> tuple[Ballot | None, CallFailed | str | None, tuple[Mark, ...]]:
    """Return a persona's ballot, or None and why: the error if the call failed, in words if it cannot be read; marks.

    Each persona gets the constitutions in its own random order and under letters, so that neither the order nor the
    status quo has an advantage.
    """
    call_id = f"{context.id}/vote/{persona.id}"
    order = list(constitutions)
    random.Random(f"{context.config.seed}/{call_id}").shuffle(order)
    letters = dict(zip(_letters(), order, strict=False))
    prompt = context.agents.prompts.vote(persona, {letter: constitutions[name] for letter, name in letters.items()})
    agent = context.agents.agent_for(persona)
    try:
        answer = await agent.ask_structured(call_id, "vote", prompt, Ranking, frozenset(letters))
    except CallFailed as error:
        return None, error, ()
    if answer.form is None:
        return None, f"{call_id}: {answer.problem}", answer.marks
    return [[letters[letter] for letter in tier] for tier in answer.form.ranking], None, answer.marks


def _letters() -> Iterator[str]:
    """A, B, ..., Z, AA, AB, ..."""
    for length in count(1):
        yield from map("".join, product(ascii_uppercase, repeat=length))
