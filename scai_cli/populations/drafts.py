"""Drafts: the personas and tasks that a format makes from a row, still without id and source."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from scai_cli.experiment.scalars import Scalar
from scai_cli.populations.account import Account
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.record import Record
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
    weight: float | None = None
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
Drafted = tuple[Draft, TableRow]
"""A draft and the row that it comes from."""
Fold = Callable[[Iterable[Drafted], Account], Iterator[Drafted]]
"""Merges drafts of several rows, and enters that in the account."""


@dataclass(frozen=True, slots=True)
class PopulationFormat:
    """A format of personas or tasks.

    1. `rows` opens the file and yields its rows; it reports warnings to `Notify`. A text is the object {"text": ...}.
    2. `drafts` makes drafts from a row; it raises ValueError (BadRow) for a bad one, LeftOut for one without an item.
    3. `fold`, if there is one, merges drafts.
    4. The importer gives each draft an id and a source, and validates it.
    """

    drafts: Callable[[Record, ColumnMap | None], Iterable[Draft]]
    source: str = ""
    """The name of the dataset; the file's name if empty."""
    licence: str = ""
    """The licence of the dataset, if known."""
    rows: Callable[[str, Notify], Iterator[TableRow]] = rows
    open: bool = False
    """Whether columns that nobody named become attributes, so that the file has to be looked over first."""
    mapped: bool = False
    """Whether `drafts` takes a column map."""
    fold: Fold | None = None
