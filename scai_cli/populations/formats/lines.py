"""Plain lines: each line with text is a task, or a persona with or without a name before a colon."""

from collections.abc import Iterator
from typing import Any, Final

from scai_cli.populations.clean_text import BadRow, one_line, sentence
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat, TaskDraft
from scai_cli.populations.table_rows import Notify, RecordLines, TableRow, text


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the lines that are not blank."""
    with text(file, notify) as content:
        lines = RecordLines(file, content)
        filled = ((lines.number, line) for line in lines if line.strip())
        for number, (line_number, line) in enumerate(filled, 1):
            lines.size = 0
            yield TableRow(number, line, line_number)


def people(row: Any) -> Iterator[PersonaDraft]:
    """Turn the words before the first colon into the name, and the others into the description."""
    first, _, rest = one_line(row, "the line").partition(": ")
    name, text = (first, rest) if rest else ("", first)
    if not text:
        raise BadRow("has no text")
    yield PersonaDraft(key=name or text, name=name, description=sentence(text[0].upper() + text[1:]))


def tasks(row: Any) -> Iterator[TaskDraft]:
    """Turn the line into a task."""
    prompt = one_line(row, "the line")
    yield TaskDraft(key=prompt, prompt=prompt)


PERSONAS: Final = PopulationFormat(people, any_value=True, rows=rows)
TASKS: Final = PopulationFormat(tasks, any_value=True, rows=rows)
