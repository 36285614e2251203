"""Plain lines: each line with text is a task, or a persona with or without a name before a colon."""

from collections.abc import Iterator
from typing import Final

from scai_cli.populations.clean_text import BadRow, sentence
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat, TaskDraft
from scai_cli.populations.record import Record
from scai_cli.populations.table_rows import Notify, RecordLines, TableRow, text


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the lines that are not blank."""
    with text(file, notify) as content:
        lines = RecordLines(file, content)
        filled = ((lines.number, line) for line in lines if line.strip())
        for number, (line_number, line) in enumerate(filled, 1):
            lines.size = 0
            yield TableRow(number, line, line_number)


def people(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Turn the words before the first colon into the name, and the others into the description."""
    first, _colon, rest = row.line("text", "description").partition(": ")
    name, text = (first, rest) if rest else ("", first)
    if not text:
        raise BadRow("has no text")
    yield PersonaDraft(key=name or text, name=name, description=sentence(text[0].upper() + text[1:]))


def tasks(row: Record, _: ColumnMap | None) -> Iterator[TaskDraft]:
    """Turn the line into a task."""
    prompt = row.line("text", "prompt")
    yield TaskDraft(key=prompt, prompt=prompt)


PERSONAS: Final = PopulationFormat(people, rows=rows)
TASKS: Final = PopulationFormat(tasks, rows=rows)
