"""Drafts: the personas and tasks that a format makes from a row, still without id and source."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scai_cli.experiment.scalars import Scalar
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.table_rows import Notify, TableRow, rows
from scai_cli.values import Split


@dataclass(frozen=True)
class PersonaDraft:
    """A persona without id and source; the importer makes its id from `key`, and takes the other fields as they are."""

    key: str
    name: str = ""
    description: str = ""
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    stances: Mapping[str, str] = field(default_factory=dict)
    preferences: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0
    split: Split | None = None


@dataclass(frozen=True)
class TaskDraft:
    """A task without id and source, likewise."""

    key: str
    prompt: str
    kind: str = "question"
    topic: str = ""
    split: Split | None = None


Draft = PersonaDraft | TaskDraft


@dataclass(frozen=True, slots=True)
class PopulationFormat:
    """A format of personas or tasks.

    1. `rows` opens the file and yields its rows; it reports warnings to `Notify`.
    2. `drafts` makes drafts from one row's value; it raises BadRow (or ValueError) for a bad row.
    3. The importer gives each draft an id and a source, and validates it.
    """

    drafts: Callable[[Any], Iterable[Draft]]
    source: str = ""
    """The name of the dataset; the file's name if empty."""
    licence: str = ""
    """The licence of the dataset, if known."""
    rows: Callable[[str, Notify], Iterator[TableRow]] = rows
    any_value: bool = False
    """Whether `drafts` accepts values other than mappings."""
    mapped: Callable[[Any, ColumnMap], Iterable[Draft]] | None = None
    """Makes drafts by a column map; None for a format with fixed columns."""
