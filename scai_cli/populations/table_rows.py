"""Read the rows of CSV, JSONL, JSON and Parquet files and of Hugging Face datasets, one row at a time."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final, cast

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_files import json_lines

Notify = Callable[[str], None]
"""Reports a warning to the user."""

HUB: Final = "hub:"
"""The prefix of a dataset on the Hub: `hub:OWNER/NAME[:CONFIG][@SPLIT]`."""

_LONGEST_CELL: Final = 32 * 2**20
_LARGEST_JSON: Final = 512 * 2**20
_INSTALL: Final = "needs the extra `data`: pip install 'scai-cli[data]'"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: `number` counts from 1, `line` is its last line in a text file; with a `problem` it has no value."""

    number: int
    value: Any
    line: int | None = None
    problem: str | None = None


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read rows by the file's ending, of CSV and Parquet as mappings; raises ConfigError for an unreadable file."""
    if file.startswith(HUB):
        return hub_rows(file)
    suffixes = [suffix.lower() for suffix in Path(file).suffixes if suffix.lower() != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    readers = {".parquet": parquet_rows, ".jsonl": jsonl_rows, ".ndjson": jsonl_rows, ".json": json_rows}
    if kind in readers:
        return readers[kind](file)
    if kind in (".csv", ".tsv", ".txt"):
        return csv_rows(file, notify)
    raise ConfigError(f"{file}: unknown file type; convert it to .csv, .tsv, .jsonl, .json or .parquet")


def jsonl_rows(file: str) -> Iterator[TableRow]:
    """Read the values of a JSONL file; a line that is not JSON becomes a row with a problem."""
    with opened(file) as lines:
        for number, line in enumerate(json_lines(lines), 1):
            yield TableRow(number, line.value, line.number, line.problem)


def json_rows(file: str) -> Iterator[TableRow]:
    """Read the items of a JSON list, or one value; the whole file is kept in memory."""
    with opened(file) as content:
        data = content.read(_LARGEST_JSON + 1)
    if len(data) > _LARGEST_JSON:
        raise ConfigError(f"{file}: is larger than {_LARGEST_JSON:,} bytes; convert it to JSONL")
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ConfigError.at(file, error.lineno, None, f"not valid JSON: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise ConfigError(f"{file}: is not JSON in UTF-8") from None
    for number, item in enumerate(value if isinstance(value, list) else [value], 1):
        yield TableRow(number, item)


def csv_rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the rows of a CSV or TSV file as mappings by the header row, without the columns that it does not name.

    Cells may contain quotes and line ends. The encoding is UTF-8, UTF-16 with a byte order mark, or else Windows-1252,
    with a warning. Raises ConfigError for a repeated column.
    """
    with text(file, notify) as lines:
        header = lines.readline(_LONGEST_CELL)
        if not header:
            raise ConfigError(f"{file}: is empty")
        delimiter = max(",;\t", key=header.count)
        csv.field_size_limit(_LONGEST_CELL)
        reader = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
        names = _names(file, reader)
        number = 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                number += 1
                yield TableRow(number, None, reader.line_num, f"not valid CSV: {error}")
                continue
            if cells:
                number += 1
                yield _csv_row(number, cells, names, reader.line_num)


def _names(file: str, reader: Any) -> list[str]:
    try:
        names = [" ".join(name.split()) for name in next(reader)]
    except csv.Error as error:
        raise ConfigError.at(file, 1, None, f"not valid CSV: {error}") from None
    for name in filter(None, names):
        if names.count(name) > 1:
            raise ConfigError.at(file, 1, None, f"the column {name[:80]!r} appears twice; rename one")
    if not any(names):
        raise ConfigError.at(file, 1, None, "the first row must name the columns")
    return names


def _csv_row(number: int, cells: list[str], names: list[str], line: int) -> TableRow:
    if len(cells) != len(names):
        return TableRow(number, None, line, f"has {len(cells)} cells, the first row {len(names)}")
    return TableRow(number, {name: cell for name, cell in zip(names, cells, strict=True) if name}, line)


def parquet_rows(file: str) -> Iterator[TableRow]:
    """Read the rows of a Parquet file as mappings, a batch at a time."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise ConfigError(f"{file}: Parquet {_INSTALL}") from None
    with opened(file) as content:
        try:
            batches = parquet.ParquetFile(content).iter_batches(batch_size=512)
            for number, value in enumerate((value for batch in batches for value in batch.to_pylist()), 1):
                yield TableRow(number, value)
        except (ArrowException, OSError) as error:
            raise ConfigError(f"{file}: is not a readable Parquet file: {_first_line(error)}") from None


def hub_rows(name: str) -> Iterator[TableRow]:
    """Stream the rows of a dataset of the Hub, or of a local dataset folder."""
    try:
        import datasets
    except ImportError:
        raise ConfigError(f"{name}: a dataset of the Hub {_INSTALL}") from None
    location, _, split = name.removeprefix(HUB).partition("@")
    path, _, config = location.partition(":")
    try:
        dataset = datasets.load_dataset(path, config or None, split=split or "train", streaming=True)
        for number, value in enumerate(dataset, 1):
            yield TableRow(number, value)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise ConfigError(f"{name}: cannot be read: {_first_line(error)}") from None


def opened(file: str) -> IO[bytes]:
    """Open a file for reading, decompressed if it ends in .gz; raises ConfigError."""
    try:
        if file.lower().endswith(".gz"):
            return cast("IO[bytes]", gzip.open(file, "rb"))
        return Path(file).open("rb")
    except FileNotFoundError:
        raise ConfigError(f"{file}: does not exist") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


def text(file: str, notify: Notify) -> IO[str]:
    """Open a text file in its own encoding; line ends stay unchanged."""
    encoding = _encoding(file)
    if encoding == "cp1252":
        notify(f"{file}: is not UTF-8; read as Windows-1252")
    return io.TextIOWrapper(opened(file), encoding=encoding, errors="replace", newline="")


def _encoding(file: str) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opened(file) as content:
        first = content.read(4)
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            decoder.decode(first)
            while block := content.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
        except (OSError, EOFError) as error:
            raise ConfigError(f"{file}: cannot be read: {error}") from None
    return "utf-8-sig"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
