"""Iterate over a run's conversations and their ratings in bounded memory.

Each conversation is yielded as soon as it is complete, in the order in which the conversations of its epoch began; this
order does not depend on the concurrency. Incomplete conversations (a failed call, a stopped run) follow at the end of
their epoch. If more than `WAITING` complete conversations wait for an incomplete one, they are yielded before it.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Final, Literal

from scai_cli.errors import RunError
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.events import EpochStarted, Revised, RunStarted
from scai_cli.runs.file_names import EVENTS
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, decode_event
from scai_cli.runs.jsonl import lines

MessageReader = Callable[[tuple[int, int]], CompactMessage]
"""Reads the message at a conversation's `position`."""

WAITING: Final = 4096
"""The maximal number of complete conversations that wait for an incomplete one."""


@dataclass(frozen=True, slots=True)
class EpochSetting:
    """The run and the epoch of a conversation, and the constitution in force."""

    started: RunStarted
    epoch: int
    constitution: Constitution
    personas: tuple[str, ...]
    tasks: tuple[str, ...]


@dataclass(slots=True)
class RunConversation:
    """One conversation; `position` is the offset and the size of the line of its last answer."""

    id: str
    persona: str
    task: str
    setting: EpochSetting
    messages: list[CompactMessage] = field(default_factory=list)
    own: list[CompactRating] = field(default_factory=list)
    """The user's ratings, in the order of the answers."""
    cross: list[CompactRating] = field(default_factory=list)
    """The ratings of the final answer by other users: rater's id -> rating."""
    position: tuple[int, int] = (0, 0)
    owed: int = 0
    """The number of messages and final ratings still missing."""

    def final_place(self, turns: int) -> int:
        """Return the place of the final answer among the messages; users may end a conversation before its `turns`."""
        rated = next((rating.message for rating in (*self.own, *self.cross) if rating.final), None)
        return self.setting.started.length(turns) - 2 if rated is None else int(rated.rpartition("/m")[2])


def read_conversations(
    path: Path, turns: int, cross_raters: int | Literal["all"], waiting: int = WAITING
) -> Iterator[RunConversation]:
    """Yield the conversations of a run, finished or not; raises RunError for a damaged line, naming it.

    `turns` and `cross_raters` of its experiment determine when a conversation is complete.
    """
    return _Reader(path, turns, cross_raters, waiting).conversations()


@contextmanager
def message_reader(path: Path) -> Iterator[MessageReader]:
    """Open a run's events and yield a function that reads the message at a `position`."""
    with (path / EVENTS).open("rb") as file:

        def read(position: tuple[int, int]) -> CompactMessage:
            offset, size = position
            file.seek(offset)
            message = decode_event(path / EVENTS, 0, file.read(size))
            assert isinstance(message, CompactMessage)
            return message

        yield read


class _Reader:
    """Collects conversations in one pass over the events."""

    def __init__(self, path: Path, turns: int, cross_raters: int | Literal["all"], waiting: int) -> None:
        self._log = path / EVENTS
        self._turns = turns
        self._cross = cross_raters
        self._queue: deque[RunConversation] = deque()
        self._open: dict[str, RunConversation] = {}
        self._most_waiting, self._whole = waiting, 0
        self._is_ready = False
        self._started: RunStarted | None = None
        self._versions: dict[int, Constitution] = {}
        self._setting: EpochSetting | None = None

    def conversations(self) -> Iterator[RunConversation]:
        for number, offset, line in lines(self._log):
            event = decode_event(self._log, number, line)
            if isinstance(event, CompactRating):  # the most frequent ones come first
                self._add_rating(event)
            elif isinstance(event, CompactMessage):
                self._add_message(event, offset, len(line))
            elif isinstance(event, RunStarted | EpochStarted | Revised):
                # What an epoch left open is yielded before the setting changes: it belongs to that epoch.
                yield from self._rest()
                self._turn_to(event)
            if self._is_ready:
                yield from self._ready()
        yield from self._rest()

    def _add_message(self, message: CompactMessage, offset: int, size: int) -> None:
        name = message.id.rpartition("/")[0]
        conversation = self._open.get(name)
        if conversation is None:
            conversation = self._begin(name, message)
        conversation.messages.append(message)
        if message.role == "assistant":
            conversation.position = offset, size
        self._settle(conversation)

    def _begin(self, name: str, message: CompactMessage) -> RunConversation:
        if self._setting is None:
            raise self._headless()
        others = len(self._setting.personas) - 1
        cross = others if self._cross == "all" else min(self._cross, others)
        # One rating by the user and one by each of the others: only those of the final answer are owed.
        owed = self._setting.started.length(self._turns) + 1 + cross
        conversation = RunConversation(name, message.persona, message.task, self._setting, owed=owed)
        self._open[name] = conversation
        self._queue.append(conversation)
        return conversation

    def _add_rating(self, rating: CompactRating) -> None:
        conversation = self._open.get(rating.conversation)
        if conversation is None:
            return
        (conversation.own if rating.kind == "own" else conversation.cross).append(rating)
        if rating.final:
            if rating.kind == "own":  # the messages that an early end has left out are not owed
                conversation.owed -= conversation.setting.started.length(self._turns) - 2
                conversation.owed += conversation.final_place(self._turns)
            self._settle(conversation)

    def _settle(self, conversation: RunConversation) -> None:
        """Count a message or a final rating that was owed."""
        conversation.owed -= 1
        if not conversation.owed:
            self._is_ready = True
            self._whole += 1

    def _turn_to(self, event: RunStarted | EpochStarted | Revised) -> None:
        if isinstance(event, RunStarted):
            self._started = event
        if isinstance(event, RunStarted | Revised):
            self._versions[event.constitution.version] = event.constitution
        elif self._started is None or event.version not in self._versions:
            raise self._headless()
        else:
            constitution = self._versions[event.version]
            self._setting = EpochSetting(self._started, event.epoch, constitution, event.personas, event.tasks)

    def _headless(self) -> RunError:
        return RunError(f"{self._log}: its first lines are missing; restore the file from a copy")

    def _ready(self) -> Iterator[RunConversation]:
        """Yield the complete conversations that need not wait for an earlier one."""
        self._is_ready = False
        queue = self._queue
        while queue and not queue[0].owed:
            yield self._release(queue.popleft())
        # One conversation that hangs must not keep all the others of a long epoch in memory.
        if self._whole > self._most_waiting:
            whole = [conversation for conversation in queue if not conversation.owed]
            self._queue = deque(conversation for conversation in queue if conversation.owed)
            for conversation in whole:
                yield self._release(conversation)

    def _release(self, conversation: RunConversation) -> RunConversation:
        del self._open[conversation.id]
        self._whole -= 1
        conversation.cross.sort(key=_rater)  # raters answer at the same time, in any order
        return conversation

    def _rest(self) -> Iterator[RunConversation]:
        """Yield the remaining conversations of an epoch, complete or not."""
        for conversation in self._queue:
            conversation.cross.sort(key=_rater)
            yield conversation
        self._queue.clear()
        self._open.clear()
        self._whole = 0


_rater: Final = attrgetter("rater")
