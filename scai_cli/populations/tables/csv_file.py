"""Read the rows of CSV, TSV and other text tables."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.file_kinds import plain_suffix
from scai_cli.experiment.item_files import LONGEST_LINE
from scai_cli.populations.tables.csv_dialect import CsvDialect, csv_dialect
from scai_cli.populations.tables.header import Line
from scai_cli.populations.tables.named_rows import named_rows
from scai_cli.populations.tables.row import Notify, TableRow
from scai_cli.populations.tables.text_file import RecordLines, text

IS_YAML: Final = "is YAML; an experiment reads people and tasks in YAML as they are"
_YAML: Final = re.compile(r"\s*(?:---\s*\n\s*)?(?:(?:personas|tasks):\s*(?:\n|\[)|- (?:\{|\w+: ))")
_SAMPLE: Final = 2**16
_NAMES: Final = (".csv", ".tsv", ".tab", ".txt", ".dat", ".xls", "")
"""Endings of files that can have a single column."""


def csv_rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the rows of a CSV or TSV file as mappings by the header row, without the columns that it does not name.

    The delimiter is a comma, semicolon, tab or bar; cells may contain quotes and line ends. The encoding is UTF-8,
    UTF-16, or else Windows-1252, with a warning. Raises ConfigError for a header that does not name the columns.
    """
    csv.field_size_limit(LONGEST_LINE)
    with text(file, notify) as content:
        sample = content.read(_SAMPLE)
        sample += content.readline(LONGEST_LINE)
        if not sample.strip():
            raise ConfigError(f"{file}: is empty")
        if _YAML.match(sample):
            raise ConfigError(f"{file}: {IS_YAML}")
        dialect = csv_dialect(sample, whole=not content.read(1))
        if dialect.columns < 2 and plain_suffix(Path(file)) not in _NAMES:
            known = "CSV, TSV, JSONL, JSON, Parquet or .xlsx"
            raise ConfigError(f"{file}: is text, but not a table or JSON; convert it to {known}")
        content.seek(0)
        lines = RecordLines(file, content, dialect.delimiter)
        row: TableRow | None = None
        for row in named_rows(file, _read(lines, dialect), notify, decimal_comma=dialect.delimiter in (";", "\t")):
            yield row
        if lines.zeros:
            notify(f"{file}: left out the zero bytes in {lines.zeros:,} lines, as no text has them")
        if row and not lines.complete:
            notify(f"{file}: its last line has no line end; if the file was cut off, that row is incomplete")


def _read(lines: RecordLines, dialect: CsvDialect) -> Iterator[Line]:
    source = iter(lines)
    if dialect.has_sep_line:
        next(source)
    reader = csv.reader(source, delimiter=dialect.delimiter, skipinitialspace=dialect.spaced, strict=True)
    while True:
        lines.size = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(lines.number, [], f"not valid CSV: {error}")
        else:
            yield Line(lines.number, cells)
