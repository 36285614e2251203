"""The lines of a run's logs: what a line is about without decoding it, and decoded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from pydantic import ValidationError

from scai_cli.errors import RunError
from scai_cli.runs.events import ANY_EVENT, Event, RunStarted
from scai_cli.runs.history.ratings import CompactRating
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.jsonl import damaged, lines
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.run_directory import EVENTS

_HEAD: Final = re.compile(rb'\{"seq": ?\d+, ?"time": ?"[^"\\]*", ?"id": ?"([^"\\]*)", ?"type": ?"(\w+)",')
_CALL: Final = re.compile(rb'\{"id": ?"([^"\\]*)"')
_MARK: Final = msgspec.json.Decoder(CompactRating)


class Look(NamedTuple):
    """What the head of a line tells of its event; empty where it does not look like one of ours."""

    id: bytes
    kind: bytes


def look(line: bytes) -> Look:
    """Look at a line without decoding it; a line that is cut or has another head tells nothing."""
    return Look(*glance(line))


def glance(line: bytes) -> tuple[bytes, bytes]:
    """What `look` tells, as a plain pair: for the one loop that goes over a million lines."""
    found = _HEAD.match(line)
    return (found[1], found[2]) if found and line.endswith(b"}\n") else (b"", b"")


@dataclass(frozen=True, slots=True)
class Within:
    """Which messages and ratings lie within a selection, by their ids: `e2/farmer/dinner/m1`."""

    epoch: bytes | None
    persona: bytes | None
    task: bytes | None

    @classmethod
    def of(cls, chosen: Selection) -> Within:
        """The places of a selection's epoch, persona and task."""
        epoch = None if chosen.epoch is None else f"e{chosen.epoch}".encode()
        persona, task = (None if part is None else part.encode() for part in (chosen.persona, chosen.task))
        return cls(epoch, persona, task)

    def has(self, place: bytes) -> bool:
        """Whether the event of that id is within; anchors belong to an epoch alone."""
        if self.epoch is self.persona is self.task is None:
            return True
        epoch, *rest = place.split(b"/", 3)
        if self.epoch not in (None, epoch):
            return False
        if rest[:1] == [b"anchor"]:
            return True
        return all(want in (None, part) for want, part in zip((self.persona, self.task), rest, strict=False))


def read_events(path: Path, *, messages: bool = True) -> Iterator[Event]:
    """A run's events in order; a torn last line is left out; raises RunError for a damaged one."""
    for number, line in lines(path / EVENTS):
        if messages or look(line).kind != b"message":
            yield read_event(path, number, line)


def read_event(path: Path, number: int, line: bytes) -> Event:
    """The event on a line of a run's events; raises RunError, naming the line, when it is damaged."""
    try:
        return ANY_EVENT.validate_json(line)
    except ValidationError:
        raise RunError(damaged(path / EVENTS, number)) from None


def first_event(path: Path) -> RunStarted | None:
    """Return the event that a run begins with; None where it has none yet. Raises RunError when it is damaged."""
    for number, line in lines(path / EVENTS):
        event = read_event(path, number, line)
        if not isinstance(event, RunStarted):
            raise RunError(damaged(path / EVENTS, number))
        return event
    return None


def read_mark(path: Path, number: int, line: bytes) -> CompactRating:
    """The rating on a line of a run's events without its words; raises RunError as `read_event`."""
    try:
        return _MARK.decode(line)
    except msgspec.DecodeError:
        raise RunError(damaged(path / EVENTS, number)) from None


def read_calls(path: Path, below: str | None = None) -> Iterator[dict[str, Any]]:
    """The lines of a run's call log in order, or those of the call `below` and of all whose ids begin with it and `/`.

    A torn last line is left out; raises RunError for a damaged one.
    """
    wanted = None if below is None else below.encode("utf-8", "replace")
    for number, line in lines(path / CALLS):
        found = _CALL.match(line)
        if wanted is not None and found and found[1] != wanted and not found[1].startswith(wanted + b"/"):
            continue
        try:
            call = json.loads(line)
            if below is None or call["id"] == below or call["id"].startswith(f"{below}/"):
                yield call
        except (ValueError, LookupError, TypeError, AttributeError):
            raise RunError(damaged(path / CALLS, number)) from None
