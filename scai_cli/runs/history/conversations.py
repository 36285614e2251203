"""A run's conversations one after the other, with their ratings: in bounded memory, and decoded no further than needed.

A conversation is given away as soon as it is whole, in the order in which the conversations of an epoch began, which
does not depend on how many were held at a time. What never became whole (a failed call, a run that was stopped) comes
at its epoch's end. When more than `WAITING` whole ones wait for one that is not, they no longer wait for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from scai_cli.errors import RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.events import EpochStarted, Revised, RunStarted
from scai_cli.runs.history.event_lines import read_event
from scai_cli.runs.jsonl import damaged, lines
from scai_cli.runs.run_directory import EVENTS

WAITING: Final = 4096
"""So many whole conversations are held back at most to keep the order."""

_TYPE: Final = b'"type":"'
_HEAD: Final = 300
"""A line's type stands within so many bytes."""


class Said(Struct, frozen=True, gc=False):
    """What is needed of a `message` event."""

    id: str
    persona: str
    task: str
    role: Literal["user", "assistant"]
    content: str
    finish_reason: str | None = None


class Graded(Struct, frozen=True, gc=False):
    """What is needed of a `rating` event."""

    kind: Literal["own", "cross", "anchor"]
    metric: str
    rater: str
    conversation: str
    message: str
    final: bool
    value: float | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """The run and the epoch that conversations belong to, and the constitution in force there."""

    started: RunStarted
    epoch: int
    constitution: Constitution
    personas: tuple[str, ...]
    tasks: tuple[str, ...]


@dataclass(slots=True)
class Talk:
    """One conversation; `place` is where the line of its last answer stands in the events: offset and bytes."""

    id: str
    persona: str
    task: str
    setting: Setting
    messages: list[Said] = field(default_factory=list)
    own: list[Graded] = field(default_factory=list)
    """The user's ratings, in the order of the answers."""
    cross: list[Graded] = field(default_factory=list)
    """Those of the final answer by the others, by the rater's id."""
    place: tuple[int, int] = (0, 0)
    owed: int = 0
    """Messages and final ratings that are still to come."""


def talks(path: Path, config: ExperimentConfig, waiting: int = WAITING) -> Iterator[Talk]:
    """The conversations of a run as far as it went; raises RunError for a damaged line, naming it."""
    return _Reader(path, config, waiting).talks()


@contextmanager
def message_reader(path: Path) -> Iterator[Callable[[tuple[int, int]], Said]]:
    """Open a run's events and give a function that reads the message at a `place` again."""
    with (path / EVENTS).open("rb") as file:

        def read(place: tuple[int, int]) -> Said:
            offset, size = place
            file.seek(offset)
            return _MESSAGE.decode(file.read(size))

        yield read


_MESSAGE: Final = msgspec.json.Decoder(Said)
_GRADED: Final = msgspec.json.Decoder(Graded)


class _Reader:
    """Goes through the events once."""

    def __init__(self, path: Path, config: ExperimentConfig, waiting: int) -> None:
        self._path = path
        self._messages = 2 * config.turns + 1
        self._cross = config.ratings.cross_raters
        self._queue: deque[Talk] = deque()
        self._open: dict[str, Talk] = {}
        self._ripe = False
        self._most, self._whole = waiting, 0
        self._started: RunStarted | None = None
        self._constitution: Constitution | None = None
        self._setting: Setting | None = None

    def talks(self) -> Iterator[Talk]:
        offset, place, after = 0, self._path / EVENTS, len(_TYPE)
        for number, line in lines(place):
            at = line.find(_TYPE, 0, _HEAD) + after
            try:
                if line.startswith(b'rating"', at):  # the most frequent ones come first
                    self._rated(_GRADED.decode(line))
                elif line.startswith(b'message"', at):
                    self._said(_MESSAGE.decode(line), offset, len(line))
                else:
                    event = read_event(self._path, number, line)
                    if isinstance(event, RunStarted | EpochStarted | Revised):
                        yield from self._all()
                        self._turned(event)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise RunError(damaged(place, number)) from None
            offset += len(line)
            if self._ripe:
                yield from self._ready()
        yield from self._all()

    def _said(self, said: Said, offset: int, size: int) -> None:
        conversation = said.id.rpartition("/")[0]
        talk = self._open.get(conversation)
        if talk is None:
            talk = self._opened(conversation, said)
        talk.messages.append(said)
        if said.role == "assistant":
            talk.place = offset, size
        talk.owed -= 1
        if not talk.owed:
            self._ripened()

    def _opened(self, conversation: str, said: Said) -> Talk:
        if self._setting is None:
            raise RunError(f"{self._path / EVENTS}: its first lines are missing; restore the file from a copy")
        others = len(self._setting.personas) - 1
        cross = others if self._cross == "all" else min(self._cross, others)
        owed = self._messages + 1 + cross
        talk = self._open[conversation] = Talk(conversation, said.persona, said.task, self._setting, owed=owed)
        self._queue.append(talk)
        return talk

    def _rated(self, graded: Graded) -> None:
        talk = self._open.get(graded.conversation)
        if talk is None or graded.kind == "anchor":
            return
        (talk.own if graded.kind == "own" else talk.cross).append(graded)
        if graded.final:
            talk.owed -= 1
            if not talk.owed:
                self._ripened()

    def _ripened(self) -> None:
        self._ripe = True
        self._whole += 1

    def _turned(self, event: RunStarted | EpochStarted | Revised) -> None:
        if isinstance(event, RunStarted):
            self._started, self._constitution = event, event.constitution
        elif isinstance(event, Revised):
            self._constitution = event.constitution
        else:
            if self._started is None or self._constitution is None:
                raise RunError(f"{self._path / EVENTS}: its first lines are missing; restore the file from a copy")
            self._setting = Setting(self._started, event.epoch, self._constitution, event.personas, event.tasks)

    def _ready(self) -> Iterator[Talk]:
        """Those that are whole and wait for nobody, or for too long."""
        self._ripe = False
        queue = self._queue
        while queue and not queue[0].owed:
            yield self._gone(queue.popleft())
        if self._whole > self._most:
            ripe = [talk for talk in queue if not talk.owed]
            self._queue = deque(talk for talk in queue if talk.owed)
            for talk in ripe:
                yield self._gone(talk)

    def _gone(self, talk: Talk) -> Talk:
        del self._open[talk.id]
        self._whole -= 1
        talk.cross.sort(key=_rater)
        return talk

    def _all(self) -> Iterator[Talk]:
        """What is left of an epoch, whole or not."""
        for talk in self._queue:
            talk.cross.sort(key=_rater)
            yield talk
        self._queue.clear()
        self._open.clear()
        self._whole = 0


_rater: Final = attrgetter("rater")
