"""Prompt files as Anthropic's data sets write them (`Human:`, `Assistant:`): the first message of the human.

JSONL or JSON rows with the text under `prompt`, `transcript` or `chosen` (or rows that are the text), or a text file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scai_cli.populations.clean_text import BadRow, tidy
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PopulationFormat, TaskDraft
from scai_cli.populations.table_rows import Say, TableRow, text
from scai_cli.populations.table_rows import rows as any_rows

_KEYS: Final = ("prompt", "transcript", "chosen", "text", "instruction")
_FIRST: Final = re.compile(
    r"(?:^|\n\s*)(?:Human|H|User):\s*(.+?)\s*(?=\n\s*(?:Human|H|User|Assistant|A):|\n\s*\n\s*\n|\Z)", re.DOTALL
)
_QUIZ: Final = re.compile(r"\n\s*\n(?:Please )?choose the (?:option|response) ", re.IGNORECASE)


def rows(file: str, say: Say) -> Iterator[TableRow]:
    """The rows of a file; a text file is cut before every `Human:` that follows a blank line."""
    if Path(file).suffix.lower() != ".txt":
        yield from any_rows(file, say)
        return
    with text(file, say) as content:
        parts = re.split(r"\n\s*\n(?=Human:)", content.read())
    for number, part in enumerate((part for part in parts if part.strip()), 1):
        yield TableRow(number, part)


def drafts(row: Any, _: ColumnMap | None) -> Iterator[TaskDraft]:
    """The first message of the human as a task of the kind red-team."""
    given = next((row[key] for key in _KEYS if row.get(key)), None) if isinstance(row, Mapping) else row
    whole = tidy(given, "the text")
    said = _FIRST.search(_QUIZ.split(whole, maxsplit=1)[0])
    prompt = (said[1] if said else whole).strip()
    if not prompt:
        raise BadRow(f"has no text under {', '.join(_KEYS)}")
    yield TaskDraft(key=prompt, prompt=prompt, kind="red-team")


FORMAT: Final = PopulationFormat(rows, drafts)
