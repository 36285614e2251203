"""The run directory: create, lock, append, repair, read. What it promises is design: docs/reference.

`events.jsonl` and `calls.jsonl` are appended and flushed line by line and synced to the disk at the end of an epoch, so
that a crash costs at most what was in flight.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from scai_cli.chat import clean
from scai_cli.errors import OutputError, RunError
from scai_cli.events import Event
from scai_cli.values import did_you_mean, safe_id

_STAMP: Final = {"seq", "time"}

CONFIG: Final = "config.yaml"
EVENTS: Final = "events.jsonl"
CALLS: Final = "calls.jsonl"
OUTCOME: Final = "outcome.json"
LOCK: Final = ".lock"


def now() -> str:
    """The time in UTC, to the millisecond, as `2026-01-31T12:00:00.000Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_line(event: Event, seq: int, time: str) -> str:
    """An event as its line in `events.jsonl`, without the line's end."""
    return f'{{"seq":{seq},"time":"{time}",{event_body(event)}'


def event_body(event: Event) -> str:
    """What two equal events have in common, as JSON text without its opening brace: all but `seq` and `time`."""
    return event.model_dump_json(by_alias=True, exclude=_STAMP)[1:]


@dataclass(slots=True)
class JsonLines:
    """An append-only file of JSON lines, flushed line by line."""

    path: Path
    file: IO[str]

    @classmethod
    def open(cls, path: Path) -> JsonLines:
        """Open for appending, after `repaired` has cut off a torn last line."""
        return cls(path, path.open("a", encoding="utf-8", newline="\n"))

    def write(self, line: str) -> None:
        """Append one line; raises OutputError when the disk refuses it."""
        try:
            self.file.write(line + "\n")
            self.file.flush()
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}; make room, then `scai resume`") from error

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        os.fsync(self.file.fileno())

    def close(self) -> None:
        """Sync and close."""
        if not self.file.closed:
            self.sync()
            self.file.close()


@dataclass(slots=True)
class RunDirectory:
    """A run that is being written: this process holds its lock."""

    path: Path
    clock: Callable[[], str] = now
    seq: int = 0
    written: dict[tuple[str, str], int] = field(default_factory=dict)
    """(type, id) of every event that was there when the run was taken up again -> hash of its body."""
    _events: JsonLines | None = None
    _calls: JsonLines | None = None
    _lock: IO[str] | None = None

    @property
    def run_id(self) -> str:
        """The directory's name."""
        return self.path.name

    @classmethod
    def create(cls, runs: Path, run_id: str | None, name: str, config: str) -> RunDirectory:
        """Make and lock a new run directory holding the config; `run_id` None takes the first free `name`, `name-2`, ...

        Raises RunError when a run of the wanted id is there already.
        """
        try:
            runs.mkdir(parents=True, exist_ok=True)
            path = _new_folder(runs, run_id, name)
            run = cls(path)
            run._take_lock()
            (path / CONFIG).write_text(config, encoding="utf-8")
            (path / "constitution").mkdir()
        except OSError as error:
            raise RunError(f"{runs}: the run cannot be written there: {error.strerror}") from None
        run._open()
        return run

    def append(self, event: Event) -> None:
        """Stamp and write an event."""
        assert self._events is not None
        self._events.write(event_line(event, self.seq, self.clock()))
        self.seq += 1

    def log_call(self, record: Mapping[str, Any]) -> None:
        """Write a line of the call log."""
        assert self._calls is not None
        self._calls.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")))

    def write_text(self, name: str, text: str) -> None:
        """Write a file for people, whole or not at all."""
        target = self.path / name
        try:
            write_whole(target, text)
        except OSError as error:
            raise OutputError(f"{target}: cannot be written: {error.strerror}; make room, then `scai resume`") from error

    def sync(self) -> None:
        """Make all that was written survive a power cut."""
        for log in (self._events, self._calls):
            if log is not None:
                log.sync()

    def close(self) -> None:
        """Close the files and give back the lock."""
        for log in (self._events, self._calls):
            if log is not None:
                log.close()
        if self._lock is not None:
            self._lock.close()

    def _open(self) -> None:
        self._events = JsonLines.open(self.path / EVENTS)
        self._calls = JsonLines.open(self.path / CALLS)

    def _take_lock(self) -> None:
        # The system gives a lock back when its process dies, so that no dead process can leave one behind.
        lock = (self.path / LOCK).open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read(20).strip()
            lock.close()
            raise RunError(f"run {self.run_id!r} is in use by process {holder or '?'}; wait for it or stop it") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock


def is_locked(path: Path) -> bool:
    """Whether a living process writes this run."""
    try:
        with (path / LOCK).open("r", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def write_whole(target: Path, text: str) -> None:
    """Write a file beside its place and move it there, so that nobody sees half of it; raises OSError."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        beside.write_text(clean(text), encoding="utf-8", newline="\n")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def find_run(runs: Path, wanted: str) -> Path:
    """The directory of a run: an id, a unique prefix of one, a path, or `latest`; raises RunError."""
    if "/" in wanted or wanted in (".", ".."):
        path = Path(wanted)
        if not is_run(path):
            raise RunError(f"{wanted}: is no run directory (it holds no {CONFIG})")
        return path
    known = {path.name: path for path in all_runs(runs)}
    if wanted == "latest" and known:
        return max(known.values(), key=lambda path: (path / CONFIG).stat().st_mtime_ns)
    if wanted in known:
        return known[wanted]
    matches = sorted(name for name in known if name.startswith(wanted))
    if len(matches) == 1:
        return known[matches[0]]
    if matches:
        raise RunError(f"run {wanted!r} is ambiguous: {', '.join(matches[:8])}")
    if not known:
        raise RunError(f"there is no run in {runs}; make one with `scai run CONFIG`, or name another --runs-dir")
    raise RunError(f"there is no run {wanted!r} in {runs}{did_you_mean(wanted, known) or '; see `scai list`'}")


def all_runs(runs: Path) -> list[Path]:
    """Every run directory, by name."""
    return sorted(path for path in runs.iterdir() if is_run(path)) if runs.is_dir() else []


def is_run(path: Path) -> bool:
    """Whether a folder is a run directory."""
    return (path / CONFIG).is_file()


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The complete lines of a JSONL file with their numbers; a torn last line (no end) is left out."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.endswith("\n"):
                    yield number, line
    except FileNotFoundError:
        return


def _new_folder(runs: Path, run_id: str | None, name: str) -> Path:
    if run_id is not None:
        try:
            path = runs / safe_id(run_id)
        except ValueError as error:
            raise RunError(f"--run-id: {error}") from None
        try:
            path.mkdir()
        except FileExistsError:
            raise RunError(
                f"run {run_id!r} is there already; go on with it by `scai resume {run_id}`, or take another --run-id"
            ) from None
        return path
    number = 1
    while True:
        path = runs / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path
