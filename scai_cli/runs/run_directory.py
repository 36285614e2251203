"""One run directory as its writer sees it.

`events.jsonl` and `calls.jsonl` grow line by line and are synced to the disk at the end of an epoch, so that a crash
costs at most what was in flight.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from scai_cli.errors import RunError
from scai_cli.messages import clean
from scai_cli.runs.events import ANY_EVENT, Event, RunStarted
from scai_cli.runs.jsonl import LineLog, damaged, lines, mend, one_line, write_whole
from scai_cli.runs.locks import Birth, check_id, claim, take_lock

CONFIG: Final = "config.yaml"
EVENTS: Final = "events.jsonl"
CALLS: Final = "calls.jsonl"
_BIRTH: Final = Birth(before=("constitution",), by=CONFIG)
_STAMP: Final = {"seq", "time"}


def now() -> str:
    """The time in UTC, to the millisecond, as `2026-01-31T12:00:00.000Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class RunDirectory:
    """A run that this process writes and holds the lock of."""

    path: Path
    clock: Callable[[], str] = now
    mended: dict[str, int] = field(default_factory=dict)
    """File -> bytes of a torn last line that were cut off when the run was taken up again."""
    problems: dict[str, str] = field(default_factory=dict)
    """Call id -> problem, as the events that were there already record them."""
    resumed: bool = False
    _seq: int = 0
    _written: dict[bytes, bytes] = field(default_factory=dict)
    """Fingerprint of an event's type and id -> that of its body."""
    _events: LineLog | None = None
    _calls: LineLog | None = None
    _lock: IO[str] | None = None

    @property
    def run_id(self) -> str:
        """The directory's name."""
        return self.path.name

    @classmethod
    def create(cls, runs: Path, run_id: str | None, name: str, config: str) -> RunDirectory:
        """Make and lock a new run directory with its config; without `run_id`, the first free `name`, `name-2`, ...

        Raises RunError when a run of the wanted id is there already or the folder cannot be written. What a process
        that was killed at this very place left behind is taken over.
        """
        check_id(run_id)
        try:
            runs.mkdir(parents=True, exist_ok=True)
            run = cls._claim(runs, run_id, name)
            with run._closed_on_failure():
                (run.path / "constitution").mkdir(exist_ok=True)
                write_whole(run.path / CONFIG, config)
                run._open()
        except OSError as error:
            raise RunError(f"{runs}: a run cannot be written there: {error.strerror}") from None
        return run

    @classmethod
    def reopen(cls, path: Path) -> RunDirectory:
        """Lock an unfinished run and mend it: torn last lines are cut off, and what is there is remembered.

        Raises RunError when it is in use or a line inside it is damaged.
        """
        run = cls(path, resumed=True)
        try:
            run._lock = take_lock(path)
            with run._closed_on_failure():
                for name in (EVENTS, CALLS):
                    if cut := mend(path / name):
                        run.mended[name] = cut
                run._remember()
                (path / "constitution").mkdir(exist_ok=True)
                run._open()
        except OSError as error:
            raise RunError(f"{path}: the run cannot be written: {error.strerror}") from None
        return run

    def first_event(self) -> RunStarted | None:
        """The event that tells what the run began with, if it got so far; raises RunError when it is damaged."""
        for number, line in lines(self.path / EVENTS):
            try:
                event = ANY_EVENT.validate_json(line)
            except ValidationError:
                raise RunError(damaged(self.path / EVENTS, number)) from None
            if not isinstance(event, RunStarted):
                raise RunError(damaged(self.path / EVENTS, number))
            return event
        return None

    def append(self, event: Event) -> bool:
        """Stamp and write an event; False, and nothing written, if it is there already.

        Raises RunError when an event of that type and id is there but differs: the replay went another way.
        """
        assert self._events is not None
        body = one_line(event.model_dump_json(by_alias=True, exclude=_STAMP)[1:].encode())
        if self._written:
            known = self._written.get(_name(event.type, event.id))
            if known is not None:
                if known != _fingerprint(body):
                    raise RunError(self._differs(event))
                return False
        self._events.write(f'{{"seq":{self._seq},"time":"{self.clock()}",'.encode() + body)
        self._seq += 1
        return True

    def log_call(self, line: bytes) -> None:
        """Write a line of the call log."""
        assert self._calls is not None
        self._calls.write(one_line(line))

    def write_text(self, name: str, text: str) -> None:
        """Write a file for people, whole or not at all."""
        write_whole(self.path / name, clean(text))

    def sync(self) -> None:
        """Make all that was written survive a power cut."""
        for log in (self._calls, self._events):
            if log is not None:
                log.sync()

    def close(self) -> None:
        """Close the files and give back the lock."""
        for log in (self._calls, self._events):
            if log is not None:
                log.close()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _differs(self, event: Event) -> str:
        remedy = f"; if only calls were lost, delete {EVENTS} and resume: it is made again from {CALLS}"
        return (
            f"run {self.run_id!r} cannot go on: its {event.type} {event.id!r} would come out differently now; it was "
            "made by another version of scai or its files were changed"
            f"{'' if isinstance(event, RunStarted) else remedy}"
        )

    @classmethod
    def _claim(cls, runs: Path, run_id: str | None, name: str) -> RunDirectory:
        """Make (or take over) and lock the folder of a new run."""
        claimed = claim(runs, run_id, name, _BIRTH)
        if claimed is None:
            raise RunError(
                f"run {run_id!r} is there already: go on with it by `scai resume {run_id}`, or take another --run-id"
            )
        return cls(claimed[0], _lock=claimed[1])

    def _open(self) -> None:
        self._events = LineLog.open(self.path / EVENTS)
        self._calls = LineLog.open(self.path / CALLS)

    def _remember(self) -> None:
        for number, line in lines(self.path / EVENTS):
            try:
                event = json.loads(line)
                self._written[_name(event["type"], event["id"])] = _fingerprint(_body(line))
                if event["type"] == "problem":
                    self.problems[event["id"]] = event["problem"]
                self._seq = event["seq"] + 1
            except (ValueError, LookupError, TypeError):
                raise RunError(damaged(self.path / EVENTS, number)) from None


def _body(line: bytes) -> bytes:
    """A written line without its stamp: `{"seq":N,"time":"T",BODY}` -> `BODY}`."""
    return line.rstrip(b"\n").split(b",", 2)[2]


def _fingerprint(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=12).digest()


def _name(kind: str, event_id: str) -> bytes:
    return _fingerprint(f"{kind}/{event_id}".encode())
