"""Which conversations a page has room for, and what was said in them.

A run may hold a million messages; a page of 1.5 MB holds about a hundred conversations. So the telling ones are chosen
by their ratings, and one pass over the events keeps those alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from itertools import zip_longest
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from scai_cli.errors import RunError
from scai_cli.experiment.constitution import Remove
from scai_cli.runs.history.event_lines import look
from scai_cli.runs.history.history import History
from scai_cli.runs.history.ratings import CompactRating
from scai_cli.runs.jsonl import damaged, lines
from scai_cli.runs.run_directory import EVENTS

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


class Rating(msgspec.Struct, frozen=True):
    """One rating with its words."""

    kind: str
    metric: str
    rater: str
    message: str
    final: bool
    value: float | None
    comment: str = ""
    problem: str | None = None


@dataclass(slots=True)
class Talk:
    """One conversation with its ratings by the message they are about."""

    id: str
    kinds: Sequence[str] = ()
    messages: list[Said] = field(default_factory=list)
    more_messages: int = 0
    ratings: dict[str, list[Rating]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Excerpts:
    """The conversations that were read, the most telling first, of `total` in the run."""

    talks: Sequence[Talk]
    total: int


def read_excerpts(history: History, marks: Mapping[int, Sequence[CompactRating]]) -> Excerpts:
    """The telling conversations of a run, in one pass over its events; raises RunError for a damaged line."""
    kinds = _kinds(history, marks)
    wanted = dict.fromkeys(_ranked(marks, kinds))
    talks: dict[str, Talk] = {}
    total = 0
    for number, line in lines(history.path / EVENTS):
        place, kind = look(line)
        if kind not in (b"message", b"rating"):
            continue
        conversation = conversation_of(place.decode())
        total += place.endswith(b"/m0")
        if conversation not in wanted:
            if kind == b"rating" or len(wanted) >= MOST:
                continue
            wanted[conversation] = None
        talk = talks.setdefault(conversation, Talk(conversation, kinds.get(conversation, ())))
        if kind == b"rating":
            rating = _decoded(_RATING, history.path, number, line)
            talk.ratings.setdefault(rating.message, []).append(rating)
        elif len(talk.messages) < MOST_MESSAGES:
            talk.messages.append(_shortened(_decoded(_SAID, history.path, number, line)))
        else:
            talk.more_messages += 1
    return Excerpts([talks[name] for name in wanted if name in talks and talks[name].messages], total)


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


def _kinds(history: History, marks: Mapping[int, Sequence[CompactRating]]) -> dict[str, list[str]]:
    """Conversation -> why it is worth a look."""
    own: dict[str, float] = {}
    reach: dict[str, tuple[float, float]] = {}
    missing: dict[str, None] = {}
    for mark in (mark for epoch in marks.values() for mark in epoch):
        conversation, value = mark.conversation, mark.value
        if value is None:
            missing[conversation] = None
            continue
        if mark.kind == "own":
            own[conversation] = value
        low, high = reach.get(conversation, (value, value))
        reach[conversation] = min(low, value), max(high, value)
    spread = {conversation: high - low for conversation, (low, high) in reach.items() if high > low}
    marked = {
        CITED: evidence(history),
        WORST: nsmallest(NOTABLE, own, key=lambda c: own[c]),
        CONTESTED: nlargest(NOTABLE, spread, key=lambda c: spread[c]),
        MISSING: list(missing),
    }
    found: dict[str, list[str]] = defaultdict(list)
    for kind, conversations in marked.items():
        for conversation in conversations:
            found[conversation].append(kind)
    return found


def _ranked(marks: Mapping[int, Sequence[CompactRating]], kinds: Mapping[str, Sequence[str]]) -> list[str]:
    """At most `MOST` conversations, the most telling first: of each kind in turn, then the last and the first epoch."""
    by_epoch = [list(dict.fromkeys(mark.conversation for mark in marks[epoch])) for epoch in sorted(marks)]
    last_first = [by_epoch[-1], by_epoch[0]] if by_epoch else []
    queues = [[c for c, found in kinds.items() if kind in found] for kind in KINDS] + last_first
    found = dict.fromkeys(c for row in zip_longest(*queues) for c in row if c is not None)
    for epoch in reversed(by_epoch[1:-1]):
        if len(found) >= MOST:
            break
        found |= dict.fromkeys(epoch)
    return list(found)[:MOST]


_SAID: Final = msgspec.json.Decoder(Said)
_RATING: Final = msgspec.json.Decoder(Rating)
_Decoded = TypeVar("_Decoded")


def _decoded(decoder: msgspec.json.Decoder[_Decoded], path: Path, number: int, line: bytes) -> _Decoded:
    try:
        return decoder.decode(line)
    except msgspec.DecodeError:
        raise RunError(damaged(path / EVENTS, number)) from None


def _shortened(said: Said) -> Said:
    surplus = len(said.content) - MOST_CHARACTERS
    if surplus <= 0:
        return said
    return msgspec.structs.replace(said, content=said.content[:MOST_CHARACTERS], left_out=surplus)
