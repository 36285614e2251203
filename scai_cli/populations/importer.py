"""Import personas or tasks from a file in another format, all of its rows or none, with an account of every field."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_source import ItemSource
from scai_cli.experiment.measure_settings import check_preferences
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.scalars import composed, values_of
from scai_cli.experiment.tasks import Task
from scai_cli.populations.account import Account, FieldAccount
from scai_cli.populations.clean_text import Ids, LeftOut, one_line, readable
from scai_cli.populations.column_map import ColumnMap, Kind, MapFile, read_columns, several
from scai_cli.populations.drafts import Draft, Drafted, PersonaDraft, PopulationFormat
from scai_cli.populations.folding import fold_people
from scai_cli.populations.formats import PERSONAS, TASKS
from scai_cli.populations.hints import add_hints
from scai_cli.populations.population_file import population_file
from scai_cli.populations.profile import FIRST_ROWS
from scai_cli.populations.reading import Reading
from scai_cli.populations.record import Record
from scai_cli.populations.table_rows import Notify, TableRow
from scai_cli.text.counts import counted
from scai_cli.text.suggestions import did_you_mean, most_frequent

_NAMED = 20
"""The number of bad rows to print one by one."""
_MOST_COLUMNS = 20_000
_MOST_LOOKED_AT: Final = 100 * 2**20
"""The most characters to look over before the import."""
_BEYOND: Final = "people beyond --limit"
_WHERE: Final = "`where:` of the map"
_TABLES: Final = ("csv", "tsv", "json", "jsonl", "ndjson", "parquet", "excel", "xlsx", "hub")
"""Names of kinds of tables, which users give for that of the format."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The file to import, its format, the most items, a column map, and whether to skip bad rows."""

    file: str
    format: str
    limit: int | None = None
    columns: Path | None = None
    skip_bad: bool = False
    groups: bool = False
    """Whether a persona is a group of people instead of one."""


def import_items(kind: Kind, options: ImportOptions, out: Path, notify: Notify, /, **changes: str) -> Account:
    """Write a file's items with `changes` of their fields; a bad row raises ConfigError, or `skip_bad` reports it."""
    if "://" in options.file:
        raise ConfigError(f"{options.file}: is a web address; download the file, and name it here")
    form = _format(kind, options)
    with population_file(out, kind) as write:
        reader = _Import(options, form, read_columns(options.columns, kind) if options.columns else None, notify)
        reader.look()
        account = reader.account
        items = reader.items()
        for item in islice(items, options.limit):
            write(item.model_copy(update=changes) if changes else item)
            account.written += 1
        if form.fold:  # it has read all rows
            account.rows_left_out += Counter({_BEYOND: sum(1 for _ in items)})
        if not account.written:
            raise ConfigError(f"{options.file}: has nothing to import as {options.format}{reader.why_nothing()}")
    add_hints(account, reader.reading, reader.columns, reader.ids.repeated, form.open)
    if account.bad > _NAMED:
        notify(f"{options.file}: {account.bad - _NAMED:,} more bad rows")
    return account


def read_people(file: str, form: PopulationFormat, notify: Notify) -> tuple[list[tuple[str, Persona]], Counter[str]]:
    """Return the personas of a file, each after its key there, and the rows without one by reason; raises ConfigError.

    The ids are unique in this file alone.
    """
    reader = _Import(ImportOptions(file, ""), form, None, notify, remedy="correct it")
    reader.look()
    return [(key, item) for key, item in reader.keyed() if isinstance(item, Persona)], reader.account.rows_left_out


@dataclass(slots=True)
class _Import:
    """One import: how its file is read, and its account."""

    options: ImportOptions
    form: PopulationFormat
    map: MapFile | None
    notify: Notify
    account: Account = field(init=False)
    reading: Reading = field(init=False)
    ids: Ids = field(default_factory=Ids)
    remedy: str = "correct it, or add --skip-bad"
    """What to do about a bad row."""
    _people: set[str] = field(default_factory=set)
    """The keys of the people to merge, up to the limit."""
    _elsewhere: dict[str, Counter[str]] = field(default_factory=dict)
    """Column of `where:` -> its values in the rows that it left out."""

    def __post_init__(self) -> None:
        self.account = Account(self.options.file, self.options.format)
        self.reading = _reading(self.columns) if self.columns else Reading()

    @property
    def columns(self) -> ColumnMap | None:
        return self.map.map if self.map else None

    def look(self) -> None:
        """Look over the first rows, for what only a whole column shows; raises ConfigError for a column not there."""
        if not (self.form.open or self.map):
            return
        named = list(self.columns.columns()) if self.columns else []
        seen: dict[str, None] = {}
        self.reading.looking = True
        size = 0
        for row in islice(self.form.rows(self.options.file, lambda _: None), FIRST_ROWS):
            if isinstance(row.value, Mapping) and len(row.value) <= _MOST_COLUMNS:
                record = Record(row.value, self.reading)
                seen.update(dict.fromkeys(islice(row.value, 50)))
                named = [(path, column) for path, column in named if record.find(column) is None]
                size += sum(len(cell) for cell in row.value.values() if isinstance(cell, str))
                if not self._try(record) and not self.options.skip_bad:
                    named = []  # the import stops at this row
                    break
                if size > _MOST_LOOKED_AT:
                    break
        self.reading.end_look()
        if named and seen and self.map:
            (path, column), names = named[0], [one_line(name)[:60] for name in seen]
            near = did_you_mean(column, names) or f"; it has {len(names)} columns: {', '.join(names[:10])}, ..."
            raise self.map.source.error(path, f"{self.options.file} has no column {column!r}{near}")

    def _try(self, record: Record) -> bool:
        """Return whether a row is good, or left out; the import stops at a bad one and reports it."""
        try:
            list(self.form.drafts(record, self.columns))
        except LeftOut:
            return True
        except ValueError:
            return False
        return True

    def items(self) -> Iterator[Persona | Task]:
        """Yield the personas or tasks, in the order of the rows."""
        return (item for _, item in self.keyed())

    def keyed(self) -> Iterator[tuple[str, Persona | Task]]:
        """Yield each item after the key that its row has for it."""
        fold = self.form.fold or (fold_people if self.columns and self.columns.person else None)
        if fold is None:
            for row in self._rows():
                yield from self._attempt(row, partial(self._made, row))
            return
        drafted = (made for row in self._rows() for made in self._attempt(row, partial(self._read, row)))
        for draft, row in fold(drafted, self.account):
            yield from self._attempt(row, lambda draft=draft, row=row: [(draft.key, self._item(draft, row))])  # type: ignore[misc]

    def why_nothing(self) -> str:
        """Return the reasons why rows were left out, if they were."""
        left_out = self.account.rows_left_out.items()
        reasons = "".join(f"; left out, {reason}: {counted(rows, 'row')}" for reason, rows in left_out)
        there = "".join(f"; {column!r} is {most_frequent(texts)}" for column, texts in self._elsewhere.items())
        return reasons + there

    def _rows(self) -> Iterator[TableRow]:
        for row in self.form.rows(self.options.file, self.notify):
            self.account.read += 1
            yield row

    def _attempt(self, row: TableRow, make: Callable[[], list[Any]]) -> Iterator[Any]:
        try:
            made = make()
        except LeftOut as error:
            self.account.rows_left_out[str(error)] += 1
            return
        except ValueError as error:
            file = row.file or self.options.file
            problem = ConfigError.at(file, row.line, f"row {row.number}", _reason(error))
            if not self.options.skip_bad:
                raise ConfigError(f"{problem}; {self.remedy}") from None
            self.account.bad += 1
            if self.account.bad <= _NAMED:
                self.notify(f"{problem} (skipped)")
            return
        yield from made

    def _read(self, row: TableRow) -> list[Drafted]:
        """Return the drafts of a row and enter it in the account."""
        record = self._record(row)
        drafts: list[Drafted] = [(draft, row) for draft in self.form.drafts(record, self.columns)]
        if self.columns and self.columns.person:
            self._admit(draft.key for draft, _ in drafts)
        record.reads.enter(self.account, record.values)
        return drafts

    def _admit(self, people: Iterable[str]) -> None:
        """Raise LeftOut for a row of people beyond the limit."""
        for key in people:
            if key not in self._people and len(self._people) == self.options.limit:
                raise LeftOut(_BEYOND)
            self._people.add(key)

    def _made(self, row: TableRow) -> list[tuple[str, Persona | Task]]:
        """Return the items of a row and enter it in the account."""
        record = self._record(row)
        items = [(draft.key, self._item(draft, row)) for draft in self.form.drafts(record, self.columns)]
        record.reads.enter(self.account, record.values)
        return items

    def _record(self, row: TableRow) -> Record:
        if row.problem is not None:
            raise ValueError(row.problem)
        values = {"text": row.value} if isinstance(row.value, str) else row.value
        if not isinstance(values, Mapping):
            raise ValueError("is not an object with keys")
        if len(values) > _MOST_COLUMNS:
            raise ValueError(f"has more than {_MOST_COLUMNS:,} columns; leave some out")
        record = Record(values, self.reading)
        for column, wanted in self.columns.where.items() if self.columns else ():
            found = record.find(column)
            text = readable(found[1]) if found else ""
            if composed(text.strip()) not in values_of(wanted):
                FieldAccount.count(self._elsewhere.setdefault(column, Counter()), text[:100])
                raise LeftOut(_WHERE)
        return record

    def _item(self, draft: Draft, row: TableRow) -> Persona | Task:
        named = self.columns or ColumnMap()
        name = named.source or self.form.source or Path(self.options.file).name
        source = ItemSource(name=name, licence=named.licence or self.form.licence, row=row.number)
        fields = {name: value for name, value in vars(draft).items() if name != "key" and value is not None}
        fields |= {"id": self.ids.take(draft.key, row.number), "source": source}
        if not isinstance(draft, PersonaDraft):
            return Task.model_validate(fields)
        persona = Persona.model_validate(fields)
        try:
            check_preferences(persona.preferences)
        except ValueError as error:
            raise ValueError(f"preferences: {error}") from None
        return persona


def _reading(columns: ColumnMap) -> Reading:
    """Return how a map wants cells read; labels and words can be given by column or by attribute."""
    by_name = {name: several(given) for name, given in (columns.facts or {}).items()}

    def by_column(given: Mapping[str, Any]) -> dict[str, Any]:
        return {column.lower(): value for name, value in given.items() for column in (name, *by_name.get(name, ()))}

    labels = {
        column: {code: None if label is None else str(label) for code, label in codes.items()}
        for column, codes in by_column(columns.values).items()
    }
    words = by_column(columns.missing) if isinstance(columns.missing, Mapping) else {"*": columns.missing}
    missing = {c: frozenset(str(word).lower() for word in some) for c, some in words.items() if some is not None}
    return Reading(labels, missing)


def _reason(error: ValueError) -> str:
    """Return the error in one line, without the row's own text."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        return f"{path}: {str(first['msg']).removeprefix('Value error, ')}"
    return str(error)


def _format(kind: Kind, options: ImportOptions) -> PopulationFormat:
    name, names = options.format, PERSONAS if kind == "personas" else TASKS
    if name not in names:
        other: Kind = "tasks" if kind == "personas" else "personas"
        if name.lower() in _TABLES:
            raise ConfigError(f"--as: unknown format {name!r}; --as table reads it")
        if name in (*PERSONAS, *TASKS):
            raise ConfigError(f"--as: {name} is a format of {other}; see `scai {other} import`")
        raise ConfigError(f"--as: unknown format {name!r}{did_you_mean(name, names)}")
    module = import_module(f"scai_cli.populations.formats.{name.replace('-', '_')}")
    if options.groups and not hasattr(module, "GROUPS"):
        raise ConfigError(f"--groups: the format {name} has no opinion groups; leave --groups out")
    form: PopulationFormat = getattr(module, "GROUPS" if options.groups else kind.upper())
    if options.columns is not None and not form.mapped:
        raise ConfigError(f"--map: the format {name} has fixed columns; use --as table, or leave --map out")
    return form
