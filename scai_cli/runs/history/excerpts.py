"""Excerpts of a run for a page: the conversations that fit on it, with their messages.

A run can have a million messages; a page of 1.5 MB has room for about a hundred conversations. The notable ones are
chosen by their ratings, and one pass over the events keeps only these.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from itertools import zip_longest
from typing import Final

import msgspec

from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, read_events
from scai_cli.runs.history.history import History
from scai_cli.runs.history.ratings import FinalRatings

MOST: Final = 400
"""The maximal number of conversations to read."""
MOST_MESSAGES: Final = 40
"""The maximal number of messages of a conversation."""
MOST_CHARACTERS: Final = 1500
"""The maximal number of characters of a message on a page about a whole run."""
NOTABLE: Final = 12
"""The number of notable conversations of each kind."""

CITED, WORST, CONTESTED, MISSING = "cited", "lowest rated", "contested", "rating missing"
KINDS: Final = {
    CITED: "a rule of the constitution cites it",
    WORST: "its own user rated it lowest",
    CONTESTED: "the ratings of its answer differ most",
    MISSING: "one of its ratings could not be read",
}


@dataclass(slots=True)
class ConversationExcerpt:
    """One conversation with its ratings by message; long messages are cut."""

    id: str
    kinds: Sequence[str] = ()
    """The reasons why it is notable, from `KINDS`."""
    messages: list[CompactMessage] = field(default_factory=list)
    more_messages: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """Message id -> number of characters cut."""
    ratings: dict[str, list[CompactRating]] = field(default_factory=dict)
    most_characters: int = MOST_CHARACTERS
    """The maximal number of characters of a message."""

    def add(self, event: CompactMessage | CompactRating) -> None:
        """Add the next message or rating."""
        if isinstance(event, CompactRating):
            self.ratings.setdefault(event.message, []).append(event)
        elif len(self.messages) == MOST_MESSAGES:
            self.more_messages += 1
        else:
            if (surplus := len(event.content) - self.most_characters) > 0:
                self.left_out[event.id] = surplus
                event = msgspec.structs.replace(event, content=event.content[: self.most_characters])
            self.messages.append(event)


@dataclass(frozen=True, slots=True)
class Excerpts:
    """The conversations read, most notable first, and the `total` in the run."""

    conversations: Sequence[ConversationExcerpt]
    total: int


def read_excerpts(history: History) -> Excerpts:
    """Read a run's notable conversations in one pass; `history` must have `finals`. Raises RunError if damaged."""
    finals = history.rating_index.finals
    kinds = notable(history)
    chosen = dict.fromkeys(_ranked(finals, kinds))
    total = 0

    def is_wanted(name: bytes, kind: bytes) -> bool:
        nonlocal total
        if kind not in (b"message", b"rating"):
            return False
        total += name.endswith(b"/m0")
        conversation = conversation_of(name.decode())
        if conversation not in chosen and kind == b"message" and len(chosen) < MOST:
            chosen[conversation] = None  # not rated yet
        return conversation in chosen

    excerpts: dict[str, ConversationExcerpt] = {}
    for event in read_events(history.path, is_wanted):
        if isinstance(event, CompactMessage | CompactRating):
            name = conversation_of(event.id)
            excerpts.setdefault(name, ConversationExcerpt(name, kinds.get(name, ()))).add(event)
    return Excerpts([excerpts[name] for name in chosen if name in excerpts and excerpts[name].messages], total)


def evidence(history: History) -> list[str]:
    """Return the conversations cited by the product's rules, then by the adopted edits, newest first."""
    if history.started is None:
        return []
    constitution, _ = history.product
    cited = [piece for rule in constitution.rules for piece in rule.evidence]
    for epoch in reversed(history.epochs):
        if epoch.revision is not None and epoch.revision.accepted:
            cited += [piece for edit in epoch.revision.edits for piece in edit.evidence]
    return list(dict.fromkeys(conversation_of(piece) for piece in cited))


def conversation_of(piece: str) -> str:
    """Return the conversation of a message or of a rating: `e1/ann/tea/m2/own` -> `e1/ann/tea`."""
    return "/".join(piece.split("/")[:3])


def by_place(history: History) -> Callable[[str], tuple[Sequence[int], str]]:
    """Return the key that sorts ids of conversations by epoch, person and task."""
    started = history.started
    people = {name: n for n, name in enumerate(started.personas if started else ())}
    tasks = {name: n for n, name in enumerate(started.tasks if started else ())}

    def key(name: str) -> tuple[Sequence[int], str]:
        epoch, person, task = [*name.split("/"), "", ""][:3]
        number = int(epoch[1:]) if epoch[1:].isdecimal() else 0
        return (number, people.get(person, len(people)), tasks.get(task, len(tasks))), name

    return key


def notable(history: History) -> Mapping[str, Sequence[str]]:
    """Return the notable conversations, each with its reasons, from `KINDS`; `history` must have `finals`."""
    epochs = history.rating_index.finals.values()
    own: dict[str, float] = {}
    reach: dict[str, tuple[float, float]] = {}
    missing: dict[str, None] = {}
    for kind, _, conversation, value in (rating for epoch in epochs for rating in epoch):
        if value is None:
            missing[conversation] = None
            continue
        if kind == "own":
            own[conversation] = value
        low, high = reach.get(conversation, (value, value))
        reach[conversation] = min(low, value), max(high, value)
    spread = {conversation: high - low for conversation, (low, high) in reach.items() if high > low}
    notable = {
        CITED: evidence(history),
        WORST: nsmallest(NOTABLE, own, key=lambda c: own[c]),
        CONTESTED: nlargest(NOTABLE, spread, key=lambda c: spread[c]),
        MISSING: list(missing),
    }
    kinds: dict[str, list[str]] = defaultdict(list)
    for kind, conversations in notable.items():
        for conversation in conversations:
            kinds[conversation].append(kind)
    return kinds


def _ranked(epochs: Mapping[int, FinalRatings], kinds: Mapping[str, Sequence[str]]) -> list[str]:
    """Return at most `MOST` conversations: notable ones of each kind in turn, then the last and the first epoch."""
    by_epoch = [list(epochs[epoch].conversations) for epoch in sorted(epochs)]
    last_first = [by_epoch[-1], by_epoch[0]] if by_epoch else []
    queues = [[c for c, reasons in kinds.items() if kind in reasons] for kind in KINDS] + last_first
    ranked = dict.fromkeys(c for row in zip_longest(*queues) for c in row if c is not None)
    for epoch in reversed(by_epoch[1:-1]):
        if len(ranked) >= MOST:
            break
        ranked |= dict.fromkeys(epoch)
    return list(ranked)[:MOST]
