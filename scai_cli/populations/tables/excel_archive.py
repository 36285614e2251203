"""Bound the unpacking of workbooks, and find merged cells and formulas without results, which openpyxl passes over."""

import re
import zipfile
from typing import IO, Any, Final

from scai_cli.errors import ConfigError

_LARGEST_PART: Final = 512 * 2**20
"""The most bytes of XML of a sheet."""
_LARGEST_PIECE: Final = 8 * 2**20
"""The most bytes between two rows or texts, and of a part that is read as a whole."""
_MOST_TAGS: Final = 100_000
"""The most tags between two rows, of which a row of Excel's 16,384 columns has 80,000."""
_MOST_ROWS: Final = 2_000_000
"""The most rows of a sheet, or texts of a workbook."""
_MOST_MERGED: Final = 200_000
_BLOCK: Final = 2**16
_OVERLAP: Final = 2**14
"""More than the longest formula."""

_ROW: Final = re.compile(rb"<(?:\w+:)?(?:row|si)[\s/>]")
_FORMULA: Final = re.compile(
    rb"<(?:\w+:)?c\b([^<>]*)>\s*(?:<(?:\w+:)?f\b[^<>]*/>|<(?:\w+:)?f\b[^<>]*>[^<]*</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""A cell with a formula and no result; with `t="str"`, its result is the empty text."""
_MERGED: Final = re.compile(rb"""<(?:\w+:)?mergeCell\s[^<>]*?ref=["']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["']""")

Place = tuple[int, int]
"""Row and column, counted from 1."""


class BoundedArchive(zipfile.ZipFile):
    """The parts of a workbook; reading raises ConfigError where they would unpack to more than a bound."""

    def __init__(self, file: str, content: IO[bytes]) -> None:
        super().__init__(content)
        self._file = file

    def open(self, name: Any, mode: Any = "r", *args: Any, **options: Any) -> Any:
        """Open a part, bounded."""
        return _Part(self._file, super().open(name, mode, *args, **options))


class _Part:
    """A part of a workbook that counts the bytes and tags since the last row."""

    def __init__(self, file: str, part: IO[bytes]) -> None:
        self._file, self._part = file, part
        self._size = self._piece = self._tags = self._rows = 0

    def __enter__(self) -> "_Part":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._part.close()

    def read(self, size: int = -1) -> bytes:
        whole = size is None or size < 0
        data = self._part.read(_LARGEST_PIECE + 1 if whole else size)
        rows = [] if whole else [found.start() for found in _ROW.finditer(data)]
        if rows:
            self._piece = self._tags = 0
            self._rows += len(rows)
        self._size += len(data)
        self._piece += len(data)
        self._tags += data.count(b"<")
        too_much = self._piece > _LARGEST_PIECE or self._tags > _MOST_TAGS * (1 + whole)
        if too_much or self._size > _LARGEST_PART or self._rows > _MOST_ROWS:
            raise ConfigError(f"{self._file}: unpacks to too much; save it as CSV")
        if b"!DOCTYPE" in data:  # its entities can multiply
            raise ConfigError(f"{self._file}: declares a document type, as Excel never does; save it as CSV")
        return data


def merged_cells(file: str, archive: BoundedArchive, name: str) -> dict[Place, Place]:
    """Return the merged cells of a sheet, each with the first of its range.

    Raises ConfigError for a sheet with formulas whose results are not stored.
    """
    merged: dict[Place, Place] = {}
    with archive.open(name) as part:
        tail = b""
        while block := part.read(_BLOCK):
            data = tail + block
            if any(b't="str"' not in found[1] for found in _FORMULA.finditer(data)):
                problem = "has formulas whose results are not stored; open it in Excel or LibreOffice and save it there"
                raise ConfigError(f"{file}: {problem}")
            for left, top, right, bottom in _MERGED.findall(data):
                rows, columns = range(int(top), int(bottom) + 1), range(_column(left), _column(right) + 1)
                if len(rows) * len(columns) + len(merged) > _MOST_MERGED:
                    raise ConfigError(f"{file}: has more than {_MOST_MERGED:,} merged cells; save it as CSV")
                merged.update(((row, column), (rows[0], columns[0])) for row in rows for column in columns)
            tail = data[-_OVERLAP:]
    return merged


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
