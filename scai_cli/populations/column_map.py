"""The column map: which columns of a table hold which fields of a persona or a task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from scai_cli.experiment.yaml_source import explain, read_yaml
from scai_cli.measures.catalogue import TRAITS
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import Text, Value

Column = Annotated[str, Field(min_length=1)]


class ColumnMap(Value):
    """Field -> column, as `--map FILE` gives it in YAML."""

    id: Column | None = None
    """The column from which the id is made."""
    name: Column | None = None
    """The person's name."""
    description: Column | tuple[Column, ...] | None = None
    """The biography; several columns are joined in this order."""
    attributes: Mapping[str, Column] | tuple[Column, ...] | None = None
    """Attribute -> column, or columns that keep their names; all columns without another use if left out."""
    stances: Mapping[str, Column] = {}
    """Task id or topic -> column."""
    preferences: Mapping[str, Column] = {}
    """Trait -> column of weights from -1 to 1."""
    weight: Column | None = None
    """The number of people that a row represents."""
    split: Column | None = None
    """train, dev or test."""
    prompt: Column | None = None
    """A task's prompt."""
    kind: Column | None = None
    """A task's kind."""
    topic: Column | None = None
    """A task's topic."""
    source: Text = ""
    """The name of the data set."""
    licence: Text = ""
    """The terms of the data set."""

    @property
    def descriptions(self) -> tuple[str, ...]:
        """The columns of the biography."""
        return (self.description,) if isinstance(self.description, str) else self.description or ()

    @property
    def facts(self) -> Mapping[str, str] | None:
        """Attribute -> column; None for all columns without another use."""
        if self.attributes is None or isinstance(self.attributes, Mapping):
            return self.attributes
        return {column: column for column in self.attributes}


def read_columns(path: Path) -> ColumnMap:
    """Read a column map; raises ConfigError with the line of a mistake."""
    source = read_yaml(path)
    try:
        columns = ColumnMap.model_validate(source.data)
    except ValidationError as error:
        raise explain(error, source, ColumnMap) from None
    for name in columns.preferences:
        if name not in TRAITS:
            raise source.error(("preferences", name), f"unknown trait{did_you_mean(name, TRAITS)}")
    return columns
