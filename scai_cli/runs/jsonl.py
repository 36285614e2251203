"""Files of JSON lines: append line by line, and repair a last line that a crash cut short."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from scai_cli.errors import OutputError, RunError
from scai_cli.text.characters import clean

Decoded = TypeVar("Decoded")
_BLOCK: Final = 1 << 20


@dataclass(slots=True)
class LineLog:
    """An append-only file of lines. A written line survives a crash of this process.

    `jsonlines` writes a line in two pieces through a buffer: a crash would lose or tear a line reported as written.
    Here one unbuffered `write` with O_APPEND writes a whole line, and a failed write is undone.
    """

    path: Path
    file: BinaryIO

    @classmethod
    def open(cls, path: Path) -> LineLog:
        """Open for appending."""
        return cls(path, path.open("ab", buffering=0))

    def write(self, line: bytes) -> None:
        """Append one line; raises OutputError if it cannot be written, and then leaves no part of it."""
        start = os.fstat(self.file.fileno()).st_size
        data = memoryview(line + b"\n")
        try:
            while data:
                data = data[self.file.write(data) :]
        except OSError as error:
            os.ftruncate(self.file.fileno(), start)
            raise cannot_write(self.path, error) from error

    def sync(self) -> None:
        """Make all lines survive a power cut."""
        os.fsync(self.file.fileno())

    def close(self) -> None:
        """Sync and close."""
        if not self.file.closed:
            self.sync()
            self.file.close()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; empty if it is missing."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the complete lines of a file with their numbers; skip an incomplete last line."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield number, line
    except FileNotFoundError:
        return


def decoded(path: Path, decode: Callable[[bytes], Decoded]) -> Iterator[Decoded]:
    """Yield the decoded lines of a file without an incomplete last one; raises RunError for a damaged line."""
    for number, line in lines(path):
        try:
            yield decode(line)
        except (ValueError, msgspec.DecodeError):
            raise RunError(damaged(path, number)) from None


def lines_backwards(path: Path) -> Iterator[bytes]:
    """Yield the complete lines of a file in reverse order."""
    if not path.exists():
        return
    with path.open("rb") as file:
        at, begun, torn = file.seek(0, os.SEEK_END), b"", True
        while at > 0:
            start = max(0, at - _BLOCK)
            file.seek(start)
            begun, *whole = (file.read(at - start) + begun).split(b"\n")
            at = start
            for line in reversed(whole):
                if not torn:
                    yield line + b"\n"
                torn = False
        if not torn:
            yield begun + b"\n"


def mend(path: Path) -> int:
    """Remove an incomplete last line and return the number of bytes removed.

    A last line whose object is complete and lacks only the newline gets the newline instead.
    """
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = _last_line_end(file, size)
        file.seek(end)
        if _is_whole(file.read()):
            file.write(b"\n")
            return 0
        file.truncate(end)
    return size - end


def _is_whole(line: bytes) -> bool:
    """Return whether a line is a complete JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def damaged(path: Path, number: int) -> str:
    """Return the message about an unreadable line of a log."""
    return (
        f"{path}:{number}: this line is damaged (or another version of scai wrote it); "
        "restore the file from a copy, or run the experiment again"
    )


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Build the error for a failed write to a log."""
    return OutputError(
        f"{path}: cannot be written: {error.strerror}; free some disk space, then continue with `scai resume`"
    )


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces its target when the block ends; on OutputError the old file stays."""
    if target.exists() and not target.is_file():  # a pipe or a device is written to, not replaced
        with _translated(target), target.open("wb") as file:
            yield file
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with _translated(target):
            with beside.open("wb") as file:
                yield file
            beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def remove_halves(folder: Path, name: str = "*") -> None:
    """Remove the incomplete files that killed processes left in a folder, of all its files or of one."""
    for half in folder.glob(f".{name}.*.part"):
        with suppress(OSError):
            half.unlink()


@contextmanager
def _translated(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror}") from error


def write_whole(target: Path, text: str) -> None:
    """Write a text file atomically; raises OutputError and then leaves the old file."""
    with whole_file(target) as file:
        file.write(clean(text).encode())


def _last_line_end(file: BinaryIO, size: int) -> int:
    """Return the offset after the last complete line."""
    at = size
    while at > 0:
        start = max(0, at - _BLOCK)
        file.seek(start)
        end = file.read(at - start).rfind(b"\n")
        if end >= 0:
            return start + end + 1
        at = start
    return 0
