"""Write rows as JSON lines, CSV, Parquet or text, with a column for provenance if wanted."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, Protocol

import jsonlines
import msgspec

from scai_cli.datasets.export.parquet import ParquetRows
from scai_cli.datasets.export.provenance import COLUMN, Provenance
from scai_cli.datasets.formats.format import FileKind, Format, Row
from scai_cli.errors import ConfigError
from scai_cli.text.characters import as_json, clean, json_bytes, visible
from scai_cli.text.counts import counted


class RowWriter(Protocol):
    """Writes rows to a file."""

    columns: tuple[str, ...] = ()
    """The columns of the first row."""
    longest: int = 0
    """Characters of the longest row as JSON, without its provenance."""

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Write a row, with its provenance as a column unless that is None."""

    def close(self) -> None:
        """Write everything still buffered; the file itself stays open."""
        return  # most writers buffer nothing


def row_writer(kind: FileKind, form: Format, file: BinaryIO, *, guards: bool = True) -> RowWriter:
    """Return the writer for a kind of file, with `guards` in CSV; raises ConfigError for Parquet without `pyarrow`."""
    if kind in form.texts:
        return TextRows(file, form.texts[kind])
    if kind == "csv":
        return CsvRows(file, form.csv_row, guards=guards)
    return ParquetRows(file, form.late_types) if kind == "parquet" else JsonLines(file)


class JsonLines(RowWriter):
    """Writes one JSON object per line, with the provenance last, as JSON text.

    `datasets` infers column types from the first 10 MB of a file, and refuses the file if a list that was empty or an
    epoch that was null up to there has a value later. JSON text avoids this.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._writer = jsonlines.Writer(file, dumps=json_bytes)

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Write a row."""
        if not self.columns:
            self.columns = (*row, COLUMN) if provenance is not None else tuple(row)
        line = as_json(row)
        if len(line) > self.longest:
            self.longest = max(self.longest, len(line.decode()))
        if provenance is not None:
            line = b"%b,%b:%b}" % (line[:-1], _COLUMN, _encode(_encode(provenance).decode()))
        self._writer.write(line)

    def add(self, value: Any) -> None:
        """Write any value as a line."""
        self._writer.write(value)


_encode: Final = msgspec.json.Encoder().encode
_COLUMN: Final = _encode(COLUMN)


class TextRows(RowWriter):
    """Writes rows as text for people, with an empty line between them and without provenance."""

    def __init__(self, file: BinaryIO, as_text: Callable[[Row], str]) -> None:
        self._file = file
        self._as_text = as_text

    def write(self, row: Row, provenance: Provenance | None) -> None:  # noqa: ARG002 - people read the text alone
        """Write a row."""
        text = visible(self._as_text(row))
        self._file.write(f"\n{text}".encode() if self.columns else text.encode())
        self.columns = tuple(row)


class CsvRows(RowWriter):
    """Writes a header and one record per row; nested values become JSON text.

    With `guards` no cell begins a formula and no control or hidden character is invisible; without them each text is
    written character for character (U+FFFD for a lone surrogate, which UTF-8 cannot encode).
    """

    def __init__(self, file: BinaryIO, as_row: Callable[[Row], Row] | None = None, *, guards: bool = True) -> None:
        self._file = file
        self._as_row = as_row
        self._guards = guards
        self._formulas = self._shown = 0
        self._buffer = io.StringIO(newline="")
        self._writer = csv.writer(self._buffer, lineterminator="\r\n")

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Write a row; raises ConfigError if its columns differ from those of the first row."""
        if self._as_row is not None:
            row = self._as_row(row)
        if provenance is not None:
            row = {**row, COLUMN: provenance}
        if not self.columns:
            self.columns = tuple(row)
            self._writer.writerow([self._cell(name) for name in self.columns])
        elif row.keys() != set(self.columns):
            raise ConfigError("CSV needs the same columns in every row, and rows of this format differ; write .jsonl")
        cells = {name: self._cell(row[name]) for name in self.columns}
        self._writer.writerow(cells.values())
        self.longest = max(self.longest, sum(len(str(cell)) for name, cell in cells.items() if name != COLUMN))
        self.close()

    def _cell(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return json.dumps(value) if isinstance(value, bool) else value
        if not isinstance(value, str):
            return json_bytes(value).decode()
        shown, text = visible(value), clean(value)
        guard = guarded(shown)
        self._formulas += guard != shown
        self._shown += shown != text
        return guard if self._guards else text

    def notes(self) -> Iterator[str]:
        """Yield how many cells a spreadsheet would run or not show, and the remedy."""
        formulas = counted(self._formulas, "cell begins", "cells begin") + " like a formula"
        shown = counted(self._shown, "cell has", "cells have") + " control or hidden characters or CR LF"
        if self._formulas and self._guards:
            yield f"{formulas}: an apostrophe precedes each; without it: --guard off"
        elif self._formulas:
            yield f"{formulas}, which a spreadsheet runs; with an apostrophe before each: --guard on"
        if self._shown and self._guards:
            yield f"{shown}, written as `␛`, `‹U+200B›` and LF; as they are: --guard off"

    def close(self) -> None:
        """Write everything still buffered."""
        self._file.write(self._buffer.getvalue().encode())
        self._buffer.seek(0)
        self._buffer.truncate()


_FORMULA: Final = re.compile(r"[\s\0]*[=+\-@\t\r＝＋－＠﹦﹢﹣﹫]")
"""The first characters of a cell that a spreadsheet would read as a formula."""
_GUARDED: Final = re.compile(f"'*{_FORMULA.pattern}")


def guarded(text: str) -> str:
    """Return a cell that no spreadsheet reads as a formula: an apostrophe precedes it, also before leading spaces.

    Another one precedes apostrophes before a formula, so that `unguarded` returns every text.
    """
    return f"'{text}" if _GUARDED.match(text) else text


def unguarded(cell: str) -> str:
    """Return the text of a guarded cell."""
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell, 1) else cell
