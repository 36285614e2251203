"""Write the files of an export so that all of them appear under their final names when all are complete, or none."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal

from scai_cli.datasets.export.provenance import Provenance
from scai_cli.datasets.export.row_writers import CsvRows, JsonLines, row_writer
from scai_cli.datasets.formats.format import ExportedFile, FileKind, Format, Row
from scai_cli.errors import ConfigError, cannot_write
from scai_cli.runs.jsonl import check_target, sha256

SIDE_CAR: Final = ".meta.jsonl"
MANIFEST: Final = "manifest.json"
"""The file that marks a folder as an export, which a later export may replace."""
STDOUT: Final = Path("-")
_BUFFER: Final = 2**19
"""Bytes per write: with the default of 8 kB nearly every row is a system call."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The target of an export: a file, a folder (`folder`), or `-` for stdout."""

    target: Path
    kind: FileKind = "jsonl"
    folder: bool = False
    guard: bool | None = None
    """Whether CSV cells are guarded; by default in a file, which people open, not in a trainer's folder."""

    @property
    def guards(self) -> bool:
        """Return whether CSV cells are guarded."""
        return not self.folder if self.guard is None else self.guard

    def check(self) -> None:
        """Raise ConfigError for a target that can never be written."""
        if self.folder:
            _check_folder(self.target)
        else:
            check_target(self.target)

    def provenance(self, form: Format) -> ProvenancePlace:
        """Return where the provenance of a format's rows is written."""
        if form.kind == "runs":
            return "none"
        if form.extra_columns or self.kind != "jsonl":
            return "column"
        return "none" if self.target == STDOUT else "beside"


ProvenancePlace = Literal["column", "beside", "none"]
"""A column, the same line of a side-car file, or nowhere."""


@dataclass
class RowFile:
    """A file of rows, with a side-car file of the same stem if the provenance goes beside the rows."""

    path: Path
    place: ProvenancePlace
    count: int = 0
    _files: list[BinaryIO] = field(default_factory=list)

    def open(self, destination: Destination, form: Format) -> None:
        """Create the file and its side-car."""
        self.rows = row_writer(destination.kind, form, self._opened(self.path), guards=destination.guards)
        self._beside = JsonLines(self._opened(self.path.with_suffix(SIDE_CAR))) if self.place == "beside" else None

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Write a row."""
        self.count += 1
        self.rows.write(row, provenance if self.place == "column" else None)
        if self._beside is not None:
            self._beside.add(provenance)

    def notes(self) -> Iterable[str]:
        """Return what readers must know of the cells of CSV."""
        return self.rows.notes() if isinstance(self.rows, CsvRows) else ()

    def finish(self) -> None:
        """Write everything still buffered."""
        self.rows.close()
        for file in self._files:
            file.close()

    def discard(self) -> None:
        """Close the file without flushing; buffered rows may be lost."""
        for file in self._files:
            with suppress(OSError):
                file.close()

    def _opened(self, path: Path) -> BinaryIO:
        if path == STDOUT:
            sys.stdout.flush()
            return sys.stdout.buffer
        file = path.open("wb", buffering=_BUFFER)
        self._files.append(file)
        return file


class OutputFiles:
    """Writes each row to the file of its split; the split "" is for rows that are not split.

    The files are written to a hidden folder beside the target and moved at the end. So a reader never sees half of an
    export, and an interrupted export leaves the earlier one unchanged.
    """

    def __init__(self, destination: Destination, form: Format) -> None:
        self._destination, self._form = destination, form
        target = destination.target
        self.folder = target.with_name(f".{target.name}.{os.getpid()}.part") / target.name
        self._files: dict[str, RowFile] = {}

    def create(self) -> None:
        """Create the hidden folder."""
        if self._destination.target != STDOUT:
            self.folder.parent.mkdir(parents=self._destination.folder)
            self.folder.mkdir()

    def expect(self, splits: Iterable[str]) -> None:
        """Open the files of these splits, so that each of them exists even without rows."""
        for split in splits:
            self._opened(split)

    def write(self, split: str, row: Row, provenance: Provenance | None) -> None:
        """Write a row to the file of its split."""
        (self._files.get(split) or self._opened(split)).write(row, provenance)

    def finish(self) -> tuple[ExportedFile, ...]:
        """Flush all files and return them, with digests if the target is a folder."""
        for file in self._files.values():
            file.finish()
        return tuple(
            ExportedFile(
                file.path.name,
                split or "train",
                file.count,
                sha256(file.path) if self._destination.folder else "",
                file.rows.columns,
                file.rows.longest,
            )
            for split, file in self._files.items()
        )

    def notes(self) -> tuple[str, ...]:
        """Return what readers must know of the cells, with the names of the files."""
        return tuple(f"{file.path.name}: {note}" for file in self._files.values() for note in file.notes())

    def publish(self) -> None:
        """Move all files to their final names."""
        target = self._destination.target
        if self._destination.folder:
            _replace_folder(self.folder, target)
        elif target != STDOUT:
            for path in sorted(self.folder.iterdir(), reverse=True):
                path.replace(target.with_name(path.name))

    def discard(self) -> None:
        """Remove all files that were not published."""
        for file in self._files.values():
            file.discard()
        try:
            shutil.rmtree(self.folder.parent, ignore_errors=True)
        finally:  # a signal may have interrupted it
            shutil.rmtree(self.folder.parent, ignore_errors=True)

    def _opened(self, split: str) -> RowFile:
        destination, target = self._destination, self._destination.target
        place, kind = destination.provenance(self._form), destination.kind
        if destination.folder:
            path = self.folder / f"{split or 'train'}.{kind}"
        elif target == STDOUT:
            path = target
        else:
            final = target.with_name(f"{target.stem}.{split}{target.suffix}") if split else target
            path = self.folder / final.name
            if final.exists() and not final.is_file():  # a pipe or a device is written to, not replaced
                path, place = final, "column" if place == "column" else "none"
        file = self._files[split] = RowFile(path, place)
        file.open(destination, self._form)
        return file


@contextmanager
def output_files(destination: Destination, form: Format) -> Iterator[OutputFiles]:
    """Open the files of an export, and remove unpublished ones at the end; raises ConfigError and OutputError."""
    target = destination.target
    destination.check()
    try:
        files = OutputFiles(destination, form)
        try:
            files.create()
            yield files
        finally:
            files.discard()
    except OSError as error:
        raise cannot_write(target, error) from error


def _check_folder(target: Path) -> None:
    if above := next((path for path in (target, *target.parents) if path.exists() and not path.is_dir()), None):
        raise ConfigError(f"{above}: is a file; name a new folder")
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise ConfigError(f"{target}: has files that are not part of an export; name a new folder")


def _replace_folder(folder: Path, target: Path) -> None:
    """Move a folder to its final name, replacing an earlier one; a half-written folder never has that name."""
    if not target.exists():
        folder.rename(target)
        return
    old = folder.with_name(f"{folder.name}.old")
    target.rename(old)
    try:
        folder.rename(target)
    except BaseException:
        old.rename(target)
        raise
