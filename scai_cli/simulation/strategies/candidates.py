"""Several proposals of one strategy, each from the conversations in another order."""

import random
from collections.abc import Sequence
from dataclasses import replace

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.runs.records import Candidate
from scai_cli.simulation.revision_context import RevisionContext, Strategy
from scai_cli.simulation.stops import stop_if_too_long, stop_if_too_many
from scai_cli.simulation.transcript import Conversation


async def propose(context: RevisionContext, strategy: Strategy) -> Sequence[Candidate]:
    """Ask a strategy `candidates` times, if more than once each time with another order; drop equal proposals."""
    times = context.config.revision.candidates
    if times == 1:
        return await strategy(context)
    proposals = await together(_propose(strategy, _variant(context, n + 1)) for n in range(times))
    # The first of equal proposals is kept: its number, and so its id, does not depend on which call ends first.
    distinct: dict[object, Candidate] = {}
    errors = [error for _, error in proposals if error is not None]
    for failed in errors:
        stop_if_too_long(context, failed)
    stop_if_too_many(errors, len(proposals), context.agents.max_failures, "proposals")
    for number, (proposed, error) in enumerate(proposals, 1):
        if error is not None:
            context.epoch_context.emit(context.epoch_context.problem(error, f"{context.id}/c{number}"))
        for candidate in proposed:
            distinct.setdefault(_proposal(candidate), candidate)
    return list(distinct.values())


async def _propose(strategy: Strategy, context: RevisionContext) -> tuple[Sequence[Candidate], CallFailed | None]:
    """Ask once; a failed call loses this proposal only."""
    try:
        return await strategy(context), None
    except CallFailed as error:
        return [Candidate(id=context.id, critique="", objection=f"failed: {error}", no_answer="failed")], error


def _variant(context: RevisionContext, number: int) -> RevisionContext:
    variant_id = f"{context.id}/c{number}"
    seed = f"{context.config.seed}/{variant_id}"
    past = [_shuffled(episode, f"{seed}/past") for episode in context.past]
    return replace(context, id=variant_id, conversations=_shuffled(context.conversations, seed), past=past)


def _shuffled(conversations: Sequence[Conversation], seed: str) -> list[Conversation]:
    return random.Random(seed).sample(conversations, len(conversations))


def _proposal(candidate: Candidate) -> tuple[object, ...]:
    """Return the key that equal proposals share: the same edits, in any order and for any reason."""
    edits = sorted(edit.model_dump_json(exclude={"reason", "evidence"}) for edit in candidate.edits)
    return (candidate.objection, *edits)
