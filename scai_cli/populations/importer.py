"""Importing: rows of somebody's file -> personas or tasks in a file of ours, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scai_cli.errors import ConfigError
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.provenance import ItemSource
from scai_cli.experiment.tasks import Task
from scai_cli.populations.clean_text import Ids
from scai_cli.populations.column_map import ColumnMap, read_columns
from scai_cli.populations.drafts import PopulationFormat
from scai_cli.populations.formats import PERSONAS, TASKS
from scai_cli.populations.population_file import population_file
from scai_cli.populations.table_rows import Say, TableRow
from scai_cli.values import did_you_mean

_SAID = 20
"""How many bad rows are told one by one."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to import: FILE in a format, at most `limit` items, with a column map; bad rows stop it or are skipped."""

    file: str
    format: str
    limit: int | None = None
    columns: Path | None = None
    skip_bad: bool = False


@dataclass(slots=True)
class ImportResult:
    """How many were written and how many rows were bad."""

    items: int = 0
    bad: int = 0


def import_personas(job: ImportOptions, out: Path, say: Say) -> ImportResult:
    """Write the personas of a file; raises ConfigError for a bad row unless those are skipped, and then says them."""
    return _imported(job, out, PERSONAS, say)


def import_tasks(job: ImportOptions, out: Path, say: Say, topic: str = "", kind: str = "") -> ImportResult:
    """Write the tasks of a file, as `import_personas` does; a topic or a kind that is given stands for all of them."""
    return _imported(job, out, TASKS, say, {name: text for name, text in (("topic", topic), ("kind", kind)) if text})


def _imported(
    job: ImportOptions,
    out: Path,
    formats: Mapping[str, PopulationFormat],
    say: Say,
    changes: Mapping[str, str] | None = None,
) -> ImportResult:
    done = ImportResult()
    with population_file(out, "personas" if formats is PERSONAS else "tasks") as write:
        for item in _items(job, _format(job, formats), say, done):
            write(item.model_copy(update=dict(changes)) if changes else item)
            done.items += 1
            if done.items == job.limit:
                break
        if not done.items:
            raise ConfigError(f"{job.file}: holds nothing that could be imported as {job.format}")
    if done.bad > _SAID:
        say(f"{job.file}: {done.bad - _SAID:,} more bad rows")
    return done


def _items(job: ImportOptions, form: PopulationFormat, say: Say, done: ImportResult) -> Iterator[Persona | Task]:
    columns = read_columns(job.columns) if job.columns else ColumnMap()
    name, licence = columns.source or form.source or Path(job.file).name, columns.licence or form.licence
    given, ids = columns if job.columns else None, Ids()
    for row in form.rows(job.file, say):
        try:
            found = list(form.drafts(_value(row), given))
            source = ItemSource(name=name, licence=licence, row=row.number)
            made = [draft.item(ids.take(draft.key, row.number), source) for draft in found]
        except ValueError as error:
            problem = ConfigError.at(job.file, row.line, f"row {row.number}", _reason(error))
            if not job.skip_bad:
                raise ConfigError(f"{problem}; --skip-bad leaves such rows out") from None
            done.bad += 1
            if done.bad <= _SAID:
                say(f"{problem} (skipped)")
            continue
        yield from made


def _value(row: TableRow) -> Any:
    if row.problem is not None:
        raise ValueError(row.problem)
    return row.value


def _reason(error: ValueError) -> str:
    """In one line what is wrong, without what the row says itself."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {str(first['msg']).removeprefix('Value error, ')}"
    return str(error)


def _format(job: ImportOptions, formats: Mapping[str, PopulationFormat]) -> PopulationFormat:
    form = formats.get(job.format)
    if form is None:
        raise ConfigError(f"--as: there is no format {job.format!r}{did_you_mean(job.format, formats)}")
    if job.columns is not None and not form.mapped:
        raise ConfigError(f"--map: the format {job.format} has columns of its own; --as table takes a map")
    return form
