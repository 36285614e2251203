"""Read the rows of JSON and JSONL files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.file_kinds import kind
from scai_cli.experiment.input_files import LARGEST, opened, read_bytes
from scai_cli.experiment.item_files import MOST_VALUES, bounded_lines, json_value
from scai_cli.populations.tables.json_shapes import check_row
from scai_cli.populations.tables.row import TableRow

_BLANK: Final = re.compile(r"\s*")


def jsonl_rows(file: str) -> Iterator[TableRow]:
    """Read the values of a JSONL file; a line that is not JSON becomes a row with a problem."""
    with opened(Path(file)) as content:
        for number, (line, data) in enumerate(bounded_lines(content), 1):
            try:
                yield TableRow(number, json_value(data), line)
            except ValueError as error:
                yield TableRow(number, None, line, str(error))


def json_rows(file: str) -> Iterator[TableRow]:
    """Read the values of JSON lines, the items of a JSON list (the whole file is kept in memory), or one value."""
    if kind(Path(file)) == "jsonl":
        yield from jsonl_rows(file)
    else:
        yield from _items(*_value(file))


def json_table(file: str) -> Iterator[TableRow]:
    """Read the rows of a table in JSON: a list, or one row; raises ConfigError for another object, with the remedy."""
    value, line = _value(file)
    check_row(file, value)
    yield from _items(value, line)


def _items(value: Any, line: int) -> Iterator[TableRow]:
    if isinstance(value, list):
        yield from (TableRow(number, item) for number, item in enumerate(value, 1))
    else:
        yield TableRow(1, value, line)


def _value(file: str) -> tuple[Any, int]:
    """Return the value of a file, or a list of its values, and its last line; raises ConfigError."""
    data = read_bytes(Path(file), 2 * LARGEST)
    if data.count(b",") > 2 * MOST_VALUES:
        raise ConfigError(f"{file}: has more than {2 * MOST_VALUES:,} values; convert it to JSONL")
    try:
        return json_value(data), data.rstrip().count(b"\n") + 1
    except ValueError as error:
        if "Extra data" in str(error) and (several := _several(data)):
            return several, data.rstrip().count(b"\n") + 1
        raise ConfigError(f"{file}: {error}; if the file was cut off, download it again") from None


def _several(data: bytes) -> list[Any]:
    """Return the values of a text in which objects over many lines follow one another; [] if it is not one."""
    text, decoder, at = data.decode("utf-8-sig").strip(), json.JSONDecoder(), 0
    values = []
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
            values.append(json_value(text[at:end].encode()))
        except (ValueError, RecursionError):
            return []
        at = _BLANK.match(text, end).end()  # type: ignore[union-attr]
    return values if all(isinstance(value, dict) for value in values) else []
