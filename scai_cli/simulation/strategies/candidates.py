"""`candidates`: several revisions from shuffled conversations, so that neither order nor luck decides."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from scai_cli import plugins
from scai_cli.events import Candidate
from scai_cli.simulation.occasion import Occasion, Strategy
from scai_cli.simulation.together import together
from scai_cli.simulation.transcript import Conversation


async def candidates(occasion: Occasion) -> list[Candidate]:
    """`candidates` times what the strategy `base` proposes, each time from another order; equal proposals once."""
    revision = occasion.config.revision
    bases: list[Strategy] = [plugins.resolve("strategy", name) for name in revision.bases]
    proposals = await together(
        _propose(bases[n % len(bases)], _variant(occasion, n + 1)) for n in range(revision.candidates)
    )
    found: dict[object, Candidate] = {}
    for candidate in (candidate for proposal in proposals for candidate in proposal):
        found.setdefault(_said(candidate), candidate)
    return list(found.values())


async def _propose(strategy: Strategy, occasion: Occasion) -> Sequence[Candidate]:
    return await strategy(occasion)


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
    """What two equal proposals have in common."""
    return (candidate.objection, *(edit.model_dump_json(exclude={"reason", "evidence"}) for edit in candidate.edits))
