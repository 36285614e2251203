"""A folder that only one process writes at a time: a run, a generated set, a chat, an explanation, a served log."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Final

from scai_cli.errors import RunError
from scai_cli.runs.file_names import LATEST
from scai_cli.runs.jsonl import LineLog, mend, remove_halves, sync_folder, whole_file, write_whole
from scai_cli.runs.locks import LOCK, take_lock
from scai_cli.text.characters import escape_line_ends
from scai_cli.values import safe_id

CALLS: Final = "calls.jsonl"


@dataclass(frozen=True, slots=True)
class CreationFiles:
    """The files of a new folder; `last` completes it, `earlier` are written before."""

    earlier: Collection[str]
    last: str

    @property
    def names(self) -> Collection[str]:
        """All of them."""
        return (*self.earlier, self.last)

    def only_begun(self, path: Path) -> bool:
        """Return whether a folder has only earlier files, complete or not, so that its creation can be repeated.

        A symbolic link is none of them.
        """
        return all(
            (file.name in (LOCK, *self.earlier) or self._is_half(file)) and not file.is_symlink()
            for file in path.iterdir()
        )

    def _is_half(self, path: Path) -> bool:
        return path.name.startswith(tuple(f".{name}." for name in self.names))


@dataclass(slots=True)
class LockedFolder:
    """A folder locked by this process with append-only logs: lines survive a crash, and a power cut after `sync`.

    A power cut may keep any part of the lines since the last `sync`, of each log.
    """

    path: Path
    _lock: IO[str]
    repairs: list[str] = field(default_factory=list)
    """What was removed from the logs, in lines for the user."""
    _logs: dict[str, LineLog] = field(default_factory=dict)
    _made: list[Path] = field(default_factory=list)
    """The folders that its creation made, the inner ones first."""

    @classmethod
    def create(cls, parent: Path, wanted_id: str | None, name: str, files: CreationFiles) -> LockedFolder | None:
        """Create and lock a folder: `wanted_id`, or the next of `name`, `name-2`, ...

        A folder whose creation was interrupted is reused. Returns None if the wanted id is in use.
        Raises RunError if the wanted id is not a valid id, or the folder cannot be written.
        """
        check_id(wanted_id)
        made: list[Path] = []
        with _removed_on_failure(parent, made, LOCK):
            _make(parent, made)
            sync_folder(parent.parent)
            for path in _candidates(parent, wanted_id, name):
                if (folder := cls._claim(path, files, made)) is not None:
                    sync_folder(parent)
                    return folder
        return None

    @classmethod
    def open(cls, path: Path, *logs: str) -> LockedFolder:
        """Lock a folder and open its logs; raises RunError if it is in use or cannot be written, or has links.

        Writing in place, or in the folder `constitution`, would follow a link and change another file.
        """
        refuse_links(*(path / name for name in (LOCK, "constitution", *logs)))
        made: list[Path] = []
        with _removed_on_failure(path, made, LOCK, *logs):
            _make(path, made)
            return cls._opened(path, made, *logs)

    @classmethod
    def create_next(cls, parent: Path, *logs: str) -> LockedFolder:
        """Create and lock the next of the folders `1`, `2`, ... in `parent`, and open its logs; raises as `open`."""
        refuse_links(parent)
        made: list[Path] = []
        with _removed_on_failure(parent, made, LOCK, *logs):
            _make(parent, made)
            return cls._opened(_make_next(parent, made), made, *logs)

    @classmethod
    def _opened(cls, path: Path, made: list[Path], *logs: str) -> LockedFolder:
        sync_folder(path.parent)
        folder = cls(path, take_lock(path), _made=made)
        try:
            remove_halves(path)
            folder.open_logs(*logs)
        except BaseException:
            folder.close()
            raise
        return folder

    def open_logs(self, *names: str) -> None:
        """Open logs for appending and remove damaged lines; `sync` syncs them in this order."""
        for name in names:
            if cut := mend(self.path / name):
                self.repairs.append(f"{name}: removed incomplete or empty lines ({cut} bytes); lost steps are repeated")
            self._logs[name] = LineLog.open(self.path / name)

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.path.name

    def append(self, log: str, line: bytes) -> None:
        """Append a line to a log; raises OutputError if it cannot be written."""
        self._logs[log].write(escape_line_ends(line))

    def log_call(self, line: bytes) -> None:
        """Append a line to the call log."""
        self.append(CALLS, line)

    def take_back(self, log: str, offset: int, why: str) -> str:
        """Move the lines of a log from an offset on to `NAME.taken-back-N.jsonl`; return a line about it."""
        stem = log.partition(".")[0]
        names = (f"{stem}.taken-back-{number}.jsonl" for number in count(1))
        name = next(name for name in names if not (self.path / name).exists())
        with (self.path / log).open("r+b") as file:
            file.seek(offset)
            lines = file.readlines()
            with whole_file(self.path / name, lasting=True) as kept:
                kept.writelines(lines)
            file.truncate(offset)
        return f"{log}: {why}: its last {len(lines):,} lines were moved to {name} and are made again"

    def write_text(self, name: str, text: str, *, lasting: bool = False) -> None:
        """Write a text file as `write_whole` does."""
        write_whole(self.path / name, text, lasting=lasting)

    def sync(self) -> None:
        """Sync all logs to the disk, in the order in which they were opened: calls before what rests on them."""
        for log in self._logs.values():
            log.sync()

    def close(self) -> None:
        """Close the logs and release the lock."""
        for log in self._logs.values():
            log.close()
        self._lock.close()

    def discard(self, *names: str) -> None:
        """Close the folder; remove these files, the logs and the folders that its creation made.

        A folder with other files stays, as that of a user or of another run.
        """
        self.close()
        for name in (*names, *self._logs, LOCK):
            file = self.path / name
            with suppress(OSError):
                file.rmdir() if file.is_dir() else file.unlink()
        _remove_empty([self.path, *self._made])

    @contextmanager
    def discarded_on_failure(self, *names: str) -> Iterator[None]:
        """Discard the folder when the block, which makes these files, raises; an OSError becomes a RunError."""
        try:
            yield
        except OSError as error:
            self.discard(*names)
            raise unwritable(self.path, error) from None
        except BaseException:
            self.discard(*names)
            raise

    @contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """Close the folder when the block raises; an OSError becomes a RunError."""
        try:
            yield
        except OSError as error:
            self.close()
            raise unwritable(self.path, error) from None
        except BaseException:
            self.close()
            raise

    @classmethod
    def _claim(cls, path: Path, files: CreationFiles, made: list[Path]) -> LockedFolder | None:
        try:
            _make(path, made)
            if not files.only_begun(path):
                return None
            folder = cls(path, take_lock(path), _made=made)
        except (FileExistsError, RunError):  # a file, or another process was faster
            made[:] = [other for other in made if other != path]
            return None
        with ExitStack() as stack:
            stack.callback(folder.close)
            # Another process may have finished the folder between the first look and the lock.
            if files.only_begun(path):
                remove_halves(path)
                stack.pop_all()
                return folder
        return None


@contextmanager
def _removed_on_failure(path: Path, made: list[Path], *names: str) -> Iterator[None]:
    """When the block raises, remove the folders that it made, and these files of the first; OSError -> RunError.

    The first folder has these files alone unless another process has locked it meanwhile, which is a RunError.
    """
    try:
        yield
    except BaseException as error:
        for name in () if isinstance(error, RunError) else names:
            with suppress(OSError, IndexError):
                (made[0] / name).unlink()
        _remove_empty(made)
        if isinstance(error, OSError):
            raise unwritable(path, error) from None
        raise


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _make(path: Path, made: list[Path]) -> None:
    """Make a folder and its parents; put those that were missing before the others in `made`."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        _make(path.parent, made)
    made.insert(0, path)  # before it is made: an interruption may come in between
    try:
        path.mkdir()
    except FileExistsError:
        made.remove(path)
        if not path.is_dir():
            raise


def _make_next(parent: Path, made: list[Path]) -> Path:
    """Make the next of the folders `1`, `2`, ..., and put it before the others in `made`."""
    number = max((int(path.name) for path in parent.iterdir() if path.name.isdecimal()), default=0)
    while True:
        number += 1
        made.insert(0, path := parent / str(number))
        with suppress(FileExistsError):  # another process begins at the same time
            path.mkdir()
            return path
        made.remove(path)


def refuse_links(*paths: Path) -> None:
    """Raise RunError for a symbolic link, through which a folder of another user's could change any file."""
    if link := next((path for path in paths if path.is_symlink()), None):
        raise RunError(f"{link}: is a symbolic link, which is not written through; replace it by the file itself")


def check_id(wanted: str | None) -> None:
    """Raise RunError for an invalid id of a run."""
    if wanted is None:
        return
    if wanted == LATEST:
        raise RunError(f"--run-id: {LATEST!r} means the newest run; choose another id")
    try:
        safe_id(wanted)
    except ValueError as error:
        raise RunError(f"--run-id: {error}") from None


def _candidates(parent: Path, wanted_id: str | None, name: str) -> Iterator[Path]:
    if wanted_id is not None:
        yield parent / wanted_id
        return

    def numbered(number: int) -> Path:
        return parent / (name if number == 1 else f"{name}-{number}")

    # Halving finds a free number after a used one without a look at each of thousands; in a gap it may be an earlier
    # one. Names of other processes at the same time are passed over, as is each used one.
    used, free = 0, 1
    while os.path.lexists(numbered(free)):
        used, free = free, 2 * free
    while free - used > 1:
        middle = (used + free) // 2
        used, free = (middle, free) if os.path.lexists(numbered(middle)) else (used, middle)
    # The last used one first: its creation may have been interrupted.
    yield from map(numbered, count(max(used, 1)))


def unwritable(path: Path, error: OSError) -> RunError:
    """Build the error for a folder that cannot be written."""
    return RunError(f"{path}: cannot be written: {error.strerror}")
