"""Files of JSON lines: append line by line, and repair a last line that a crash cut short."""

from __future__ import annotations

import hashlib
import json
import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from scai_cli.errors import ConfigError, RunError, cannot_write
from scai_cli.text.characters import clean

Decoded = TypeVar("Decoded")
NUL: Final = b"\0"
"""JSON escapes it, so no line has it unless its data did not reach the disk."""
_BLOCK: Final = 1 << 20
_LONGEST: Final = 64 * 2**20
"""The longest line in bytes, about twice the longest response; memory contains no more of a damaged file."""


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
        log = cls(path, path.open("ab", buffering=0))
        sync_folder(path.parent)  # the file may be new
        return log

    def write(self, line: bytes) -> None:
        """Append one line; raises OutputError if it cannot be written, and then leaves no part of it."""
        data, written = line + b"\n", 0
        try:
            while written < len(data):
                written += self.file.write(data[written:] if written else data)
        except OSError as error:
            # No other process writes to the file, so what was written of the line is at its end.
            os.ftruncate(self.file.fileno(), os.fstat(self.file.fileno()).st_size - written)
            raise cannot_write(self.path, error) from error

    def sync(self) -> None:
        """Make all lines survive a power cut; raises OutputError."""
        with _translated(self.path):
            os.fsync(self.file.fileno())

    def close(self) -> None:
        """Sync and close."""
        if not self.file.closed:
            self.sync()
            self.file.close()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, on systems that can sync a folder."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; empty if it is missing."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lines(path: Path, at: int = 0, *, unended: bool = False) -> Iterator[tuple[int, int, bytes]]:
    """Yield the lines of a file from an offset on, with their numbers and offsets.

    Skips what cannot be a line of a log: a byte-order mark, blank lines, lines that are too long or have NUL, which
    stands for unwritten data, and an incomplete last line, unless `unended`.
    """
    number, line, sound = 1, b"", True
    with suppress(FileNotFoundError), path.open("rb") as file:
        at = at or len(BOM_UTF8) * (file.read(len(BOM_UTF8)) == BOM_UTF8)
        file.seek(at)
        while piece := file.readline(_BLOCK):
            sound = sound and NUL not in piece and len(line) + len(piece) <= _LONGEST
            line = line + piece if sound else b""
            at += len(piece)
            if piece.endswith(b"\n"):
                if line and not line.isspace():
                    yield number, at - len(line), line
                number, line, sound = number + 1, b"", True
        if unended and line:
            yield number, at - len(line), line


def decoded(path: Path, decode: Callable[[bytes], Decoded], skipped: int = 0) -> Iterator[Decoded]:
    """Yield the decoded lines of a file without an incomplete last one; raises RunError for a damaged line.

    The first `skipped` lines are not decoded.
    """
    for number, _, line in islice(lines(path), skipped, None):
        try:
            yield decode(line)
        except (ValueError, msgspec.DecodeError, RecursionError):  # which was no ValueError before msgspec 0.21
            raise RunError(damaged(path, number)) from None


def lines_backwards(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file in reverse order; skips what `lines` skips."""
    line, sound = b"", False  # what follows the last line end is incomplete
    with suppress(FileNotFoundError), path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        while at > 0:
            at, end = max(0, at - _BLOCK), at
            file.seek(at)
            for number, piece in enumerate(reversed(file.read(end - at).split(b"\n"))):
                if number:  # a line end precedes `line`
                    if line and not line.isspace():
                        yield line + b"\n"
                    line, sound = b"", True
                sound = sound and NUL not in piece and len(line) + len(piece) <= _LONGEST
                line = piece + line if sound else b""
        line = line.removeprefix(BOM_UTF8)
        if line and not line.isspace():
            yield line + b"\n"


def mend(path: Path) -> int:
    """Remove what a crash or a power cut damaged, the lines that `lines` skips, and return the number of bytes.

    A last line whose object is complete and lacks only the newline gets the newline instead.
    """
    if not path.exists():
        return 0
    sound, end, last = 0, 0, b"\n"
    for _, offset, line in lines(path, unended=True):
        if line.endswith(b"\n") or _is_object(line):
            sound, end, last = sound + len(line), offset + len(line), line
    size = path.stat().st_size
    if end < size or not last.endswith(b"\n"):
        with path.open("ab") as file:
            file.truncate(end)
            file.write(b"" if last.endswith(b"\n") else b"\n")
    if sound < end:
        with whole_file(path, lasting=True) as kept:
            kept.writelines(line for *_, line in lines(path))
    return size - sound


def _is_object(line: bytes) -> bool:
    """Return whether a line is a complete JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def damaged(path: Path, number: int) -> str:
    """Return the message about an unreadable line of a log."""
    return (
        f"{path}:{number}: this line is damaged (or another version of scai wrote it); "
        "restore the file from a copy, or start the work again"
    )


def check_target(target: Path) -> None:
    """Raise ConfigError for a file that can never be written: it is a folder, or its folder is missing.

    Commands call it before their work; `-` is stdout.
    """
    if str(target) == "-":
        return
    if target.is_dir():
        raise ConfigError(f"{target}: is a folder; name a file")
    if not target.parent.is_dir():
        is_file = os.path.lexists(target.parent)
        problem = "is not a folder; name" if is_file else "does not exist; create this folder, or name"
        raise ConfigError(f"{target}: {target.parent} {problem} another file")


@contextmanager
def whole_file(target: Path, *, lasting: bool = False) -> Iterator[BinaryIO]:
    """Open a file that replaces its target, `lasting` also through a power cut; on OutputError the old file stays."""
    if os.path.exists(target) and not target.is_file():  # a pipe or a device is written to, not replaced
        with _translated(target), target.open("wb") as file:
            yield file
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with _translated(target):
            beside.unlink(missing_ok=True)
            with beside.open("x+b") as file:  # a link of this name is not followed
                yield file
                if lasting:
                    file.flush()
                    os.fsync(file.fileno())
            beside.replace(target)
            if lasting:
                sync_folder(target.parent)
    finally:
        with suppress(OSError):  # there is none, or the file system cannot be written
            beside.unlink()


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
        raise cannot_write(target, error) from error


def write_whole(target: Path, text: str, *, lasting: bool = False) -> None:
    """Write a text file atomically, as `whole_file` does; raises OutputError and then leaves the old file."""
    with whole_file(target, lasting=lasting) as file:
        file.write(clean(text).encode())
