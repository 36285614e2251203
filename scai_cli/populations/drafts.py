"""What a format makes of a row: a persona or a task but for its id and source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scai_cli.experiment.personas import Persona, Scalar
from scai_cli.experiment.provenance import ItemSource
from scai_cli.experiment.tasks import Task
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.table_rows import Say, TableRow
from scai_cli.values import Split


@dataclass(frozen=True, slots=True)
class PersonaDraft:
    """A persona to be; `key` is what its id is made of."""

    key: str
    name: str = ""
    description: str = ""
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    stances: Mapping[str, str] = field(default_factory=dict)
    preferences: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0
    split: Split | None = None

    def item(self, item_id: str, source: ItemSource) -> Persona:
        """The persona; raises pydantic's ValidationError."""
        return Persona(
            id=item_id,
            name=self.name,
            description=self.description,
            attributes=self.attributes,
            stances=self.stances,
            preferences=self.preferences,
            weight=self.weight,
            split=self.split,
            source=source,
        )


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task to be; `key` is what its id is made of."""

    key: str
    prompt: str
    kind: str = "question"
    topic: str = ""
    split: Split | None = None

    def item(self, item_id: str, source: ItemSource) -> Task:
        """The task; raises pydantic's ValidationError."""
        return Task(id=item_id, prompt=self.prompt, kind=self.kind, topic=self.topic, split=self.split, source=source)


Draft = PersonaDraft | TaskDraft


@dataclass(frozen=True, slots=True)
class PopulationFormat:
    """How files of one kind are read: their rows, and what a row makes, which raises BadRow (or ValueError)."""

    rows: Callable[[str, Say], Iterator[TableRow]]
    drafts: Callable[[Any, ColumnMap | None], Iterable[Draft]]
    source: str = ""
    """The name of the data set; that of the file if empty."""
    licence: str = ""
    """Its terms, as far as they are known."""
    mapped: bool = False
    """Whether it takes a column map."""
