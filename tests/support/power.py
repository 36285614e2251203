"""A disk that notes each write, and shows what a power cut at any moment could have left of it.

    with Disk(folder) as disk:                     # what is there already is on the disk
        scai("run", ...)
    disk.after_cut(rng.randrange(len(disk.notes) + 1), rng, target)

It stands between Python and the system: files that are opened for writing, `fsync`, and changes of names. After a cut
each file has what was synced and any part of what was written later: a first part, a torn line, a tail or a hole of
NUL bytes. A name that was given, changed or removed is there once its folder was synced; of later changes to a folder,
any first part.
"""

from __future__ import annotations

import io
import os
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from unittest import mock

Change = Callable[[bytearray], None]


@dataclass(frozen=True)
class Note:
    """One step: a change to a file or to a folder's names, or (without any) that it was synced."""

    of: Literal["file", "folder"]
    key: Any
    """A file's number, or a folder's path."""
    write: tuple[int, bytes] | None = None
    cut: int | None = None
    name: str = ""
    number: int | None = None
    """The file that the name means now: None if the name is gone, -1 for a folder."""

    @property
    def is_sync(self) -> bool:
        return self.write is None and self.cut is None and not self.name


@dataclass
class Disk:
    """All steps under a folder, while it is entered; one at a time in a process."""

    root: Path
    notes: list[Note] = field(default_factory=list)
    _numbers: dict[Path, int] = field(default_factory=dict)
    _start: dict[int, bytes] = field(default_factory=dict)
    _patches: list[Any] = field(default_factory=list)

    def __enter__(self) -> Disk:
        for path in sorted(self.root.rglob("*")):
            self._number(path)
            if path.is_file():
                self._start[self._numbers[path]] = path.read_bytes()
        self._names = dict(self._numbers)
        for module, name in (
            (io, "open"),
            *((os, n) for n in ("fsync", "ftruncate", "replace", "rename", "unlink", "mkdir")),
        ):
            real = getattr(module, name)
            patch = mock.patch.object(module, name, self._noted(name, real))
            patch.start()
            self._patches.append(patch)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        while self._patches:
            self._patches.pop().stop()

    def _noted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        step = getattr(self, f"_{name}")

        def call(*arguments: Any, **options: Any) -> Any:
            return step(real, *arguments, **options)

        return call

    def _inside(self, path: Any) -> bool:
        return isinstance(path, str | Path) and self.root in Path(path).absolute().parents

    def _number(self, path: Path) -> int:
        return self._numbers.setdefault(path, len(self._numbers))

    def _named(self, path: Path, number: int | None) -> None:
        self.notes.append(Note("folder", path.parent, name=path.name, number=number))

    def _open(self, real: Any, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
        if not self._inside(file) or "b" not in mode or not set(mode) & set("wax+"):
            return real(file, mode, buffering, *rest, **options)
        path = Path(file).absolute()
        is_new = not path.exists()
        raw = _File(path, mode.replace("b", ""))
        if is_new:
            self._numbers[path] = max(self._numbers.values(), default=-1) + 1
            self._named(path, self._numbers[path])
        raw.disk, raw.number, raw.appends = self, self._numbers[path], "a" in mode
        if "w" in mode and not is_new:
            self.notes.append(Note("file", raw.number, cut=0))
        return raw if buffering == 0 else io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)

    def _fsync(self, real: Any, descriptor: int) -> None:
        real(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            self.notes.append(Note("folder", path))
        elif self._inside(path):
            self.notes.append(Note("file", self._numbers[path]))

    def _ftruncate(self, real: Any, descriptor: int, size: int) -> None:
        real(descriptor, size)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if self._inside(path):
            self.notes.append(Note("file", self._numbers[path], cut=size))

    def _replace(self, real: Any, source: Any, target: Any) -> None:
        real(source, target)
        if self._inside(target):
            source, target = Path(source).absolute(), Path(target).absolute()
            self._numbers[target] = number = self._numbers.pop(source)
            self._named(target, number)
            self._named(source, None)

    _rename = _replace

    def _unlink(self, real: Any, path: Any, **options: Any) -> None:
        real(path, **options)
        if self._inside(path):
            self._numbers.pop(Path(path).absolute(), None)
            self._named(Path(path).absolute(), None)

    def _mkdir(self, real: Any, path: Any, *rest: Any, **options: Any) -> None:
        real(path, *rest, **options)
        if self._inside(path):
            self._named(Path(path).absolute(), -1)

    def number_of(self, path: Path) -> int:
        """The number of the file that has this name now."""
        return self._numbers[path]

    def after_cut(self, moment: int, rng: random.Random, target: Path) -> None:
        """Write what a power cut after so many steps could have left to a folder."""
        files: dict[int, tuple[bytes, list[Note]]] = {n: (data, []) for n, data in self._start.items()}
        names = {path: -1 if number not in self._start else number for path, number in self._names.items()}
        waiting: dict[Path, list[Note]] = defaultdict(list)
        for note in self.notes[:moment]:
            if note.of == "file":
                synced, later = files.get(note.key, (b"", []))
                files[note.key] = (_changed(synced, later), []) if note.is_sync else (synced, [*later, note])
            elif note.is_sync:
                _rename(names, note.key, waiting.pop(note.key, []))
            else:
                waiting[note.key].append(note)
        for folder, later in waiting.items():
            _rename(names, folder, later[: rng.choice([0, len(later), rng.randint(0, len(later))])])
        target.mkdir(parents=True)
        for path, number in sorted(names.items()):
            place = target / path.relative_to(self.root)
            if not place.parent.is_dir():  # its folder has no name yet
                continue
            if number == -1:
                place.mkdir()
            else:
                place.write_bytes(_left(*files.get(number, (b"", [])), rng))


class _File(io.FileIO):
    """A file of a disk."""

    disk: Disk
    number: int
    appends: bool

    def write(self, data: Any) -> int:
        at = os.fstat(self.fileno()).st_size if self.appends else self.tell()
        count = super().write(data)
        self.disk.notes.append(Note("file", self.number, write=(at, bytes(data[:count]))))
        return count

    def truncate(self, size: int | None = None) -> int:
        size = super().truncate(size)
        self.disk.notes.append(Note("file", self.number, cut=size))
        return size


def _rename(names: dict[Path, int], folder: Path, notes: list[Note]) -> None:
    for note in notes:
        if note.number is None:
            names.pop(folder / note.name, None)
        else:
            names[folder / note.name] = note.number


def _changed(data: bytes, notes: list[Note]) -> bytes:
    changed = bytearray(data)
    for note in notes:
        if note.cut is not None:
            del changed[note.cut :]
        elif note.write is not None:
            at, written = note.write
            changed[at : at + len(written)] = written
    return bytes(changed)


def _left(synced: bytes, later: list[Note], rng: random.Random) -> bytes:
    """The synced content with any part of the later changes."""
    data = _changed(synced, later[: rng.choice([0, len(later), rng.randint(0, len(later))])])
    kind = rng.choice(["whole lines", "torn", "tail of NUL", "hole of NUL"])
    if kind == "whole lines" or len(data) <= len(synced):
        return data
    start = rng.randint(len(synced), len(data))
    if kind == "torn":
        return data[:start]
    end = len(data) if kind == "tail of NUL" else rng.randint(start, len(data))
    return data[:start] + bytes(end - start) + data[end:]
