"""Read the rows of a table in a file of any kind, or of a dataset of the Hub, one row at a time."""

from collections.abc import Iterator
from pathlib import Path

from scai_cli.errors import ConfigError
from scai_cli.experiment.file_kinds import kind, plain_suffix
from scai_cli.populations.tables.csv_file import IS_YAML, csv_rows
from scai_cli.populations.tables.excel_file import excel_rows
from scai_cli.populations.tables.hub_dataset import HUB, hub_rows
from scai_cli.populations.tables.json_file import json_rows, json_table, jsonl_rows
from scai_cli.populations.tables.parquet_file import parquet_rows
from scai_cli.populations.tables.row import Notify, TableRow
from scai_cli.populations.tables.text_file import RecordLines, text

__all__ = [
    "HUB", "Notify", "RecordLines", "TableRow", "csv_rows", "json_rows", "jsonl_rows", "parquet_rows", "rows", "text",
]  # fmt: skip


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read rows by the content of the file, of tables as mappings; raises ConfigError for an unreadable file."""
    if file.startswith(HUB):
        return hub_rows(file)
    path = Path(file)
    match kind(path):
        case "empty":
            raise ConfigError(f"{file}: is empty")
        case "parquet":
            return parquet_rows(file)
        case "excel":
            return excel_rows(file, notify)
        case "json":
            return json_table(file)
        case "jsonl":
            return jsonl_rows(file)
        case "text":
            if plain_suffix(path) in (".yaml", ".yml"):
                raise ConfigError(f"{file}: {IS_YAML}")
            return csv_rows(file, notify)
