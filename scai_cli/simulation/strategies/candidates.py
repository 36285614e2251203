"""`candidates`: several revisions from shuffled conversations, so that neither order nor luck decides."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from scai_cli import plugins
from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.runs.events import Candidate, Problem
from scai_cli.simulation.revision import RevisionContext, Strategy
from scai_cli.simulation.transcript import Conversation


async def candidates(context: RevisionContext) -> list[Candidate]:
    """`candidates` times what the strategy `base` proposes, each time from another order; equal proposals once."""
    revision = context.config.revision
    bases: list[Strategy] = [plugins.resolve("strategy", name) for name in revision.bases]
    proposals = await together(
        _propose(bases[n % len(bases)], _variant(context, n + 1)) for n in range(revision.candidates)
    )
    found: dict[object, Candidate] = {}
    for proposed, failed in proposals:
        if failed is not None:
            context.epoch_context.emit(failed)
        for candidate in proposed:
            found.setdefault(_said(candidate), candidate)
    return list(found.values())


async def _propose(strategy: Strategy, context: RevisionContext) -> tuple[Sequence[Candidate], Problem | None]:
    """What one strategy proposes; a call that failed for good costs this proposal alone."""
    try:
        return await strategy(context), None
    except CallFailed as error:
        failed = Problem(id=error.call, epoch=context.epoch_context.epoch, where=context.place, problem=str(error))
        return [Candidate(id=context.place, critique="", objection=f"failed: {error}")], failed


def _variant(context: RevisionContext, number: int) -> RevisionContext:
    place = f"{context.place}/c{number}"
    return replace(
        context,
        place=place,
        conversations=_shuffled(context.conversations, f"{context.config.seed}/{place}"),
        past=[_shuffled(episode, f"{context.config.seed}/{place}/past") for episode in context.past],
    )


def _shuffled(conversations: Sequence[Conversation], seed: str) -> list[Conversation]:
    return random.Random(seed).sample(conversations, len(conversations))


def _said(candidate: Candidate) -> tuple[object, ...]:
    """What two equal proposals have in common: the edits, in whatever order and for whatever reasons."""
    edits = sorted(edit.model_dump_json(exclude={"reason", "evidence"}) for edit in candidate.edits)
    return (candidate.objection, *edits)
