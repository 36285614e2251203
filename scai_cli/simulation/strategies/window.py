"""What of a long history the meta-prompt has room for."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scai_cli.experiment.constitution import Constitution
from scai_cli.messages import Message
from scai_cli.simulation.prompts import told
from scai_cli.simulation.revision import RevisionContext
from scai_cli.simulation.transcript import Conversation

_ASKED_AGAIN = 600
"""Tokens kept free for a bad answer and the word that it was bad, when the form is asked for again."""
_BETWEEN = 2
"""Characters between two conversations."""

Prompt = Callable[[Constitution, Sequence[Conversation]], list[Message]]


@dataclass(frozen=True, slots=True)
class Window:
    """The prompt with the conversations that fit, in their own order, and how many did not."""

    asked: list[Message]
    conversations: Sequence[Conversation]
    left_out: int

    @property
    def objection(self) -> str | None:
        """Why nothing is asked at all: not one conversation fits."""
        return None if self.conversations else "oversized: max_prompt_tokens leaves no room for any conversation"


def fitting(context: RevisionContext, prompt: Prompt, conversations: Sequence[Conversation]) -> Window:
    """All conversations if the prompt then has at most `max_prompt_tokens`; else as many, drawn evenly by persona.

    The wording, the constitution and what it takes to ask again count, at four characters a token.
    """
    bare = sum(len(message.content) for message in prompt(context.constitution, []))
    room = 4 * (context.config.revision.max_prompt_tokens - _ASKED_AGAIN) - bare
    sizes = [len(told(conversation)) + _BETWEEN for conversation in conversations]
    kept = set(range(len(conversations)))
    if sum(sizes) > room:
        kept = set()
        for n in _by_turns(conversations, f"{context.config.seed}/{context.place}"):
            if sizes[n] <= room:
                kept.add(n)
                room -= sizes[n]
    shown = [conversations[n] for n in sorted(kept)]
    return Window(prompt(context.constitution, shown), shown, len(conversations) - len(shown))


def _by_turns(conversations: Sequence[Conversation], seed: str) -> list[int]:
    """Positions in a seeded order in which every persona has its turn before anybody has a second one."""
    order = list(range(len(conversations)))
    random.Random(f"{seed}/window").shuffle(order)
    turns: dict[str, int] = {}
    rank = {}
    for n in order:
        persona = conversations[n].persona.id
        rank[n] = turns[persona] = turns.get(persona, -1) + 1
    return sorted(order, key=lambda n: rank[n])
