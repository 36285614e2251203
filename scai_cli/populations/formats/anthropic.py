"""The transcripts of Anthropic's datasets (`Human:`, `Assistant:`): the first human message becomes a task.

The file is JSONL or JSON (the text alone, or under `prompt`, `transcript` or `chosen`), or a text file.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scai_cli.experiment.file_kinds import kind, plain_suffix
from scai_cli.populations.clean_text import BadRow, tidy
from scai_cli.populations.drafts import PopulationFormat, TaskDraft
from scai_cli.populations.table_rows import HUB, Notify, RecordLines, TableRow, text
from scai_cli.populations.table_rows import rows as any_rows

_KEYS: Final = ("prompt", "transcript", "chosen", "text", "instruction")
_START: Final = 1000
_HUMAN: Final = re.compile(r"(?:^|\n)[^\S\n]*(?:Human|H|User):\s*")
_END: Final = re.compile(r"\n[^\S\n]*(?:(?:Human|H|User|Assistant|A):|\n[^\S\n]*\n)")
_QUIZ: Final = re.compile(r"\n[^\S\n]*\n(?:Please )?choose the (?:option|response) ", re.IGNORECASE)


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the rows of a file; split transcripts in plain text before each `Human:` after a blank line."""
    if file.startswith(HUB) or kind(Path(file)) != "text" or not _is_transcript(file):
        yield from any_rows(file, notify)
        return
    with text(file, notify) as content:
        parts = re.split(r"\n[ \t\r]*\n(?=Human:)", "".join(RecordLines(file, content)))
    for number, part in enumerate((part for part in parts if part.strip()), 1):
        yield TableRow(number, part)


def _is_transcript(file: str) -> bool:
    if plain_suffix(Path(file)) == ".txt":
        return True
    with text(file, lambda _: None) as content:
        return _HUMAN.match(content.read(_START).lstrip("\ufeff \r\n")) is not None


def drafts(row: Any) -> Iterator[TaskDraft]:
    """Make a task of the kind red-team from the first human message."""
    given = next((row[key] for key in _KEYS if row.get(key)), None) if isinstance(row, Mapping) else row
    whole = tidy(given, "the text")
    asked = _QUIZ.split(whole, maxsplit=1)[0]
    first = _HUMAN.search(asked)
    prompt = (first and _END.split(asked[first.end() :], maxsplit=1)[0].strip()) or whole
    if not prompt:
        raise BadRow(f"has no text under {', '.join(_KEYS)}")
    yield TaskDraft(key=prompt, prompt=prompt, kind="red-team")


TASKS: Final = PopulationFormat(drafts, any_value=True, rows=rows)
