"""Chats with a run's assistant: `chats/1/`, `chats/2/`, ... in the run's folder, each with its events and calls.

The run's own files are not changed. The events are one `chat_started`, then `message`, `rating` and `problem` as in a
conversation. A message without an answer is replaced by the next message of the same id. A chat with two versions has
a `chat_started` and a conversation for each: `chat1` for the product, `chat1@v0` for the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from scai_cli.runs.events import MessageSaid, Problem, Rated
from scai_cli.runs.file_names import EVENTS
from scai_cli.runs.locked_folder import CALLS, LockedFolder
from scai_cli.runs.run_directory import now
from scai_cli.text.characters import escape_line_ends
from scai_cli.values import Value

CHATS: Final = "chats"


class ChatStarted(Value):
    """A chat starts, under a version of the constitution and with the clauses of a persona."""

    type: Literal["chat_started"] = "chat_started"
    seq: int | None = None
    time: str | None = None
    id: str
    run_id: str
    version: int
    persona: str | None
    """The persona whose clauses apply; None for none."""
    model: str
    metric: str
    scale: tuple[float, float]
    system_message: str


ChatEvent = ChatStarted | MessageSaid | Rated | Problem


@dataclass(slots=True)
class ChatDirectory:
    """The writer of a chat."""

    folder: LockedFolder
    _seq: int = 0

    @classmethod
    def create(cls, run: Path) -> ChatDirectory:
        """Create and lock the folder of the next chat; raises RunError if it cannot be written."""
        return cls(LockedFolder.create_next(run / CHATS, CALLS, EVENTS))

    @property
    def number(self) -> int:
        """The number of the chat within its run."""
        return int(self.folder.path.name)

    def append(self, event: ChatEvent) -> bytes:
        """Stamp and write an event, and return its line."""
        stamped = event.model_copy(update={"seq": self._seq, "time": now()})
        line = escape_line_ends(stamped.model_dump_json(by_alias=True).encode())
        self.folder.append(EVENTS, line)
        self._seq += 1
        return line
