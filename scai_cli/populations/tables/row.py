"""A row of a table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Notify = Callable[[str], None]
"""Reports a warning to the user."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: `number` counts from 1, `line` is its last line in a text file; with a `problem` it has no value."""

    number: int
    value: Any
    line: int | None = None
    problem: str | None = None
    file: str | None = None
    """The file of the row, if it is one of several."""


class DecimalCommaCells(dict[str, Any]):
    """The cells of a row by column, in a file that writes 0.8 as 0,8; the cells remain as they are written."""


def plain_number(text: str, cells: object) -> str:
    """Return the text of a number with a decimal point, if the cells write it with a comma."""
    whole, comma, decimals = text.strip().partition(",")
    if not isinstance(cells, DecimalCommaCells) or not comma or not decimals.isdigit():
        return text
    return f"{whole}.{decimals}" if whole.removeprefix("-").isdigit() else text
