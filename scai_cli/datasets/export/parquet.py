"""Rows as Parquet, in batches; `pyarrow` is in the extra `data` and imported when such a file is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from scai_cli.datasets.export.provenance import COLUMN, Provenance
from scai_cli.errors import ConfigError
from scai_cli.messages import clean

_BATCH: Final = 2048
"""Rows that are held, and written as one group."""
_SIZE: Final = 8


class ParquetRows:
    """Columns of the types of all their values; what is empty everywhere is text or, by its name, what it would hold.

    A type is known only when the last row has come (an epoch that was null may be a number in the end), so that rows
    wait in a nameless file beside and are written as Parquet when all are there.
    """

    def __init__(self, file: BinaryIO) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise ConfigError("a .parquet file needs the extra `data`: pip install 'scai-cli[data]'") from None
        self._pa, self._pq = pa, pq
        self.columns: tuple[str, ...] = ()
        self.longest = 0
        self._file = file
        self._waiting = tempfile.TemporaryFile(dir=Path(file.name).parent)  # noqa: SIM115 - closed in `close`
        self._held: list[Mapping[str, Any]] = []
        self._schema: Any = pa.schema([])

    def write(self, row: Mapping[str, Any], provenance: Provenance | None) -> None:
        """Take a row in; raises ConfigError for values of types that no column can hold together."""
        if provenance is not None:
            row = {**row, COLUMN: provenance}
        if not self.columns:
            self.columns = tuple(row)
        plain = _cleaned(msgspec.to_builtins(row))
        own = {name: value for name, value in plain.items() if name != COLUMN}
        self.longest = max(self.longest, len(msgspec.json.encode(own)))
        self._held.append(plain)
        if len(self._held) >= _BATCH:
            self._put_by()

    def close(self) -> None:
        """Write the file."""
        with self._waiting:
            self._put_by()
            schema = self._pa.schema([self._pa.field(f.name, self._typed(f.type, f.name)) for f in self._schema])
            self._waiting.seek(0)
            with self._pq.ParquetWriter(self._file, schema) as writer:
                for rows in self._put_by_before():
                    writer.write_table(self._pa.Table.from_pylist(rows, schema=schema))

    def _put_by(self) -> None:
        """Let a batch wait in the file beside, and widen the types by it."""
        if not self._held:
            return
        pa = self._pa
        try:
            found = pa.Table.from_pylist(self._held).schema
            names = dict.fromkeys(name for row in self._held for name in row)
            if len(names) > len(found):  # only the first row names the columns
                found = pa.Table.from_pylist([dict.fromkeys(names), *self._held]).schema
            self._schema = pa.unify_schemas([self._schema, found], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise ConfigError(f"a column holds values of types that do not go together: {error}") from None
        data = msgspec.msgpack.encode(self._held)
        self._waiting.write(len(data).to_bytes(_SIZE, "big") + data)
        self._held.clear()

    def _put_by_before(self) -> Iterator[list[dict[str, Any]]]:
        while size := self._waiting.read(_SIZE):
            yield msgspec.msgpack.decode(self._waiting.read(int.from_bytes(size, "big")))

    def _typed(self, kind: Any, name: str = "") -> Any:
        """A type without nulls: a column that holds nothing in this export has the type it has in others."""
        pa = self._pa
        if pa.types.is_null(kind):
            return pa.int64() if name == "epoch" else pa.float64() if name in _NUMBERS else pa.string()
        if pa.types.is_list(kind):
            empty = name in _NESTED and pa.types.is_null(kind.value_type)
            return pa.list_(pa.list_(pa.string()) if empty else self._typed(kind.value_type))
        if pa.types.is_struct(kind):
            return pa.struct([pa.field(f.name, self._typed(f.type, f.name)) for f in kind])
        return kind


_NUMBERS: Final = ("rating", "margin", "p", "disagreement", "value")
"""Columns of numbers that may hold none."""
_NESTED: Final = ("history",)
"""Columns of lists of lists of text that may all be empty."""


def _cleaned(value: Any) -> Any:
    """The value with texts that are valid UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(part) for key, part in value.items()}
    return [_cleaned(part) for part in value] if isinstance(value, list | tuple) else value
