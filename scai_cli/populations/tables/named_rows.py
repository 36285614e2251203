"""Turn the lines of a table into rows by the names of its header."""

from collections.abc import Iterator
from itertools import chain, islice, takewhile
from typing import Any

from scai_cli.errors import ConfigError
from scai_cli.populations.tables.header import Header, Line, has_text, read_header
from scai_cli.populations.tables.row import DecimalCommaCells, Notify, TableRow

_AHEAD = 5


def named_rows(
    file: str, lines: Iterator[Line], notify: Notify, *, decimal_comma: bool = False, pad: bool = False
) -> Iterator[TableRow]:
    """Yield the rows below the header as mappings, without empty lines; `pad` fills rows with too few cells.

    A row with too few or too many cells has a problem. Raises ConfigError for a header that does not name the columns.
    """
    filled = (line for line in lines if line.problem or any(map(has_text, line.cells)))
    first = next(filled, None)
    if first is None:
        raise ConfigError(f"{file}: is empty")
    if first.problem:
        raise ConfigError.at(file, first.number, None, first.problem)
    ahead = list(islice(filled, _AHEAD))
    if titles := _titles([first, *ahead]):
        notify(f"{file}: left out {'1 line' if titles == 1 else f'{titles} lines'} above the header")
        first, *ahead = [*[first, *ahead][titles:], *islice(filled, titles)]
    header = read_header(file, first, ahead)
    if header.below:
        rows = "1 line" if header.below == 1 else f"{header.below} lines"
        notify(f"{file}: left out {rows} below the header: {header.what}")
    yield from _Rows(file, header, notify, DecimalCommaCells if decimal_comma else dict, pad).of(
        chain(ahead[header.below :], filled)
    )


def _titles(lines: list[Line]) -> int:
    """Return the number of lines above the header: comments, and a title as the only text of a line of a sheet."""
    comments = list(takewhile(_is_comment, lines))
    if comments and len(comments) < len(lines):
        return len(comments) if len(lines[len(comments)].cells) > 1 else 0
    first, below = lines[0], lines[1] if len(lines) > 1 else lines[0]
    filled = [str(cell) for cell in first.cells if has_text(cell)]
    is_sheet = len(first.cells) == len(below.cells) > 2 < sum(map(has_text, below.cells))
    return int(len(filled) == 1 and is_sheet and " " in filled[0].strip())


def _is_comment(line: Line) -> bool:
    filled = [str(cell) for cell in line.cells if has_text(cell)]
    return len(filled) == 1 and filled[0].lstrip("\ufeff").startswith("#")


class _Rows:
    def __init__(self, file: str, header: Header, notify: Notify, cells: type[dict[str, Any]], pad: bool) -> None:
        self.file, self.header, self.notify, self.kind, self.pad = file, header, notify, cells, pad
        self.nameless: set[int] = set()
        """The columns without a name that are reported."""

    def of(self, lines: Iterator[Line]) -> Iterator[TableRow]:
        number = repeated = 0
        for line in lines:
            if not line.problem and self._is_header(line):
                repeated += 1
                continue
            number += 1
            yield self._row(number, line)
        if repeated:
            self.notify(f"{self.file}: left out {repeated:,} lines that repeat the header")

    def _is_header(self, line: Line) -> bool:
        names = self.header.names
        same = len(line.cells) == len(names) > 1
        return same and all(
            " ".join(str(cell or "").split()) == name for cell, name in zip(line.cells, names, strict=True)
        )

    def _row(self, number: int, line: Line) -> TableRow:
        names, cells = self.header.names, list(line.cells)
        while len(cells) > len(names) and not has_text(cells[-1]):
            cells.pop()
        if self.pad:
            cells += [None] * (len(names) - len(cells))
        if line.problem or len(cells) != len(names):
            problem = line.problem or f"has {len(cells)} cells, the first row {len(names)}"
            return TableRow(number, None, line.number, problem)
        self._report_nameless(number, cells)
        named = {name: cell for name, cell in zip(names, cells, strict=True) if name}
        return TableRow(number, self.kind(named), line.number)

    def _report_nameless(self, number: int, cells: list[Any]) -> None:
        names = self.header.names
        filled = {n for n, name in enumerate(names, 1) if not name and has_text(cells[n - 1])}
        if number == 1 and len(filled) > len(names) - names.count(""):
            problem = (
                f"the first row must name the columns, and it names {len(names) - names.count('')} of {len(names)}"
            )
            raise ConfigError.at(self.file, self.header.line, None, problem)
        if 1 in filled and str(cells[0]).strip().isdigit():
            filled.remove(1)  # the row's number, as pandas writes it
        if new := sorted(filled - self.nameless):
            self.nameless.update(new)
            columns = "column" if len(new) == 1 else "columns"
            self.notify(f"{self.file}: left out {columns} {', '.join(map(str, new[:20]))}, which has no name")
