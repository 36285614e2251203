"""The transcripts of Anthropic's datasets (`Human:`, `Assistant:`): the first human message becomes a task.

The file is JSONL or JSON (the text alone, or under `prompt`, `transcript` or `chosen`), or a text file.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scai_cli.experiment.file_kinds import kind, plain_suffix
from scai_cli.populations.chat_rows import first_human
from scai_cli.populations.clean_text import BadRow, tidy
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PopulationFormat, TaskDraft
from scai_cli.populations.record import Record
from scai_cli.populations.table_rows import HUB, Notify, RecordLines, TableRow, text
from scai_cli.populations.table_rows import rows as any_rows

_KEYS: Final = ("prompt", "transcript", "chosen", "text", "instruction")
_START: Final = 1000
_TRANSCRIPT: Final = re.compile(r"(?:Human|H|User):\s")
_ANSWERS: Final = ("chosen", "rejected", "corrects", "incorrects", "text_correct", "text_incorrect")
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
        return _TRANSCRIPT.match(content.read(_START).lstrip("\ufeff \r\n")) is not None


def tasks(row: Record, _: ColumnMap | None) -> Iterator[TaskDraft]:
    """Make a task of the kind red-team from the first human message."""
    found = row.find(row.first(_KEYS) or "")
    if found is None:
        raise BadRow(f"has no text under {', '.join(_KEYS)}")
    key, whole = found
    if not isinstance(whole, str):
        raise BadRow(f"{key!r} is not text; import lists of messages with --as table")
    whole = whole.replace("\r\n", "\n").strip()
    prompt = tidy(first_human(_QUIZ.split(whole, maxsplit=1)[0]) or whole, "the first message")
    if not prompt:
        raise BadRow(f"has no text under {key!r}")
    row.take(key, "prompt" if prompt == whole else "prompt (the first human message)")
    row.leave_out_all({"answers": _ANSWERS})
    yield TaskDraft(key=prompt, prompt=prompt, kind="red-team")


TASKS: Final = PopulationFormat(tasks, rows=rows)
