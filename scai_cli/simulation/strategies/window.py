"""The window: the part of a long history that fits into the meta-prompt."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from scai_cli.messages import Message
from scai_cli.simulation.prompts import RevisionPrompt, rated_transcript
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.transcript import Conversation

_ASKED_AGAIN = 600
"""Tokens reserved for an invalid answer and its problem, when the request is repeated."""
_BETWEEN = 2
"""Characters between two conversations."""
_ROUND = re.compile(r"/r\d+$")
"""The end of the id of a later round of `grounded`."""


@dataclass(frozen=True, slots=True)
class Window:
    """The prompt with the conversations that fit, and the number of others."""

    prompt: list[Message]
    conversations: Sequence[Conversation]
    left_out: int

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the messages and ratings that are shown."""
        return frozenset(event.id for c in self.conversations for event in (*c.messages, *c.ratings))

    @property
    def objection(self) -> str | None:
        """The problem if not even one conversation fits."""
        return None if self.conversations else "oversized: max_prompt_tokens leaves no room for any conversation"


def fit_window(context: RevisionContext, name: RevisionPrompt, conversations: Sequence[Conversation]) -> Window:
    """Return the prompt with all conversations if it has at most `max_prompt_tokens`, else with as many as fit.

    They are drawn evenly by persona. The wording, the constitution and the reserve for a repeated request count, at
    four characters per token.
    """
    prompts, constitution = context.agents.prompts, context.constitution
    bare = sum(len(message.content) for message in prompts.meta(name, constitution, []))
    room = 4 * (context.config.revision.max_prompt_tokens - _ASKED_AGAIN) - bare
    sizes = [len(rated_transcript(conversation)) + _BETWEEN for conversation in conversations]
    kept: list[int] = []
    # A conversation that is too long is passed over, so that a shorter one may still take the room.
    for n in _draw_order(conversations, f"{context.config.seed}/{_ROUND.sub('', context.id)}"):
        if sizes[n] <= room:
            kept.append(n)
            room -= sizes[n]
    # As drawn, which is the same in each round: the prompts differ at their ends, so that a cache can serve the rest.
    shown = [conversations[n] for n in (kept if len(kept) < len(conversations) else sorted(kept))]
    return Window(prompts.meta(name, constitution, shown), shown, len(conversations) - len(shown))


def _draw_order(conversations: Sequence[Conversation], seed: str) -> list[int]:
    """Return positions in a seeded order that has every persona once before any persona again."""
    order = list(range(len(conversations)))
    random.Random(f"{seed}/window").shuffle(order)
    drawn: dict[str, int] = {}
    rank = {}
    for n in order:
        persona = conversations[n].persona.id
        rank[n] = drawn[persona] = drawn.get(persona, -1) + 1
    return sorted(order, key=lambda n: rank[n])
