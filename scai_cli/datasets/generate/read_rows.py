"""The rows of a generated set, one after the other: a million of them are never held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from scai_cli.datasets.generate.row import Row
from scai_cli.errors import RunError
from scai_cli.runs.generated_directory import ROWS
from scai_cli.runs.jsonl import damaged, lines


def rows(path: Path) -> Iterator[Row]:
    """The rows of a generated set in order, a torn last line left out; raises RunError for a damaged one."""
    decode = msgspec.json.Decoder(Row).decode
    for number, line in lines(path / ROWS):
        try:
            yield decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise RunError(damaged(path / ROWS, number)) from None
