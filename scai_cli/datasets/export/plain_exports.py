"""Exports that know more than samples: system messages, and exporters of somebody else's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from scai_cli.datasets.export.output_files import outputs, stdout_rows
from scai_cli.datasets.export.row_writers import FileKind, json_line
from scai_cli.datasets.formats import system
from scai_cli.runs.history.history import History
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.jsonl import whole_file

Exporter = Callable[[History, Selection], Iterable[Mapping[str, Any]]]
"""A run and what is wanted of it -> rows."""

Style = Literal["text", "markdown", "json"]

_BY_SUFFIX: Final[Mapping[str, Style]] = {".md": "markdown", ".json": "json", ".jsonl": "json"}
_STDOUT: Final = Path("-")


def export_rows(
    exporter: Exporter, histories: Iterable[History], selection: Selection, to: tuple[Path, FileKind]
) -> int:
    """Write what an exporter makes of some runs, one after the other; the number of rows.

    Raises OutputError when the file cannot be written; then it is as it was.
    """
    target, kind = to
    rows = (row for history in histories for row in exporter(history, selection))
    count = 0
    if target == _STDOUT:
        out = stdout_rows()
        for row in rows:
            out.write(row, None)
            count += 1
        out.close()
        return count
    with outputs(target, kind, "none", folder=False) as files:
        files.expect([""])
        for row in rows:
            files.write("", row, None)
            count += 1
        files.finish()
        files.publish()
    return count


def export_systems(histories: Iterable[History], selection: Selection, target: Path, style: Style | None) -> int:
    """Write the system messages of some runs, by default as the file's name says, else as text; how many they are."""
    style = style or _BY_SUFFIX.get(target.suffix, "text")
    messages = (row for history in histories for row in system.rows(history, selection))
    if target == _STDOUT:
        sys.stdout.flush()
        return _write(messages, sys.stdout.buffer, style)
    with whole_file(target) as file:
        return _write(messages, file, style)


def _write(messages: Iterator[dict[str, Any]], file: BinaryIO, style: Style) -> int:
    count = 0
    for row in messages:
        if style == "json":
            file.write(f"{json_line(row)}\n".encode())
        else:
            text = (system.text if style == "text" else system.markdown)(row)
            file.write(f"\n{text}".encode() if count else text.encode())
        count += 1
    return count
