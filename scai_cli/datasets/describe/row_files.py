"""Read files of rows one row at a time: JSON lines, CSV and Parquet."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from scai_cli.datasets.export.output_files import SIDE_CAR
from scai_cli.datasets.formats.format import Fields
from scai_cli.errors import ConfigError
from scai_cli.populations.table_rows import parquet_rows
from scai_cli.runs.find import is_generated, is_run

SUFFIXES: Final = (".jsonl", ".csv", ".parquet")

_GUARDED: Final = re.compile(r"'[\s\0]*[=+\-@\t\r]")
"""The first characters of a cell that a spreadsheet would read as a formula."""


def row_files(path: Path) -> list[Path]:
    """Return the path of a file, or of the files of rows in a folder; raises ConfigError if there are none."""
    if path.is_dir():
        if is_run(path) or is_generated(path):
            raise ConfigError(f"{path}: is not an export; make one: `scai export {path} --format F -o DIR/`")
        files = sorted(
            file
            for file in path.rglob("*")
            if file.suffix in SUFFIXES and not file.name.startswith(".") and not file.name.endswith(SIDE_CAR)
        )
        if not files:
            raise ConfigError(f"{path}: has no files of rows; name a folder written by `scai export -o DIR/`")
        return files
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path}: unknown file type; name a .jsonl, .csv or .parquet file")
    return [path]


def fields(path: Path) -> Iterator[tuple[int, Fields]]:
    """Yield the rows of a file with their line numbers; raises ConfigError if the file is damaged."""
    try:
        if path.suffix == ".jsonl":
            yield from _jsonl(path)
        elif path.suffix == ".csv":
            yield from _csv(path)
        else:
            yield from ((row.number, row.value) for row in parquet_rows(str(path)))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text; export it again") from None


def side_car(path: Path) -> Iterator[Fields]:
    """Yield the provenance of every row from the side-car file, if there is one."""
    file = path.with_suffix(SIDE_CAR)
    if file.is_file():
        yield from (row for _, row in _jsonl(file))


def _jsonl(path: Path) -> Iterator[tuple[int, Fields]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise ConfigError(f"{path}:{number}: is not a JSON object; write one row per line") from None


def _csv(path: Path) -> Iterator[tuple[int, Fields]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey="")
        try:
            for row in reader:
                yield reader.line_num, {name: cell(text) for name, text in row.items()}
        except csv.Error as error:
            raise ConfigError(f"{path}:{reader.line_num}: {error}") from None


def cell(text: Any) -> Any:
    """Return the value of a CSV cell: decode nested JSON, and remove the quote that guards against formulas."""
    if isinstance(text, str) and text[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text[1:] if isinstance(text, str) and _GUARDED.match(text) else text
