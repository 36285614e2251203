"""A folder that holds nothing but a call log: for work on a run that has ended, beside the run's own files."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scai_cli.errors import RunError
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.jsonl import LineLog, mend, one_line
from scai_cli.runs.locks import LOCK
from scai_cli.runs.run_directory import CALLS


@dataclass(slots=True)
class CallJournal:
    """A locked call log with what it holds already."""

    path: Path
    index: CallIndex
    _log: LineLog
    _lock: IO[str]

    @classmethod
    def open(cls, path: Path) -> CallJournal:
        """Make or take up the folder; raises RunError when it is in use, damaged or cannot be written."""
        try:
            path.mkdir(exist_ok=True)
            lock = (path / LOCK).open("a", encoding="utf-8")
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mend(path / CALLS)
            return cls(path, CallIndex.read(path / CALLS, {}), LineLog.open(path / CALLS), lock)
        except BlockingIOError:
            lock.close()
            raise RunError(f"{path}: is in use by another process; wait for it or stop it") from None
        except BaseException:
            lock.close()
            raise

    def write(self, line: bytes) -> None:
        """Append a line of the call log."""
        self._log.write(one_line(line))

    def close(self) -> None:
        """Close the files and give back the lock."""
        self.index.close()
        self._log.close()
        self._lock.close()
