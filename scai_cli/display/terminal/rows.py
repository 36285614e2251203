"""A table of plain rows as text, in the columns that fit."""

import shutil
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

from rich.cells import cell_len, set_cell_size

from scai_cli.display.numbers import cell
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted

_WIDEST: Final = 28
"""The maximal width of a column."""
_NARROWEST: Final = 12
"""The minimal width of the last column, if its texts are longer and there is no space for them."""
_GAP: Final = "  "


def rows_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], most: int) -> str:
    """Return the first rows under the names of their columns; the last line names the columns that do not fit."""
    shown = [[one_line(cell(row[name])) for name in columns] for row in rows[:most]]
    width = shutil.get_terminal_size().columns
    room, fitting = width, []
    for n, name in enumerate(columns):
        needed = min(_WIDEST, max(cell_len(text) for text in (name, *(row[n] for row in shown))))
        if n and needed > room:
            if room < _NARROWEST:
                break
            needed = room
        room -= needed + len(_GAP)
        fitting.append(needed)
    lines = [
        _GAP.join(_fitted(text, size) for text, size in zip(each, fitting, strict=False)).rstrip()
        for each in (columns, *shown)
    ]
    more = f"{len(rows) - len(shown):,} more of " if len(rows) > len(shown) else ""
    hidden = ", ".join(columns[len(fitting) :])
    last = f"{more}{counted(len(rows), 'row')}{hidden and f'; not shown: {hidden}'}"
    return "\n".join([*lines, *wrap(last, max(20, width), break_long_words=False)])


def _fitted(text: str, width: int) -> str:
    """Return a text of exactly this width, with `…` at the end if it is cut."""
    return set_cell_size(text, width) if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
