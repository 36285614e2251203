"""Read a run's events: look at the id and type of each line, and decode only the wanted ones."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from scai_cli.errors import RunError
from scai_cli.runs.call_index import LoggedCall, decode_call
from scai_cli.runs.events import Event, MessageSaid, Rated, RunStarted, read_event
from scai_cli.runs.file_names import EVENTS
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.jsonl import damaged, lines
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.records import Mark

_CALL: Final = re.compile(rb'\{"id": ?"([^"\\]*)"')


class CompactMessage(Struct, frozen=True, gc=False, tag_field="type", tag="message"):
    """A compact message event, decoded several times faster than `MessageSaid`."""

    id: str
    epoch: int
    persona: str
    task: str
    role: Literal["user", "assistant"]
    content: str
    finish_reason: str | None = None
    marks: tuple[Mark, ...] = ()
    verbatim: str | None = None


class CompactRating(Struct, frozen=True, gc=False, tag_field="type", tag="rating"):
    """A compact rating event, decoded several times faster than `Rated`."""

    id: str
    epoch: int
    kind: Literal["own", "cross"]
    metric: str
    rater: str
    conversation: str
    message: str
    final: bool
    value: float | None
    observed: float | None = None
    comment: str = ""
    problem: str | None = None
    marks: tuple[Mark, ...] = ()
    measured: dict[str, float | None] = {}


_START: Final = 60
"""The characters of a comment that are enough to know it by; messages of a report may be cut after more."""


def unsaid(rating: CompactRating, messages: Iterable[CompactMessage]) -> str:
    """Return the comment of a rating, empty if its user has said it in one of these messages."""
    start = rating.comment[:_START]
    said = rating.kind == "own" and any(m.role == "user" and m.content.startswith(start) for m in messages)
    return "" if said else rating.comment


ReadEvent = Event | CompactMessage | CompactRating
"""A decoded event; messages and ratings in compact form."""

_decode_compact: Final[Callable[[bytes], CompactRating | CompactMessage]] = msgspec.json.Decoder(
    CompactRating | CompactMessage
).decode


def glance(line: bytes) -> tuple[bytes, bytes]:
    """Return the id and type of the event on a line without decoding it; both empty for a torn or unusual line."""
    # {"seq":1,"time":"T","id":"X","type":"Y",...}: no id holds a quote, so these are the first fourteen.
    try:
        _, _, _, _, _, _, _, third, _, name, _, fourth, _, kind, rest = line.split(b'"', 14)
    except ValueError:
        return b"", b""
    return (name, kind) if third == b"id" and fourth == b"type" and rest.endswith((b"}\n", b"}\r\n")) else (b"", b"")


def decode_event(log: Path, number: int, line: bytes) -> ReadEvent | None:
    """Decode the event on line `number` of a log; None for a type that went; raises RunError if it is damaged."""
    try:
        # Nearly all lines are ratings and messages: they are decoded without a look at their type.
        return _decode_compact(line)
    except msgspec.ValidationError:  # an event of another type
        try:
            event = read_event(line)
        except (ValueError, RecursionError):
            raise RunError(damaged(log, number)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RunError(damaged(log, number)) from None
    if isinstance(event, MessageSaid | Rated):
        raise RunError(damaged(log, number))
    return event


def read_events(path: Path, wanted: Callable[[bytes, bytes], bool] | None = None) -> Iterator[ReadEvent]:
    """Yield the events, those whose id and type are `wanted`, in order; skip an incomplete last line.

    Raises RunError with the line if it is damaged; only the start and end of unwanted lines are checked.
    """
    log = path / EVENTS
    for number, _, line in lines(log):
        if (wanted is None or wanted(*glance(line))) and (event := decode_event(log, number, line)) is not None:
            yield event


def first_event(path: Path) -> RunStarted | None:
    """Return a run's first event, or None if there is none yet; raises RunError if it is damaged."""
    for number, _, line in lines(path / EVENTS):
        event = decode_event(path / EVENTS, number, line)
        if not isinstance(event, RunStarted):
            raise RunError(damaged(path / EVENTS, number))
        return event
    return None


def selects(selection: Selection) -> Callable[[bytes], bool]:
    """Return a test whether the id of a message or rating (`e2/farmer/dinner/m1`) is selected."""
    epoch = None if selection.epoch is None else f"e{selection.epoch}".encode()
    wanted = [None if part is None else part.encode() for part in (selection.persona, selection.task)]
    everything = selection == Selection()

    def has(event_id: bytes) -> bool:
        if everything:
            return True
        own_epoch, *rest = event_id.split(b"/", 3)
        if epoch not in (None, own_epoch):
            return False
        return all(w in (None, part) for w, part in zip(wanted, rest, strict=False))

    return has


def list_calls(path: Path, prefix: str = "", role: str = "") -> Iterator[LoggedCall]:
    """Yield a log's calls without their requests, of ids with a prefix and of a role; raises RunError if damaged."""
    wanted = prefix.encode("utf-8", "replace")
    for number, _, line in lines(path / CALLS):
        match = _CALL.match(line)
        if match and not match[1].startswith(wanted):
            continue
        try:
            call = decode_call(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RunError(damaged(path / CALLS, number)) from None
        if call.id.startswith(prefix) and role in ("", call.role):
            yield call


def read_calls(path: Path, below: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield a log's calls in order, all, or `below` and those under it; raises RunError for a damaged line."""
    wanted = None if below is None else below.encode("utf-8", "replace")
    for number, _, line in lines(path / CALLS):
        match = _CALL.match(line)
        if wanted is not None and match and match[1] != wanted and not match[1].startswith(wanted + b"/"):
            continue
        try:
            call = json.loads(line)
            if below is None or call["id"] == below or call["id"].startswith(f"{below}/"):
                yield call
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise RunError(damaged(path / CALLS, number)) from None
