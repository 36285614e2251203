"""Read the rows of CSV, JSONL, JSON and Parquet files and of Hugging Face datasets, one row at a time."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.input_files import LARGEST, opened, read_bytes
from scai_cli.experiment.item_files import LONGEST_LINE, MOST_VALUES, bounded_lines, json_value

Notify = Callable[[str], None]
"""Reports a warning to the user."""

HUB: Final = "hub:"
"""The prefix of a dataset on the Hub: `hub:OWNER/NAME[:CONFIG][@SPLIT]`."""

_BLOCK: Final = 2**20
_BATCH: Final = 32 * 2**20
"""The bytes of a Parquet file to read at once."""
_INSTALL: Final = "needs the extra `data`: pip install 'scai-cli[data]'"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: `number` counts from 1, `line` is its last line in a text file; with a `problem` it has no value."""

    number: int
    value: Any
    line: int | None = None
    problem: str | None = None
    file: str | None = None
    """The file of the row, if it is one of several."""


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
    with opened(Path(file)) as content:
        for number, (line, data) in enumerate(bounded_lines(content), 1):
            try:
                yield TableRow(number, json_value(data), line)
            except ValueError as error:
                yield TableRow(number, None, line, str(error))


def json_rows(file: str) -> Iterator[TableRow]:
    """Read the items of a JSON list, or one value; the whole file is kept in memory."""
    data = read_bytes(Path(file), 2 * LARGEST)
    if data.count(b",") > 2 * MOST_VALUES:
        raise ConfigError(f"{file}: has more than {2 * MOST_VALUES:,} values; convert it to JSONL")
    try:
        value = json_value(data)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from None
    for number, item in enumerate(value if isinstance(value, list) else [value], 1):
        yield TableRow(number, item)


class RecordLines:
    """The lines of a text; raises ConfigError for a record that is too large. The reader resets `size` for each one."""

    def __init__(self, file: str, lines: IO[str], delimiter: str = "\n") -> None:
        self._file, self._lines, self._delimiter = file, lines, delimiter
        self.size = self.number = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._lines.readline(LONGEST_LINE + 1):
            self.number += 1
            self.size += len(line) + 15 * line.count(self._delimiter)  # a cell takes more memory than its text
            if self.size > LONGEST_LINE:
                problem = f"the row is larger than {LONGEST_LINE:,} characters; is a quote missing?"
                raise ConfigError.at(self._file, self.number, None, problem)
            yield line


def csv_rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the rows of a CSV or TSV file as mappings by the header row, without the columns that it does not name.

    Cells may contain quotes and line ends. The encoding is UTF-8, UTF-16 with a byte order mark, or else Windows-1252,
    with a warning. Raises ConfigError for a repeated column.
    """
    with text(file, notify) as content:
        header = content.readline(LONGEST_LINE)
        if not header:
            raise ConfigError(f"{file}: is empty")
        delimiter = max(",;\t", key=header.count)
        csv.field_size_limit(LONGEST_LINE)
        lines = RecordLines(file, content, delimiter)
        reader = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
        names = _names(file, reader)
        number = 0
        while True:
            lines.size = 0
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
    for name, count in Counter(filter(None, names)).items():
        if count > 1:
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
    number = 0
    with opened(Path(file)) as content:
        try:
            parquet_file = parquet.ParquetFile(content)
            for group, size in enumerate(_batch_sizes(file, content, parquet_file.metadata)):
                for batch in parquet_file.iter_batches(size, [group]):
                    if batch.nbytes > 4 * _BATCH:
                        raise ConfigError(f"{file}: a row is larger than {_BATCH:,} bytes; leave it out")
                    for value in batch.to_pylist():
                        number += 1
                        yield TableRow(number, value)
        except (ArrowException, OSError, ValueError) as error:
            raise ConfigError(f"{file}: is not a readable Parquet file: {_first_line(error)}") from None


def _batch_sizes(file: str, content: IO[bytes], metadata: Any) -> Iterator[int]:
    """Yield the number of rows to read at once from each row group; raises ConfigError for a bomb."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        rows, row_bytes = max(1, group.num_rows), 1
        for column in map(group.column, range(group.num_columns)):
            size, packed = column.total_uncompressed_size, column.total_compressed_size
            # Text is packed to a tenth; what is packed further has huge equal cells, or lists of millions of numbers.
            if size > max(_BATCH, 10_000 * rows, 15 * packed) or column.num_values > 5_000_000 + 20 * rows:
                raise ConfigError(f"{file}: the column {column.path_in_schema[:80]!r} unpacks to too much; drop it")
            row_bytes += size // rows + _largest_repeated(content, column)
        yield max(1, min(512, _BATCH // row_bytes))


def _largest_repeated(content: IO[bytes], column: Any) -> int:
    """Return the size of a column's dictionary, one cell of which every row of a batch can repeat."""
    if column.dictionary_page_offset is None:
        return 0
    content.seek(column.dictionary_page_offset)
    header, size = content.read(8), 0
    for n, byte in enumerate(header[3:]):  # Thrift: three bytes before the size, which has seven bits per byte
        size |= (byte & 127) << 7 * n
        if byte < 128:
            break
    return size // 2


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


@contextmanager
def text(file: str, notify: Notify) -> Iterator[IO[str]]:
    """Open a text file in its own encoding; line ends stay unchanged."""
    encoding = _encoding(file)
    if encoding == "cp1252":
        notify(f"{file}: is not UTF-8; read as Windows-1252")
    with opened(Path(file)) as content:
        yield io.TextIOWrapper(content, encoding=encoding, errors="replace", newline="")


def _encoding(file: str) -> str:
    with opened(Path(file)) as content:
        if content.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    try:
        with opened(Path(file)) as content:
            decoded = io.TextIOWrapper(content, encoding="utf-8", newline="")
            while decoded.read(_BLOCK):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
