"""Plain lines: each line with text is a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scai_cli.populations.clean_text import one_line
from scai_cli.populations.drafts import PopulationFormat, TaskDraft
from scai_cli.populations.table_rows import Notify, TableRow, text


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the lines that are not blank."""
    with text(file, notify) as lines:
        filled = ((line_number, line) for line_number, line in enumerate(lines, 1) if line.strip())
        for number, (line_number, line) in enumerate(filled, 1):
            yield TableRow(number, line, line_number)


def drafts(row: Any) -> Iterator[TaskDraft]:
    """Turn the line into a task."""
    prompt = one_line(row, "the line")
    yield TaskDraft(key=prompt, prompt=prompt)


FORMAT: Final = PopulationFormat(rows, drafts, any_value=True)
