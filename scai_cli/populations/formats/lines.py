"""Plain lines: each line with text is a task, or a persona with or without a name before a colon."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.file_kinds import kind, plain_suffix
from scai_cli.populations.clean_text import BadRow, sentence
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat, TaskDraft
from scai_cli.populations.formats.line_marks import Lists, mark
from scai_cli.populations.record import Record
from scai_cli.populations.table_rows import Notify, RecordLines, TableRow, text
from scai_cli.populations.tables.csv_dialect import csv_dialect

_SAMPLE: Final = 50
"""The lines that are compared."""
_TABLE: Final = {".csv": 2, ".tsv": 2}
"""Ending of a file's name -> the fewest columns by which it is a table; 4 for others, which can be prose."""


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the lines that are not blank, without the numbers or bullets of a list."""
    if (found := kind(Path(file))) not in ("text", "empty"):
        raise ConfigError(f"{file}: is not a text of plain lines ({found}); use --as table")
    with text(file, lambda _: None) as content:
        if (columns := _columns(line for _, line in _lines(file, content))) >= _TABLE.get(plain_suffix(Path(file)), 4):
            raise ConfigError(f"{file}: is not a text of plain lines but a table of {columns} columns; use --as table")
    with text(file, notify) as content:
        lists = Lists.of(line for _, line in _lines(file, content))
    if lists.lines:
        notify(f"{file}: left out the numbers or bullets at the start of {lists.lines:,} lines")
    with text(file, lambda _: None) as content:
        yield from _rows(_lines(file, content), lists)


def _columns(lines: Iterable[str]) -> int:
    """Return the number of cells that each of the first lines has, separated without spaces; 1 if they differ."""
    sample = [line for line in islice(lines, _SAMPLE) if line.strip()]
    dialect = csv_dialect("".join(sample), whole=True)
    try:
        rows = [row for row in csv.reader(sample, delimiter=dialect.delimiter) if row]
    except csv.Error:
        return 1
    is_table = len(rows) > 1 and all(len(row) == dialect.columns for row in rows)
    return dialect.columns if is_table and not any(cell[:1] == " " for row in rows for cell in row[1:]) else 1


def _lines(file: str, content: IO[str]) -> Iterator[tuple[int, str]]:
    lines = RecordLines(file, content)
    for line in lines:
        lines.size = 0
        yield lines.number, line


def _rows(lines: Iterable[tuple[int, str]], lists: Lists) -> Iterator[TableRow]:
    block, inside, number = -1, False, 0
    for line_number, line in lines:
        if not line.strip():
            inside = False
            continue
        block, inside, number = block + (not inside), True, number + 1
        found = mark(line) if block in lists else None
        yield TableRow(number, line[found.length :] if found else line, line_number)


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
