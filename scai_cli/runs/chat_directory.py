"""Talks with a run's assistant: `chats/1/`, `chats/2/`, ... in the run's folder, each with its events and calls.

A run's own files are not touched. The events are those of a conversation (`message`, `rating`, `problem`) after one
`chat_started`; a message of an id that stood there already, which got no answer, takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from scai_cli.errors import RunError
from scai_cli.runs.events import MessageSaid, Problem, Rated
from scai_cli.runs.jsonl import damaged, lines, one_line
from scai_cli.runs.locked_folder import CALLS, LockedFolder
from scai_cli.runs.run_directory import EVENTS, now
from scai_cli.values import Value

CHATS: Final = "chats"


class ChatStarted(Value):
    """Somebody begins to talk with the assistant: under which version, and with whose clauses."""

    type: Literal["chat_started"] = "chat_started"
    seq: int | None = None
    time: str | None = None
    id: str
    run_id: str
    version: int
    persona: str | None
    """The persona whose clauses apply; None for whoever talks as themselves."""
    model: str
    metric: str
    scale: tuple[float, float]
    system_message: str


ChatEvent = ChatStarted | MessageSaid | Rated | Problem
_ANY: Final[TypeAdapter[ChatEvent]] = TypeAdapter(Annotated[ChatEvent, Field(discriminator="type")])


@dataclass(slots=True)
class ChatRecord:
    """A saved chat as far as it went."""

    number: int
    started: ChatStarted
    messages: list[MessageSaid] = field(default_factory=list)
    ratings: list[Rated] = field(default_factory=list)
    events: int = 1

    def note(self, event: ChatEvent) -> None:
        """Something more happened."""
        self.events += 1
        if isinstance(event, MessageSaid):
            if self.messages and self.messages[-1].id == event.id:
                self.messages.pop()
            self.messages.append(event)
        elif isinstance(event, Rated):
            self.ratings.append(event)


@dataclass(slots=True)
class ChatDirectory:
    """A chat that this process writes."""

    folder: LockedFolder
    _seq: int = 0

    @classmethod
    def create(cls, run: Path) -> ChatDirectory:
        """Make and lock the folder of the next chat; raises RunError when it cannot be written."""
        chats = run / CHATS
        try:
            chats.mkdir(exist_ok=True)
            path = _next(run)
        except OSError as error:
            raise RunError(f"{chats}: cannot be written: {error.strerror}") from None
        return cls(LockedFolder.open(path, CALLS, EVENTS))

    @classmethod
    def reopen(cls, run: Path, number: int) -> tuple[ChatDirectory, ChatRecord]:
        """Lock a chat and mend it; raises RunError when there is none, it is in use or damaged."""
        read_chat(run, number)
        folder = LockedFolder.open(run / CHATS / str(number), CALLS, EVENTS)
        with folder.closed_on_failure():
            record = read_chat(run, number)
        return cls(folder, record.events), record

    @property
    def number(self) -> int:
        """The chat's number within its run."""
        return int(self.folder.path.name)

    def append(self, event: ChatEvent) -> bytes:
        """Stamp and write an event, and return its line."""
        stamped = event.model_copy(update={"seq": self._seq, "time": now()})
        line = one_line(stamped.model_dump_json(by_alias=True).encode())
        self.folder.append(EVENTS, line)
        self._seq += 1
        return line


def read_chat(run: Path, number: int) -> ChatRecord:
    """A saved chat; raises RunError when there is none of that number or a line of it is damaged."""
    path = run / CHATS / str(number) / EVENTS
    record: ChatRecord | None = None
    for at, line in lines(path):
        try:
            event = _ANY.validate_json(line)
        except ValidationError:
            raise RunError(damaged(path, at)) from None
        if isinstance(event, ChatStarted):
            record = ChatRecord(number, event)
        elif record is not None:
            record.note(event)
    if record is None:
        known = ", ".join(str(chat.number) for chat in all_chats(run)) or "none"
        raise RunError(f"run {run.name!r} has no chat {number}; it has {known}")
    return record


def all_chats(run: Path) -> list[ChatRecord]:
    """Every chat of a run that was begun, the oldest first."""
    return [read_chat(run, number) for number, path in _folders(run) if any(lines(path / EVENTS))]


def _next(run: Path) -> Path:
    """The folder of the next chat, made."""
    number = max((n for n, _ in _folders(run)), default=0)
    while True:
        number += 1
        try:
            (path := run / CHATS / str(number)).mkdir()
        except FileExistsError:  # another chat begins at the same time
            continue
        return path


def _folders(run: Path) -> Iterator[tuple[int, Path]]:
    folder = run / CHATS
    found = [p for p in folder.iterdir() if p.name.isdecimal()] if folder.is_dir() else []
    yield from sorted((int(path.name), path) for path in found)
