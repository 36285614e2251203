"""Read the column map, which assigns the columns of a table to the fields of a persona or a task."""

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
    """Field -> column, from the YAML file of `--map FILE`."""

    id: Column | None = None
    """Column for the id."""
    name: Column | None = None
    """Column with the persona's name."""
    description: Column | tuple[Column, ...] | None = None
    """Column of the biography, or several, joined in this order."""
    attributes: Mapping[str, Column] | tuple[Column, ...] | None = None
    """Attribute -> column, or a list of columns that keep their names; if left out, all unused columns."""
    stances: Mapping[str, Column] = {}
    """Task id or topic -> column with a stance."""
    preferences: Mapping[str, Column] = {}
    """Trait -> column with a weight from -1 to 1."""
    weight: Column | None = None
    """Column with the number of people that a row represents."""
    split: Column | None = None
    """Column with train, dev or test."""
    prompt: Column | None = None
    """Column with a task's prompt."""
    kind: Column | None = None
    """Column with a task's kind."""
    topic: Column | None = None
    """Column with a task's topic."""
    source: Text = ""
    """The name of the dataset."""
    licence: Text = ""
    """The licence of the dataset."""

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
    """Read a column map; raises ConfigError with the line of the mistake."""
    source = read_yaml(path)
    try:
        columns = ColumnMap.model_validate(source.data)
    except ValidationError as error:
        raise explain(error, source, ColumnMap) from None
    for name in columns.preferences:
        if name not in TRAITS:
            raise source.error(("preferences", name), f"unknown trait{did_you_mean(name, TRAITS)}")
    return columns
