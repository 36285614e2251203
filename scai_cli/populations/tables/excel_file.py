"""Read the rows of Excel workbooks (.xlsx) through openpyxl, one row at a time and in bounded memory.

python-calamine is faster, but it keeps a sheet as a full rectangle: two cells far apart end the process.
"""

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.input_files import opened
from scai_cli.populations.tables.excel_archive import BoundedArchive, Place, merged_cells
from scai_cli.populations.tables.header import Line, has_text
from scai_cli.populations.tables.named_rows import named_rows
from scai_cli.populations.tables.row import Notify, TableRow

_INSTALL: Final = "needs openpyxl: pip install openpyxl"
_FAULTS: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, SyntaxError),  # SyntaxError: of XML
    *(KeyError, IndexError, ValueError, TypeError, AttributeError, OverflowError, NotImplementedError, RuntimeError),
)
"""What zipfile and openpyxl raise for a damaged file."""


def excel_rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the first sheet with a table as mappings by its header row; a line names the other sheets.

    A date is written 2026-03-01, a whole number without a point; of a formula, the stored result is read. Merged cells
    all have the value of the first. Cells with an error of Excel are empty, with a warning.
    """
    try:
        from openpyxl.reader.excel import ExcelReader
    except ImportError:
        raise ConfigError(f"{file}: Excel {_INSTALL}, or save it as CSV") from None
    warnings.filterwarnings("ignore", module=r"openpyxl\.")  # it warns of colours and filters that it leaves out
    with opened(Path(file)) as content:
        try:
            reader = ExcelReader(content, read_only=True, data_only=True, keep_links=False)
            reader.archive = BoundedArchive(file, content)
            reader.read()
            filled = [sheet for sheet in reader.wb.worksheets if sheet.sheet_state == "visible" and _has_table(sheet)]
            if not filled:
                raise ConfigError(f"{file}: has no sheet with text in two rows")
            if others := [sheet.title for sheet in filled[1:]]:
                names = ", ".join(f"{name[:40]!r}" for name in others[:10])
                notify(
                    f"{file}: read the sheet {filled[0].title[:40]!r} and not {names}; to read another, save it as CSV"
                )
            merged = merged_cells(file, reader.archive, filled[0]._worksheet_path)
            errors = _Errors()
            yield from named_rows(file, _lines(filled[0], merged, errors), notify, pad=True)
        except _FAULTS as error:
            reason = f"{type(error).__name__}: {error}".split("\n", 1)[0][:120]
            raise ConfigError(f"{file}: is a damaged Excel file ({reason}); save it again, or save it as CSV") from None
    if errors.count:
        notify(f"{file}: {errors.count:,} cells have errors of Excel ({errors.first}) and are taken as empty")


_MOST_ROWS: Final = 2**20
"""The rows of a sheet in Excel."""


class _Errors:
    count, first = 0, ""


def _has_table(sheet: Any) -> bool:
    sheet.reset_dimensions()  # some programs state wrong ones
    filled = (any(has_text(cell.value) for cell in row) for _, row in _numbered(sheet))
    rows = (row for row in filled if row)
    return next(rows, None) is not None and next(rows, None) is not None


def _numbered(sheet: Any) -> Iterator[tuple[int, Any]]:
    """Yield all rows with their numbers, also the empty ones, which openpyxl fills in; raises ValueError."""
    for number, row in enumerate(sheet.iter_rows(), 1):
        if number > _MOST_ROWS:
            raise ValueError(f"a row above {_MOST_ROWS:,}")
        yield number, row


def _lines(sheet: Any, merged: dict[Place, Place], errors: _Errors) -> Iterator[Line]:
    first_values: dict[Place, Any] = {}
    for number, row in _numbered(sheet):
        values = []
        for column, cell in enumerate(row, 1):
            if (first := merged.get((number, column))) is not None:
                values.append(_plain(first_values.setdefault(first, cell.value)))
            elif cell.data_type == "e":
                errors.count, errors.first = errors.count + 1, errors.first or str(cell.value)
                values.append(None)
            else:
                values.append(_plain(cell.value))
        yield Line(number, values)


def _plain(value: Any) -> Any:
    """Return the value of a cell as text, number or boolean."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, datetime):
        return str(value.date()) if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float) else str(value)
