"""`candidates`: several revisions from shuffled conversations, so that neither order nor luck decides."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from scai_cli import plugins
from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.runs.events import Candidate, Problem
from scai_cli.simulation.revision import Occasion, Strategy
from scai_cli.simulation.transcript import Conversation


async def candidates(occasion: Occasion) -> list[Candidate]:
    """`candidates` times what the strategy `base` proposes, each time from another order; equal proposals once."""
    revision = occasion.config.revision
    bases: list[Strategy] = [plugins.resolve("strategy", name) for name in revision.bases]
    proposals = await together(
        _propose(bases[n % len(bases)], _variant(occasion, n + 1)) for n in range(revision.candidates)
    )
    found: dict[object, Candidate] = {}
    for proposed, failed in proposals:
        if failed is not None:
            occasion.stage.emit(failed)
        for candidate in proposed:
            found.setdefault(_said(candidate), candidate)
    return list(found.values())


async def _propose(strategy: Strategy, occasion: Occasion) -> tuple[Sequence[Candidate], Problem | None]:
    """What one strategy proposes; a call that failed for good costs this proposal alone."""
    try:
        return await strategy(occasion), None
    except CallFailed as error:
        failed = Problem(id=error.call, epoch=occasion.stage.epoch, where=occasion.place, problem=str(error))
        return [Candidate(id=occasion.place, critique="", objection=f"failed: {error}")], failed


def _variant(occasion: Occasion, number: int) -> Occasion:
    place = f"{occasion.place}/c{number}"
    return replace(
        occasion,
        place=place,
        conversations=_shuffled(occasion.conversations, f"{occasion.config.seed}/{place}"),
        past=[_shuffled(episode, f"{occasion.config.seed}/{place}/past") for episode in occasion.past],
    )


def _shuffled(conversations: Sequence[Conversation], seed: str) -> list[Conversation]:
    return random.Random(seed).sample(conversations, len(conversations))


def _said(candidate: Candidate) -> tuple[object, ...]:
    """What two equal proposals have in common: the edits, in whatever order and for whatever reasons."""
    edits = sorted(edit.model_dump_json(exclude={"reason", "evidence"}) for edit in candidate.edits)
    return (candidate.objection, *edits)
