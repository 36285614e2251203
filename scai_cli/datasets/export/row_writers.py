"""Rows on their way into files: as JSON lines, CSV or Parquet, each with its provenance in a column if wanted."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, Literal, Protocol

import msgspec

from scai_cli.datasets.export.parquet import ParquetRows
from scai_cli.datasets.export.provenance import COLUMN, Provenance
from scai_cli.errors import ConfigError
from scai_cli.messages import clean

_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What JSON leaves as it is, though terminals obey it or readers of lines break at it."""
_UNSAFE_BYTES: Final = re.compile(b"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
"""The same in UTF-8."""

FileKind = Literal["jsonl", "csv", "parquet"]

Row = Mapping[str, Any]


class Rows(Protocol):
    """Takes rows into a file."""

    columns: tuple[str, ...]
    """The keys of the first row."""
    longest: int
    """Characters of the longest row as JSON, without its provenance."""

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Take a row in, with its provenance as a column unless it is None."""

    def close(self) -> None:
        """Write what is still held back; the file itself stays open."""


def rows_writer(kind: FileKind) -> Callable[[BinaryIO], Rows]:
    """How rows are written to a file of that kind."""
    if kind == "csv":
        return CsvRows
    return ParquetRows if kind == "parquet" else JsonLines


def json_line(value: Any) -> str:
    """Any value as JSON that every reader takes for one line and that no terminal obeys."""
    text = clean(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class JsonLines:
    """One row a line, as `json_line` writes them; provenance comes last.

    It is JSON text: `datasets` takes the types of columns from the first 10 MB of a file, and refuses it if a list that
    was empty or an epoch that was null up to there is no longer so.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.columns: tuple[str, ...] = ()
        self.longest = 0
        self._file = file
        self._held: list[bytes] = []

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Take a row in."""
        if not self.columns:
            self.columns = (*row, COLUMN) if provenance is not None else tuple(row)
        line = as_json(row)
        if len(line) > self.longest:
            self.longest = max(self.longest, len(line.decode()))
        if provenance is not None:
            line = b"%b,%b:%b}" % (line[:-1], _COLUMN, _encode(_encode(provenance).decode()))
        self._hold(line)

    def add(self, value: Any) -> None:
        """Take any value in as a line."""
        self._hold(as_json(value))

    def _hold(self, line: bytes) -> None:
        self._held.append(line)
        if len(self._held) >= _HELD:
            self.close()

    def close(self) -> None:
        """Write what is held back."""
        self._held.append(b"")
        data = b"\n".join(self._held)
        self._held.clear()
        if not data.isascii() or b"\x7f" in data:
            data = _UNSAFE_BYTES.sub(lambda found: f"\\u{ord(found[0].decode()):04x}".encode(), data)
        self._file.write(data)


def as_json(value: Any) -> bytes:
    """A value as JSON; what msgspec cannot write, e.g. a lone surrogate, is cleaned."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
        return json_line(value).encode()


_encode: Final = msgspec.json.Encoder().encode
_COLUMN: Final = _encode(COLUMN)

_HELD: Final = 256
"""So many rows are written at once."""


class CsvRows:
    """A header and one row a record, quoted where needed; nested values are JSON text, no cell begins a formula."""

    def __init__(self, file: BinaryIO) -> None:
        self.columns: tuple[str, ...] = ()
        self.longest = 0
        self._file = file
        self._buffer = io.StringIO(newline="")
        self._writer = csv.writer(self._buffer, lineterminator="\r\n")

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Take a row in; raises ConfigError for one that lacks columns of the first one or has others."""
        if provenance is not None:
            row = {**row, COLUMN: provenance}
        if not self.columns:
            self.columns = tuple(row)
            self._writer.writerow([guarded(name) for name in self.columns])
        elif row.keys() != set(self.columns):
            raise ConfigError("rows of this format differ in their columns, which CSV cannot hold; write .jsonl")
        cells = {name: self._cell(row[name]) for name in self.columns}
        self._writer.writerow(cells.values())
        self.longest = max(self.longest, sum(len(str(cell)) for name, cell in cells.items() if name != COLUMN))
        self.close()

    def _cell(self, value: Any) -> Any:
        if isinstance(value, str):
            return guarded(clean(value))
        if value is None or isinstance(value, bool | int | float):
            return json.dumps(value) if isinstance(value, bool) else value
        return guarded(as_json(value).decode())

    def close(self) -> None:
        """Write what is held back."""
        self._file.write(self._buffer.getvalue().encode())
        self._buffer.seek(0)
        self._buffer.truncate()


_FORMULA: Final = re.compile(r"[\s\0]*[=+\-@\t\r]")


def guarded(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: with an apostrophe before what it would (also after spaces)."""
    return f"'{text}" if _FORMULA.match(text) else text
