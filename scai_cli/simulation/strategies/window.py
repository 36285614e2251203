"""The window: the part of a long history that the meta-prompt has room for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from scai_cli.messages import Message
from scai_cli.simulation.prompts import RevisionPrompt, rated_transcript
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.transcript import Conversation

_ASKED_AGAIN = 600
"""Tokens kept free for a bad answer and what was wrong with it, when the form is asked for again."""
_BETWEEN = 2
"""Characters between two conversations."""


@dataclass(frozen=True, slots=True)
class Window:
    """The prompt with the conversations that fit, in their own order, and how many did not."""

    prompt: list[Message]
    conversations: Sequence[Conversation]
    left_out: int

    @property
    def objection(self) -> str | None:
        """Why nothing is asked: not one conversation fits."""
        return None if self.conversations else "oversized: max_prompt_tokens leaves no room for any conversation"


def fit_window(context: RevisionContext, name: RevisionPrompt, conversations: Sequence[Conversation]) -> Window:
    """Return the prompt with all conversations if it has at most `max_prompt_tokens`, else with as many as fit.

    They are drawn evenly by persona. The wording, the constitution and the room to ask again count, at four characters
    a token.
    """
    prompts, constitution = context.agents.prompts, context.constitution
    bare = sum(len(message.content) for message in prompts.meta(name, constitution, []))
    room = 4 * (context.config.revision.max_prompt_tokens - _ASKED_AGAIN) - bare
    sizes = [len(rated_transcript(conversation)) + _BETWEEN for conversation in conversations]
    kept = set(range(len(conversations)))
    if sum(sizes) > room:
        kept = set()
        # A conversation that is too long is passed over, so that a shorter one may still take the room.
        for n in _draw_order(conversations, f"{context.config.seed}/{context.id}"):
            if sizes[n] <= room:
                kept.add(n)
                room -= sizes[n]
    shown = [conversations[n] for n in sorted(kept)]
    return Window(prompts.meta(name, constitution, shown), shown, len(conversations) - len(shown))


def _draw_order(conversations: Sequence[Conversation], seed: str) -> list[int]:
    """Return positions in a seeded order in which every persona comes once before any comes a second time."""
    order = list(range(len(conversations)))
    random.Random(f"{seed}/window").shuffle(order)
    drawn: dict[str, int] = {}
    rank = {}
    for n in order:
        persona = conversations[n].persona.id
        rank[n] = drawn[persona] = drawn.get(persona, -1) + 1
    return sorted(order, key=lambda n: rank[n])
