"""Read rows of any known format, and find the later one of two answers."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scai_cli.datasets.describe.row_files import cell, fields, side_car
from scai_cli.datasets.formats.format import Fields, built_in_formats
from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.errors import ConfigError

_POSITION: Final = re.compile(r"e(\d+)/|/(initial|s\d+|final)$")
"""Matches an answer's id: the epoch in a run, the step in a generated row."""


def read_rows(path: Path) -> Iterator[tuple[str, Fields, RowTexts, bool | None]]:
    """Yield each row's format, fields and texts, and whether its chosen answer is the later one.

    The last is None for a row that is not a pair, or whose provenance does not give the order. Raises ConfigError for a
    row of an unknown format.
    """
    beside = side_car(path)
    readers = [(name, form.reader) for name, form in built_in_formats().items() if form.reader is not None]
    readers.sort(key=lambda named: -len(named[1].columns))
    for number, row in fields(path):
        name, reader = next((named for named in readers if named[1].columns <= row.keys()), ("", None))
        if reader is None:
            columns = ", ".join(map(str, row)) or "none"
            raise ConfigError(f"{path}:{number}: no format of `scai export` has these columns: {columns[:200]}")
        try:
            texts = _checked(reader.read(row))
            is_pair = texts.rejected is not None
            yield name, row, texts, _is_later(row.get("provenance") or next(beside, None)) if is_pair else None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise ConfigError(f"{path}:{number}: is not a valid row of the format {name}; export it again") from None


def _checked(texts: RowTexts) -> RowTexts:
    if not all(isinstance(text, str) for text in (texts.prompt, texts.answer, texts.rejected or "", texts.system)):
        raise TypeError
    return texts


def _is_later(provenance: Any) -> bool | None:
    """Return whether the first of two answers of a row came after the second."""
    provenance = cell(provenance)
    messages = provenance.get("messages") if isinstance(provenance, Mapping) else None
    if not isinstance(messages, list) or len(messages) != 2:
        return None
    one, other = (_position(str(message)) for message in messages)
    return None if one is None or other is None or one == other else one > other


def _position(message: str) -> float | None:
    match = _POSITION.search(message)
    if match is None:
        return None
    if match[1]:
        return int(match[1])
    return {"initial": 0.0, "final": math.inf}.get(match[2]) if match[2][0] != "s" else int(match[2][1:])
