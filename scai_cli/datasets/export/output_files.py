"""The files of an export: they appear under their names when all of them are whole, or none does."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal

from scai_cli.datasets.export.provenance import Provenance
from scai_cli.datasets.export.row_writers import FileKind, JsonLines, Row, Rows, rows_writer
from scai_cli.datasets.formats.export_record import ExportedFile
from scai_cli.errors import OutputError

SIDE_CAR: Final = ".meta.jsonl"
MANIFEST: Final = "manifest.json"
"""What tells a folder that scai made, and may replace."""

Tracing = Literal["column", "beside", "none"]
"""Where provenance goes: into a column, line by line into a file beside, or nowhere."""


@dataclass
class File:
    """A file of rows on its way: what stands in `part` is put under its `final` name in the end."""

    part: Path
    final: Path
    kind: FileKind
    tracing: Tracing
    count: int = 0
    _files: list[BinaryIO] = field(default_factory=list)

    def open(self) -> None:
        """Make it; what a failure leaves behind `discard` takes away."""
        self.rows: Rows = rows_writer(self.kind)(self._opened(self.part))
        self._beside = JsonLines(self._opened(self.part.with_suffix(SIDE_CAR))) if self.tracing == "beside" else None

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Take a row in."""
        self.count += 1
        if self._beside is None:
            self.rows.write(row, provenance if self.tracing == "column" else None)
        else:
            self.rows.write(row, None)
            self._beside.add(provenance)

    def finish(self) -> None:
        """Write what is held back."""
        self.rows.close()
        if self._beside is not None:
            self._beside.close()
        for file in self._files:
            file.close()

    def publish(self) -> None:
        """Put it, and what stands beside it, under its name."""
        if self.part == self.final:
            return
        if self._beside is not None:
            self.part.with_suffix(SIDE_CAR).replace(self.final.with_suffix(SIDE_CAR))
        self.part.replace(self.final)

    def discard(self) -> None:
        """Take it away, if it was not published."""
        for file in self._files:
            with suppress(OSError):
                file.close()
        if self.part != self.final:
            self.part.unlink(missing_ok=True)
            self.part.with_suffix(SIDE_CAR).unlink(missing_ok=True)

    def _opened(self, path: Path) -> BinaryIO:
        file = path.open("wb")
        self._files.append(file)
        return file


class Outputs:
    """Takes rows into the file of their split; "" is the split of rows that are not split."""

    def __init__(self, target: Path, kind: FileKind, tracing: Tracing, *, folder: bool) -> None:
        self._target, self._kind, self._tracing = target, kind, tracing
        self.folder = _beside(target) / target.name if folder else None
        self._files: dict[str, File] = {}
        if self.folder is not None:
            self.folder.mkdir(parents=True)

    def expect(self, splits: Iterable[str]) -> None:
        """Open the files of these splits, so that each is there even where no row comes."""
        for split in splits:
            self._opened(split)

    def write(self, split: str, row: Row, provenance: Provenance | None) -> None:
        """Take a row into the file of its split."""
        (self._files.get(split) or self._opened(split)).write(row, provenance)

    def finish(self) -> tuple[ExportedFile, ...]:
        """Write what is held back; the files as they are, with digests in a folder."""
        for file in self._files.values():
            file.finish()
        return tuple(
            ExportedFile(
                file.final.name,
                split or "train",
                file.count,
                _digest(file.part) if self.folder is not None else "",
                file.rows.columns,
                file.rows.longest,
            )
            for split, file in self._files.items()
        )

    def publish(self) -> None:
        """Put everything under its name."""
        if self.folder is not None:
            _put(self.folder, self._target)
        else:
            for file in self._files.values():
                file.publish()

    def discard(self) -> None:
        """Take away what was not published."""
        for file in self._files.values():
            file.discard()
        if self.folder is not None:
            shutil.rmtree(self.folder.parent, ignore_errors=True)

    def _opened(self, split: str) -> File:
        tracing = self._tracing
        if self.folder is not None:
            part = final = self.folder / f"{split or 'train'}.{self._kind}"
        else:
            target = self._target
            final = target.with_name(f"{target.stem}.{split}{target.suffix}") if split else target
            part = final.with_name(f".{final.stem}.{os.getpid()}.part{final.suffix}")
            if final.exists() and not final.is_file():  # a pipe or a device is written to, not replaced
                part, tracing = final, "column" if tracing == "column" else "none"
        file = self._files[split] = File(part, final, self._kind, tracing)
        file.open()
        return file


@contextmanager
def outputs(target: Path, kind: FileKind, tracing: Tracing, *, folder: bool) -> Iterator[Outputs]:
    """The files of an export; what was not published is taken away.

    Raises OutputError where the disk refuses, and for a folder that holds something else than an earlier export.
    """
    if folder:
        _check_folder(target)
    try:
        found = Outputs(target, kind, tracing, folder=folder)
        try:
            yield found
        finally:
            found.discard()
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error


def stdout_rows() -> Rows:
    """Rows to stdout, as JSON lines."""
    sys.stdout.flush()
    return JsonLines(sys.stdout.buffer)


def _check_folder(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: is a file; name a folder that is not there yet")
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise OutputError(f"{target}: holds other files than an export's; name a new folder")


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def _put(folder: Path, target: Path) -> None:
    """Put a folder in the place of another; there is no moment at which half of one stands there."""
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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
