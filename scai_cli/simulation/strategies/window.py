"""What of a long history the meta-prompt has room for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from scai_cli.config import ExperimentConfig
from scai_cli.simulation.objections import tokens
from scai_cli.simulation.prompts import told
from scai_cli.simulation.transcript import Conversation

_REST = 1000
"""Tokens kept free for the wording; the constitution's own room comes on top."""


@dataclass(frozen=True, slots=True)
class Window:
    """The conversations that fit, in their own order, and how many did not."""

    conversations: Sequence[Conversation]
    left_out: int


def fitting(conversations: Sequence[Conversation], config: ExperimentConfig) -> Window:
    """All conversations if they fit into `max_prompt_tokens`; else as many as do, drawn evenly by persona."""
    room = config.revision.max_prompt_tokens - _REST - config.constitution.max_tokens
    sizes = [tokens(told(conversation)) for conversation in conversations]
    if sum(sizes) <= room:
        return Window(conversations, 0)
    kept = set()
    for n in _by_turns(conversations, config.seed):
        if sizes[n] <= room:
            kept.add(n)
            room -= sizes[n]
    return Window([conversations[n] for n in sorted(kept)], len(conversations) - len(kept))


def _by_turns(conversations: Sequence[Conversation], seed: int) -> list[int]:
    """Positions in a seeded order in which every persona has its turn before anybody has a second one."""
    order = list(range(len(conversations)))
    random.Random(f"{seed}/{conversations[0].id}/window").shuffle(order)
    turns: dict[str, int] = {}
    rank = {}
    for n in order:
        persona = conversations[n].persona.id
        rank[n] = turns[persona] = turns.get(persona, -1) + 1
    return sorted(order, key=lambda n: rank[n])
