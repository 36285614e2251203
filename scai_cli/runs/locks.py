"""The lock of a folder that only one process writes at a time."""

import os
import time
from pathlib import Path
from typing import IO, Any, Final

from scai_cli.errors import RunError

LOCK: Final = ".lock"
_ATTEMPTS: Final = 5
_ATTEMPT_S: Final = 0.01
"""The number of attempts to take a lock, and the seconds between two attempts."""


def take_lock(folder: Path) -> IO[str]:
    """Lock a folder and return the open lock file; closing it releases the lock.

    The file contains the id of this process. The system releases the lock of a process that dies. Raises RunError if
    another process holds the lock, and OSError if the file is a symbolic link, on systems that can say so.
    """
    file = open(folder / LOCK, "a+", encoding="utf-8", opener=_open_no_link)  # noqa: SIM115
    try:
        if not try_lock(file):
            raise RunError(f"{folder}: in use by process {_holder(file)}; wait until it ends, or stop it")
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def is_locked(folder: Path) -> bool:
    """Return whether a live process has locked the folder."""
    try:
        with (folder / LOCK).open(encoding="utf-8") as file:
            return not try_lock(file)
    except OSError:
        return False


def try_lock(file: IO[Any]) -> bool:
    """Lock an open file until it is closed; return False if another process holds the lock."""
    from filelock import lock_descriptor  # 10 ms, which most commands can save

    for attempt in range(_ATTEMPTS):
        # `is_locked` takes the lock for an instant, so one refusal does not mean that a process writes the folder.
        if attempt:
            time.sleep(_ATTEMPT_S)
        if lock_descriptor(file.fileno(), blocking=False):
            return True
    return False


def _open_no_link(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        return file.read(20).strip() or "?"
    except OSError:  # Windows lets nobody read what is locked
        return "?"
