"""Write rows as Parquet in batches; imports `pyarrow` (the extra `data`) only when a file is written."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from msgspec.inspect import FloatType, IntType, ListType, NoneType, StructType, UnionType, VarTupleType

from scai_cli.datasets.export.provenance import COLUMN, Provenance
from scai_cli.datasets.formats.format import Row
from scai_cli.errors import ConfigError
from scai_cli.text.characters import clean

_BATCH: Final = 2048
"""Rows per group; one group is kept in memory."""
_SIZE: Final = 8


class ParquetRows:
    """Writes rows as Parquet, with column types that fit all values; an all-null column has its declared type, else
    text.

    A column's type is known only after the last row (an epoch that was null so far may be a number later). So the rows
    wait in an unnamed temporary file and are written as Parquet at the end.
    """

    def __init__(self, file: BinaryIO, late_types: Mapping[str, Any]) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise ConfigError("to write .parquet, install pyarrow: pip install pyarrow") from None
        self._pa, self._pq = pa, pq
        self.columns: tuple[str, ...] = ()
        self.longest = 0
        self._file = file
        self._waiting = tempfile.TemporaryFile(dir=Path(file.name).parent)  # noqa: SIM115 - closed in `close`
        self._batch: list[Row] = []
        self._schema: Any = pa.schema([])
        self._declared = {name: self._arrow(msgspec.inspect.type_info(kind)) for name, kind in late_types.items()}

    def write(self, row: Row, provenance: Provenance | None) -> None:
        """Write a row; raises ConfigError if its values and the earlier ones share no column type."""
        if provenance is not None:
            row = {**row, COLUMN: provenance}
            if not self.columns:
                self._declared[COLUMN] = self._arrow(msgspec.inspect.type_info(type(provenance)))
        if not self.columns:
            self.columns = tuple(row)
        plain = _cleaned(msgspec.to_builtins(row))
        own = {name: value for name, value in plain.items() if name != COLUMN}
        self.longest = max(self.longest, len(msgspec.json.encode(own)))
        self._batch.append(plain)
        if len(self._batch) >= _BATCH:
            self._spool()

    def close(self) -> None:
        """Write the file."""
        with self._waiting:
            self._spool()
            pa = self._pa
            types = {field.name: self._declared.get(field.name) or self._known(field.type) for field in self._schema}
            schema = pa.schema(types)
            self._waiting.seek(0)
            with self._pq.ParquetWriter(self._file, schema) as writer:
                for rows in self._spooled():
                    writer.write_table(pa.Table.from_pylist(rows, schema=schema))

    def _spool(self) -> None:
        """Write the batch to the temporary file, and widen the column types by it."""
        if not self._batch:
            return
        pa = self._pa
        try:
            schema = pa.Table.from_pylist(self._batch).schema
            names = dict.fromkeys(name for row in self._batch for name in row)
            if len(names) > len(schema):  # only the first row names the columns
                schema = pa.Table.from_pylist([dict.fromkeys(names), *self._batch]).schema
            self._schema = pa.unify_schemas([self._schema, schema], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise ConfigError(f"a column has values of incompatible types: {error}; write .jsonl") from None
        data = msgspec.msgpack.encode(self._batch)
        self._waiting.write(len(data).to_bytes(_SIZE, "big") + data)
        self._batch.clear()

    def _spooled(self) -> Iterator[list[Row]]:
        while size := self._waiting.read(_SIZE):
            yield msgspec.msgpack.decode(self._waiting.read(int.from_bytes(size, "big")))

    def _known(self, kind: Any) -> Any:
        """Return a type without nulls; a column without values becomes text."""
        pa = self._pa
        if pa.types.is_null(kind):
            return pa.string()
        if pa.types.is_list(kind):
            return pa.list_(self._known(kind.value_type))
        if pa.types.is_struct(kind):
            return pa.struct([pa.field(f.name, self._known(f.type)) for f in kind])
        return kind

    def _arrow(self, kind: msgspec.inspect.Type) -> Any:
        """Return the Arrow type for a declared type."""
        pa = self._pa
        if isinstance(kind, UnionType):  # of a type and None
            return self._arrow(next(part for part in kind.types if not isinstance(part, NoneType)))
        if isinstance(kind, ListType | VarTupleType):
            return pa.list_(self._arrow(kind.item_type))
        if isinstance(kind, StructType):
            return pa.struct([pa.field(f.name, self._arrow(f.type)) for f in kind.fields])
        return pa.int64() if isinstance(kind, IntType) else pa.float64() if isinstance(kind, FloatType) else pa.string()


def _cleaned(value: Any) -> Any:
    """Return the value with all texts made valid UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(part) for key, part in value.items()}
    return [_cleaned(part) for part in value] if isinstance(value, list | tuple) else value
