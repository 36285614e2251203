"""Who writes a folder: its lock, its id, and the place of a new one."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Final

from scai_cli.errors import RunError
from scai_cli.values import safe_id

LOCK: Final = ".lock"
LOOKS: Final = 5
LOOK_S: Final = 0.02
"""How often and how many seconds apart the lock is tried before the run is said to be in use."""
LATEST: Final = "latest"
"""Stands for the newest run, so no run is called so."""


def take_lock(path: Path) -> IO[str]:
    """The lock of a folder, held until it is closed; raises RunError when a living process holds it.

    The system gives the lock back when its process dies, so that no dead process can leave one behind.
    """
    lock = (path / LOCK).open("a+", encoding="utf-8")
    if not _locked(lock):
        lock.seek(0)
        holder = lock.read(20).strip()
        lock.close()
        raise RunError(f"run {path.name!r} is in use by process {holder or '?'}; wait for it or stop it")
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


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


@dataclass(frozen=True, slots=True)
class Birth:
    """How a folder becomes a run: files that a process makes `before` the one that makes it one, `by` which it is."""

    before: Collection[str]
    by: str

    def is_to_come(self, path: Path) -> bool:
        """Whether a folder holds nothing but files from before its birth, whole or half written."""
        return all(found.name in (LOCK, *self.before) or self._is_half(found) for found in path.iterdir())

    def clear(self, path: Path) -> None:
        """Remove the files that a process was killed in the middle of writing."""
        for found in filter(self._is_half, list(path.iterdir())):
            found.unlink()

    def _is_half(self, path: Path) -> bool:
        return path.name.startswith(tuple(f".{name}." for name in (*self.before, self.by)))


def claim(runs: Path, run_id: str | None, name: str, birth: Birth) -> tuple[Path, IO[str]] | None:
    """Make and lock the folder of a new run: at the wanted id, or at the first free of `name`, `name-2`, ...

    What a process left behind that was killed before the folder's birth is taken over. None if the wanted id is taken.
    """
    for path in _candidates(runs, run_id, name):
        try:
            path.mkdir(exist_ok=True)
            if not birth.is_to_come(path):
                continue
            lock = take_lock(path)
        except (FileExistsError, RunError):  # a file, or somebody else's by now
            continue
        if birth.is_to_come(path):
            birth.clear(path)
            return path, lock
        lock.close()
    return None


def _locked(lock: IO[str]) -> bool:
    """Take the lock; whoever only looks whether it is free (`is_locked`) holds it for a moment, and is waited for."""
    for _ in range(LOOKS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_S)
        else:
            return True
    return False


def check_id(run_id: str | None) -> None:
    """Raise RunError for an id that no run can have."""
    if run_id is None:
        return
    if run_id == LATEST:
        raise RunError(f"--run-id: {LATEST!r} stands for the newest run; take another")
    try:
        safe_id(run_id)
    except ValueError as error:
        raise RunError(f"--run-id: {error}") from None


def _candidates(runs: Path, run_id: str | None, name: str) -> Iterator[Path]:
    if run_id is not None:
        yield runs / run_id
        return
    yield from (runs / (name if number == 1 else f"{name}-{number}") for number in count(1))
