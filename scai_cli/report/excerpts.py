"""Which conversations a page has room for, and what was said in them.

A run may hold a million messages; a page of 1.5 MB holds about a hundred conversations. So the telling ones are chosen
by their ratings, and one pass over the events keeps those alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Final

import msgspec

from scai_cli.constitution import Remove
from scai_cli.errors import RunError
from scai_cli.events import Rated
from scai_cli.history import History
from scai_cli.store import EVENTS, damaged, lines

MOST: Final = 400
"""Conversations that are read at most."""
MOST_MESSAGES: Final = 40
"""Messages of a conversation that are kept."""
MOST_CHARACTERS: Final = 1500
"""Characters of a message that are kept."""
NOTABLE: Final = 12
"""Conversations of each kind that are marked as such."""

CITED, WORST, CONTESTED, MISSING = "cited", "lowest rated", "contested", "rating missing"
KINDS: Final = {
    CITED: "a rule of the constitution rests on it",
    WORST: "its own user rated it lowest",
    CONTESTED: "the ratings of its answer lie farthest apart",
    MISSING: "a rating of it could not be read",
}

_MESSAGE: Final = re.compile(rb'"id":"([^"]{1,400})/m(\d+)","type":"message"')
_HEAD: Final = 600
"""The id and the type of an event stand within so many bytes of its line."""


class Said(msgspec.Struct, frozen=True):
    """One message, cut to what is shown; `left_out` counts the characters that are not."""

    id: str
    epoch: int
    persona: str
    task: str
    role: str
    content: str
    finish_reason: str | None = None
    left_out: int = 0


@dataclass(slots=True)
class Talk:
    """One conversation with its ratings by the message they are about."""

    id: str
    kinds: Sequence[str] = ()
    messages: list[Said] = field(default_factory=list)
    more_messages: int = 0
    ratings: dict[str, list[Rated]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Excerpts:
    """The conversations that were read, the most telling first, of `total` in the run."""

    talks: Sequence[Talk]
    total: int


def read_excerpts(history: History) -> Excerpts:
    """The telling conversations of a run, in one pass over its events; raises RunError for a damaged line."""
    ratings = _by_conversation(history)
    kinds = _kinds(history, ratings)
    wanted = dict.fromkeys(_ranked(history, kinds))
    talks: dict[str, Talk] = {}
    total = 0
    for number, line in lines(history.path / EVENTS):
        found = _MESSAGE.search(line, 0, _HEAD)
        if found is None:
            continue
        total += found[2] == b"0"
        conversation = found[1].decode()
        if conversation not in wanted:
            if len(wanted) >= MOST:
                continue
            wanted[conversation] = None
        talk = talks.setdefault(conversation, Talk(conversation, kinds.get(conversation, ())))
        if len(talk.messages) < MOST_MESSAGES:
            talk.messages.append(_read(history.path, number, line))
        else:
            talk.more_messages += 1
    for talk in talks.values():
        for rating in ratings.get(talk.id, ()):
            talk.ratings.setdefault(rating.message, []).append(rating)
    return Excerpts([talks[name] for name in wanted if name in talks], total)


def evidence(history: History) -> list[str]:
    """The conversations that the rules of the run's product and its adopted edits rest on, the product's first."""
    if history.started is None:
        return []
    constitution, _ = history.product
    cited = [piece for rule in constitution.rules for piece in rule.evidence]
    for epoch in reversed(history.epochs):
        if epoch.revision is not None and epoch.revision.accepted:
            edits = [edit for edit in epoch.revision.edits if not isinstance(edit, Remove)]
            cited += [piece for edit in edits for piece in edit.evidence]
    return list(dict.fromkeys(conversation_of(piece) for piece in cited))


def conversation_of(piece: str) -> str:
    """The conversation of a message or of a rating: `e1/ann/tea/m2/own` -> `e1/ann/tea`."""
    return "/".join(piece.split("/")[:3])


def _by_conversation(history: History) -> dict[str, list[Rated]]:
    found: dict[str, list[Rated]] = defaultdict(list)
    for epoch in history.epochs:
        for rating in epoch.ratings:
            found[rating.conversation].append(rating)
    return found


def _kinds(history: History, ratings: Mapping[str, Sequence[Rated]]) -> dict[str, list[str]]:
    """Conversation -> why it is worth a look."""
    own: dict[str, float] = {}
    spread: dict[str, float] = {}
    missing = []
    for conversation, given in ratings.items():
        final = [rating for rating in given if rating.final]
        values = [rating.value for rating in final if rating.value is not None]
        own.update((conversation, r.value) for r in final if r.kind == "own" and r.value is not None)
        if len(values) > 1:
            spread[conversation] = max(values) - min(values)
        if len(values) < len(final):
            missing.append(conversation)
    contested = [c for c in sorted(spread, key=lambda c: -spread[c]) if spread[c] > 0]
    marked = {
        CITED: evidence(history),
        WORST: sorted(own, key=lambda c: own[c])[:NOTABLE],
        CONTESTED: contested[:NOTABLE],
        MISSING: missing,
    }
    found: dict[str, list[str]] = defaultdict(list)
    for kind, conversations in marked.items():
        for conversation in conversations:
            found[conversation].append(kind)
    return found


def _ranked(history: History, kinds: Mapping[str, Sequence[str]]) -> list[str]:
    """At most `MOST` conversations, the most telling first: of each kind in turn, then the last and the first epoch."""
    by_epoch = [list(dict.fromkeys(rating.conversation for rating in epoch.ratings)) for epoch in history.epochs]
    last_first = [by_epoch[-1], by_epoch[0]] if by_epoch else []
    queues = [[c for c, found in kinds.items() if kind in found] for kind in KINDS] + last_first
    in_turn = (c for row in zip_longest(*queues) for c in row if c is not None)
    found = dict.fromkeys(in_turn)
    for epoch in reversed(by_epoch[1:-1]):
        if len(found) >= MOST:
            break
        found |= dict.fromkeys(epoch)
    return list(found)[:MOST]


_SAID: Final = msgspec.json.Decoder(Said)


def _read(path: Path, number: int, line: bytes) -> Said:
    try:
        said = _SAID.decode(line)
    except msgspec.MsgspecError:
        raise RunError(damaged(path / EVENTS, number)) from None
    surplus = len(said.content) - MOST_CHARACTERS
    if surplus <= 0:
        return said
    return msgspec.structs.replace(said, content=said.content[:MOST_CHARACTERS], left_out=surplus)
