"""Read the rows of Parquet files."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.input_files import opened
from scai_cli.populations.tables.row import TableRow

INSTALL: Final = "needs datasets and pyarrow: pip install datasets pyarrow"
_BATCH: Final = 32 * 2**20
"""The bytes of a Parquet file to read at once."""


def parquet_rows(file: str) -> Iterator[TableRow]:
    """Read the rows of a Parquet file as mappings, a batch at a time."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise ConfigError(f"{file}: Parquet {INSTALL}") from None
    number = 0
    with opened(Path(file)) as content:
        try:
            parquet_file = parquet.ParquetFile(content)
            names = parquet_file.schema_arrow.names
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ConfigError(f"{file}: the column {twice[:80]!r} appears twice; rename one")
            for group, size in enumerate(_batch_sizes(file, content, parquet_file.metadata)):
                for batch in parquet_file.iter_batches(size, [group]):
                    if batch.nbytes > 4 * _BATCH:
                        raise ConfigError(f"{file}: a row is larger than {_BATCH:,} bytes; leave it out")
                    for value in batch.to_pylist():
                        number += 1
                        yield TableRow(number, value)
        except (ArrowException, OSError, ValueError, OverflowError) as error:  # OverflowError: of a date
            reason = f"{first_line(error)}; if it was cut off, download it again"
            raise ConfigError(f"{file}: is not a readable Parquet file: {reason}") from None


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


def first_line(error: Exception) -> str:
    """Return the first line of a library's error, shortened."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")[:200]
