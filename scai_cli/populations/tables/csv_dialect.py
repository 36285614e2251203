"""Find out how a CSV file separates its cells, from a sample of its rows."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scai_cli.experiment.scalars import number

_DELIMITERS: Final = (",", ";", "\t", "|")
_SEP_LINE: Final = re.compile(r"""\ufeff?"?sep=(.)"?[,;\t]*\s*""", re.IGNORECASE)
_MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """The delimiter of a file, whether a space follows each of them, and whether its first line is Excel's `sep=`."""

    delimiter: str
    spaced: bool = False
    has_sep_line: bool = False
    columns: int = 1
    """The number of cells of the first row."""


def csv_dialect(sample: str, *, whole: bool) -> CsvDialect:
    """Return the dialect by which most rows of a sample have as many cells as its first row.

    `sample` ends at the end of a line; without `whole`, its last row can be cut. Delimiters in quotes do not count.
    """
    lines = list(io.StringIO(sample, newline=""))
    if sep := _SEP_LINE.fullmatch(lines[0]) if lines else None:
        width = len((_rows(lines[1:], sep[1], whole=whole) or [[""]])[0])
        return CsvDialect(sep[1], has_sep_line=True, columns=width)
    while len(lines) > 1 and lines[0].lstrip("\ufeff").startswith("#"):
        del lines[0]  # perhaps a comment above the header, which has fewer cells
    best, most = CsvDialect(","), (0.0, 0.0, 0)
    for delimiter in _DELIMITERS:
        rows = _rows(lines, delimiter, whole=whole)
        if not rows or len(rows[0]) < 2:
            continue
        equal = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        cells = [cell for row in rows for cell in row[1:]]
        prose = sum(cell[:1] == " " and cell[1:2] != '"' for cell in cells) / max(1, len(cells))
        if (score := (equal, -prose, len(rows[0]))) > most:
            spaced = all(cell.startswith(" ") for cell in rows[0][1:])
            best, most = CsvDialect(delimiter, spaced, columns=len(rows[0])), score
    return best if best.columns > 1 else _by_spaces(_rows(lines, " ", whole=whole)) or best


def _by_spaces(rows: list[list[str]]) -> CsvDialect | None:
    """Return the dialect of columns between spaces: three or more, equally many in each row, and mostly numbers."""
    cells = [[cell for cell in row if cell] for row in rows]
    if len(cells) < 2 or len(cells[0]) < 3 or any(len(row) != len(cells[0]) for row in cells):
        return None
    values = [cell for row in cells[1:] for cell in row]
    numbers = sum(number(cell) is not None for cell in values)
    return CsvDialect(" ", spaced=True, columns=len(cells[0])) if 2 * numbers > len(values) else None


def _rows(lines: Iterable[str], delimiter: str, *, whole: bool) -> list[list[str]]:
    """Return the first rows with text; without `whole`, the last one is left out."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) > _MOST_ROWS:
                break
    except csv.Error:  # the file's own reader reports it with its line
        return rows
    return rows if whole or len(rows) < 2 else rows[:-1]
