"""A table of plain rows, for notebooks and data frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, overload

from scai_cli.display.numbers import cell
from scai_cli.display.report.html import cut, tag
from scai_cli.errors import ConfigError
from scai_cli.text.counts import counted

SHOWN: Final = 20
"""The maximal number of rows that a notebook or a terminal shows."""
_LONGEST: Final = 160
"""The maximal number of characters of a cell in a notebook."""

TableRow = dict[str, Any]


class Table(Sequence[TableRow]):
    """Rows as plain dicts with the same keys in the same order; a slice is a table, too.

    `to_pandas()` and `to_polars()` make data frames; a notebook shows the first rows.
    """

    __slots__ = ("_rows", "columns")

    def __init__(self, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
        self.columns: Final = tuple(columns)
        """The names of the columns, in order."""
        self._rows: Final = tuple({name: row[name] for name in self.columns} for row in rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[TableRow]:
        return iter(self._rows)

    @overload
    def __getitem__(self, at: int) -> TableRow: ...
    @overload
    def __getitem__(self, at: slice) -> Table: ...
    def __getitem__(self, at: int | slice) -> TableRow | Table:
        return Table(self.columns, self._rows[at]) if isinstance(at, slice) else self._rows[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and (self.columns, self._rows) == (other.columns, other._rows)

    __hash__ = None  # type: ignore[assignment]  # rows are dicts

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame; raises ConfigError if pandas is not installed."""
        return _library("pandas", "to_pandas").DataFrame.from_records(list(self._rows), columns=list(self.columns))

    def to_polars(self) -> Any:
        """Return a polars.DataFrame; raises ConfigError if polars is not installed."""
        # The types of all rows, as the first hundred of a column may be missing.
        return _library("polars", "to_polars").DataFrame(
            list(self._rows), schema=list(self.columns), infer_schema_length=None
        )

    def __repr__(self) -> str:
        from scai_cli.display.terminal.rows import rows_text

        return rows_text(self.columns, self._rows, SHOWN)

    def _repr_html_(self) -> str:
        head = tag("tr", (tag("th", name, scope="col") for name in self.columns))
        body = (tag("tr", (tag("td", cut(cell(value), _LONGEST)) for value in row.values())) for row in self[:SHOWN])
        more = f"and {len(self) - SHOWN:,} more of " if len(self) > SHOWN else ""
        below = tag("p", f"{more}{counted(len(self), 'row')}")
        return tag("div", tag("table", tag("thead", head), tag("tbody", body)), below).text


def _library(name: str, method: str) -> Any:
    """Import a library late: none of them is needed to read a run."""
    try:
        return import_module(name)
    except ImportError:
        raise ConfigError(f"{method}() needs {name}; install it with: pip install {name}") from None
