"""Rows on their way out: streamed to stdout, or to a file that appears complete or not at all."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import jsonlines

from scai_cli import plugins
from scai_cli.chat import clean
from scai_cli.exporters import system
from scai_cli.history import History
from scai_cli.selection import Selection
from scai_cli.store import whole_file

Style = Literal["text", "markdown", "json"]

_BY_SUFFIX: Final[Mapping[str, Style]] = {".md": "markdown", ".json": "json", ".jsonl": "json"}

_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What JSON leaves as it is, though terminals obey it or readers of lines break at it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go; `style` is for system messages only, by default as the file's name says."""

    path: Path
    style: Style | None = None


def export_runs(histories: Iterable[History], name: str, selection: Selection, target: Target) -> int:
    """Write what an exporter makes of some runs, one after the other; the number of rows.

    Raises ConfigError for an unknown exporter, OutputError when the file cannot be written.
    """
    exporter: Callable[[History, Selection], Iterator[dict[str, Any]]] = plugins.resolve("exporter", name)
    rows = (row for history in histories for row in exporter(history, selection))
    style = (target.style or _BY_SUFFIX.get(target.path.suffix, "text")) if name == "system" else "json"
    if str(target.path) == "-":
        sys.stdout.flush()
        return _write(rows, sys.stdout.buffer, style)
    with whole_file(target.path) as file:
        return _write(rows, file, style)


def json_line(value: Any) -> str:
    """Any value as JSON that every reader takes for one line and that no terminal obeys."""
    text = clean(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _write(rows: Iterator[dict[str, Any]], file: BinaryIO, style: Style) -> int:
    count = 0
    with jsonlines.Writer(file, dumps=_dumps) as writer:
        for row in rows:
            if style == "json":
                writer.write(row)
            else:
                text = (system.text if style == "text" else system.markdown)(row)
                file.write(f"\n{text}".encode() if count else text.encode())
            count += 1
    return count


def _dumps(row: Any) -> bytes:
    return json_line(row).encode()
