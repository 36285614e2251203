"""The whole conversations of an epoch that its revision may read: all, or of a large epoch a seeded draw."""

import heapq
import random
from collections.abc import Sequence
from typing import Final

from scai_cli.experiment.revision_settings import Revision
from scai_cli.simulation.transcript import Conversation

_LEAST: Final = 1_000_000
"""The characters of conversations that every epoch keeps, about 500 of them with short answers."""


def room(revision: Revision) -> int:
    """Return the characters to keep: twice those of all prompts of a revision, as some may not be heard, or be long."""
    return max(_LEAST, 2 * 4 * revision.max_prompt_tokens * revision.candidates)


class KeptConversations:
    """Keeps the first conversations of a seeded order until they have `room` characters; all, if they have fewer.

    The order has every persona once before any persona again. What is kept does not depend on which conversation ends
    first: one is dropped only when those before it are enough.
    """

    def __init__(self, people: Sequence[str], seed: str, room: int) -> None:
        """Take the persona's id of each conversation, in the order of the epoch."""
        self._ranks = {place: rank for rank, place in enumerate(drawn_evenly(people, f"{seed}/kept"))}
        self._room = room
        self._size = 0
        self._last: list[tuple[int, int, int, Conversation]] = []
        """Those kept, with negative rank, place and size: the last in the order comes first."""

    def keep(self, place: int, conversation: Conversation) -> None:
        """Add a conversation after its end, and drop those that are not needed any more."""
        size = sum(len(m.content) for m in conversation.messages) + sum(len(r.comment) for r in conversation.ratings)
        heapq.heappush(self._last, (-self._ranks[place], place, size, conversation))
        self._size += size
        while self._size - self._last[0][2] >= self._room:
            self._size -= heapq.heappop(self._last)[2]

    @property
    def conversations(self) -> list[Conversation]:
        """Those kept, in the order of the epoch."""
        return [each[3] for each in sorted(self._last, key=lambda each: each[1])]


def drawn_evenly(people: Sequence[str], seed: str) -> list[int]:
    """Return the places of `people` in a seeded order that has every person once before any person again."""
    order = list(range(len(people)))
    random.Random(seed).shuffle(order)
    drawn: dict[str, int] = {}
    rank = {}
    for n in order:
        rank[n] = drawn[people[n]] = drawn.get(people[n], -1) + 1
    return sorted(order, key=lambda n: rank[n])
