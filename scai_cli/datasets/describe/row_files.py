"""Read files of rows one row at a time: JSON lines, CSV and Parquet."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from scai_cli.datasets.export.output_files import SIDE_CAR
from scai_cli.datasets.export.row_writers import unguarded
from scai_cli.datasets.formats.format import Fields
from scai_cli.errors import ConfigError
from scai_cli.experiment.input_files import opened
from scai_cli.experiment.item_files import bounded_lines
from scai_cli.populations.table_rows import csv_rows, parquet_rows
from scai_cli.runs.find import is_generated, is_run

SUFFIXES: Final = (".jsonl", ".csv", ".parquet")


def row_files(path: Path) -> list[Path]:
    """Return the path of a file, or of the files of rows in a folder; raises ConfigError if there are none."""
    if os.path.isdir(path):
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
    if path.suffix == ".jsonl":
        yield from _jsonl(path)
        return

    def refuse(problem: str) -> None:
        raise ConfigError(f"{problem}; export it again")

    is_csv = path.suffix == ".csv"
    for row in csv_rows(str(path), refuse) if is_csv else parquet_rows(str(path)):
        if row.problem is not None:
            raise ConfigError.at(str(path), row.line, None, row.problem)
        yield row.line or row.number, {name: cell(value) if is_csv else value for name, value in row.value.items()}


def side_car(path: Path) -> Iterator[Fields]:
    """Yield the provenance of every row from the side-car file, if there is one."""
    file = path.with_suffix(SIDE_CAR)
    if file.is_file():
        yield from (row for _, row in _jsonl(file))


def _jsonl(path: Path) -> Iterator[tuple[int, Fields]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with opened(path) as file:
        for number, line in bounded_lines(file):
            try:
                yield number, decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise ConfigError(f"{path}:{number}: is not a JSON object; write one row per line") from None


def cell(text: Any) -> Any:
    """Return the value of a CSV cell: decode nested JSON, and remove the quote that guards against formulas."""
    if isinstance(text, str) and text[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return text
    return unguarded(text) if isinstance(text, str) else text
