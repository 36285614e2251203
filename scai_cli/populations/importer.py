"""Import personas or tasks from a file in another format: all of its rows or none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_source import ItemSource
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.populations.clean_text import Ids
from scai_cli.populations.column_map import ColumnMap, read_columns
from scai_cli.populations.drafts import Draft, PersonaDraft, PopulationFormat
from scai_cli.populations.formats import PERSONAS, TASKS
from scai_cli.populations.population_file import population_file
from scai_cli.populations.table_rows import Notify, TableRow
from scai_cli.text.suggestions import did_you_mean

_NAMED = 20
"""The number of bad rows to print one by one."""
_MOST_COLUMNS = 20_000


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The file to import, its format, the most items, a column map, and whether to skip bad rows."""

    file: str
    format: str
    limit: int | None = None
    columns: Path | None = None
    skip_bad: bool = False


@dataclass(slots=True)
class ImportResult:
    """The numbers of written items and of bad rows."""

    items: int = 0
    bad: int = 0


def import_items(
    kind: Literal["personas", "tasks"], options: ImportOptions, out: Path, notify: Notify, /, **changes: str
) -> ImportResult:
    """Write a file's items with `changes` of their fields; a bad row raises ConfigError, or `skip_bad` reports it."""
    result = ImportResult()
    form = _format(kind, options)
    with population_file(out, kind) as write:
        for item in _items(options, form, notify, result):
            write(item.model_copy(update=changes) if changes else item)
            result.items += 1
            if result.items == options.limit:
                break
        if not result.items:
            raise ConfigError(f"{options.file}: has nothing to import as {options.format}")
    if result.bad > _NAMED:
        notify(f"{options.file}: {result.bad - _NAMED:,} more bad rows")
    return result


def _items(
    options: ImportOptions, form: PopulationFormat, notify: Notify, result: ImportResult
) -> Iterator[Persona | Task]:
    columns = read_columns(options.columns) if options.columns else None
    named = columns or ColumnMap()
    name, licence = named.source or form.source or Path(options.file).name, named.licence or form.licence
    ids = Ids()
    for row in form.rows(options.file, notify):
        try:
            source = ItemSource(name=name, licence=licence, row=row.number)
            items = [_item(draft, ids.take(draft.key, row.number), source) for draft in _drafts(form, row, columns)]
        except ValueError as error:
            problem = ConfigError.at(row.file or options.file, row.line, f"row {row.number}", _reason(error))
            if not options.skip_bad:
                raise ConfigError(f"{problem}; correct it, or add --skip-bad") from None
            result.bad += 1
            if result.bad <= _NAMED:
                notify(f"{problem} (skipped)")
            continue
        yield from items


def _item(draft: Draft, item_id: str, source: ItemSource) -> Persona | Task:
    fields = {name: value for name, value in vars(draft).items() if name != "key"}
    return (Persona if isinstance(draft, PersonaDraft) else Task)(id=item_id, source=source, **fields)


def _drafts(form: PopulationFormat, row: TableRow, columns: ColumnMap | None) -> list[Draft]:
    if row.problem is not None:
        raise ValueError(row.problem)
    if not (form.any_value or isinstance(row.value, Mapping)):
        raise ValueError("is not an object with keys")
    if isinstance(row.value, Mapping) and len(row.value) > _MOST_COLUMNS:
        raise ValueError(f"has more than {_MOST_COLUMNS:,} columns; leave some out")
    return list(form.drafts(row.value) if columns is None or form.mapped is None else form.mapped(row.value, columns))


def _reason(error: ValueError) -> str:
    """Return the error in one line, without the row's own text."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        return f"{path}: {str(first['msg']).removeprefix('Value error, ')}"
    return str(error)


def _format(kind: Literal["personas", "tasks"], options: ImportOptions) -> PopulationFormat:
    name, names = options.format, PERSONAS if kind == "personas" else TASKS
    if name not in names:
        raise ConfigError(f"--as: unknown format {name!r}{did_you_mean(name, names)}")
    module = import_module(f"scai_cli.populations.formats.{name.replace('-', '_')}")
    form: PopulationFormat = getattr(module, kind.upper())
    if options.columns is not None and form.mapped is None:
        raise ConfigError(f"--map: the format {name} has fixed columns; use --as table, or leave --map out")
    return form
