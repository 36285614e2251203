"""A generated set as its writer sees it: a folder of rows with their calls, which is no run.

`rows.jsonl` grows line by line in the order of the rows, so that the number of its lines says where to go on;
`tasks.jsonl` and `experiment.yaml` are what it is made from, `generation.yaml` is its birth certificate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from scai_cli.errors import RunError
from scai_cli.messages import clean
from scai_cli.runs.jsonl import LineLog, lines, mend, one_line, whole_file, write_whole
from scai_cli.runs.locks import LOCK, Birth, check_id, claim, take_lock
from scai_cli.runs.run_directory import CALLS

GENERATION: Final = "generation.yaml"
EXPERIMENT: Final = "experiment.yaml"
ROWS: Final = "rows.jsonl"
TASKS: Final = "tasks.jsonl"

_BIRTH: Final = Birth(before=(TASKS, EXPERIMENT), by=GENERATION)
_SYNC_EVERY: Final = 256
"""Rows that a power cut may cost."""
_WHOLE: Final = b'"problem":null}\n'


@dataclass(slots=True)
class GeneratedDirectory:
    """A generated set that this process writes and holds the lock of."""

    path: Path
    written: int = 0
    """Rows that are there."""
    problems: int = 0
    """Rows that were there when the set was taken up again and tell of a problem."""
    mended: dict[str, int] = field(default_factory=dict)
    """File -> bytes of a torn last line that were cut off when the set was taken up again."""
    _rows: LineLog | None = None
    _calls: LineLog | None = None
    _lock: IO[str] | None = None

    @classmethod
    def create(cls, runs: Path, run_id: str | None, name: str) -> GeneratedDirectory:
        """Make and lock the folder of a new set; without `run_id`, the first free of `name`, `name-2`, ...

        It is no set before `bear` has been called. Raises RunError when the id is taken or nothing can be written.
        """
        check_id(run_id)
        try:
            runs.mkdir(parents=True, exist_ok=True)
            claimed = claim(runs, run_id, name, _BIRTH)
        except OSError as error:
            raise RunError(f"{runs}: a generated set cannot be written there: {error.strerror}") from None
        if claimed is None:
            raise RunError(f"there is something called {run_id!r} in {runs} already; take another --run-id")
        return cls(claimed[0], _lock=claimed[1])

    @classmethod
    def reopen(cls, path: Path) -> GeneratedDirectory:
        """Lock an unfinished set and mend it: torn last lines are cut off, and the rows are counted.

        Raises RunError when it is in use or a row inside it is missing.
        """
        found = cls(path)
        try:
            found._lock = take_lock(path)
            with found._closed_on_failure():
                for name in (ROWS, CALLS):
                    if cut := mend(path / name):
                        found.mended[name] = cut
                found.written, found.problems = _count(path / ROWS)
                found._open()
        except OSError as error:
            raise RunError(f"{path}: the generated set cannot be written: {error.strerror}") from None
        return found

    @property
    def run_id(self) -> str:
        """The directory's name."""
        return self.path.name

    def write_tasks(self, tasks: Iterable[bytes]) -> int:
        """Keep the tasks that the rows are about, one JSON object each; how many they are."""
        count = 0
        with whole_file(self.path / TASKS) as file:
            for count, task in enumerate(tasks, 1):  # noqa: B007
                file.write(one_line(task) + b"\n")
        return count

    def tasks_digest(self) -> str:
        """SHA-256 of the tasks as they are now; empty where the file is gone."""
        try:
            with (self.path / TASKS).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return ""

    @contextmanager
    def traceless_on_failure(self) -> Iterator[None]:
        """While entered, a failure gives back the lock, and takes away what is there of a set that is not born yet."""
        try:
            yield
        except BaseException:
            self.close()
            if not (self.path / GENERATION).exists():
                for name in (*_BIRTH.before, LOCK):
                    (self.path / name).unlink(missing_ok=True)
                with suppress(OSError):  # somebody has put something there
                    self.path.rmdir()
            raise

    def bear(self, experiment: str, generation: str) -> None:
        """Write what makes the folder a generated set, and open it for rows."""
        write_whole(self.path / EXPERIMENT, experiment)
        write_whole(self.path / GENERATION, generation)
        self._open()

    def write_row(self, line: bytes) -> None:
        """Append the next row; raises OutputError when the disk refuses it."""
        assert self._rows is not None
        self._rows.write(one_line(line))
        self.written += 1
        if self.written % _SYNC_EVERY == 0:
            self.sync()

    def log_call(self, line: bytes) -> None:
        """Write a line of the call log."""
        assert self._calls is not None
        self._calls.write(one_line(line))

    def write_text(self, name: str, text: str) -> None:
        """Write a file for people, whole or not at all."""
        write_whole(self.path / name, clean(text))

    def sync(self) -> None:
        """Make all that was written survive a power cut; the calls before the rows that rest on them."""
        for log in (self._calls, self._rows):
            if log is not None:
                log.sync()

    def close(self) -> None:
        """Close the files and give back the lock."""
        for log in (self._calls, self._rows):
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

    def _open(self) -> None:
        self._calls = LineLog.open(self.path / CALLS)
        self._rows = LineLog.open(self.path / ROWS)


def _count(path: Path) -> tuple[int, int]:
    """The number of rows, and of those with a problem; raises RunError when the last is not the one that belongs there.

    A row's last key is its problem; quotes inside a text are escaped, so that no text ends like it.
    """
    number, whole, last = 0, 0, b""
    for number, last in lines(path):  # noqa: B007
        whole += last.endswith(_WHOLE)
    if number and not last.startswith(f'{{"id":"r{number - 1}",'.encode()):
        raise RunError(
            f"{path}:{number}: row r{number - 1} belongs here and is not; restore the file from a copy, or delete what "
            "follows the last row in order"
        )
    return number, number - whole
