"""Read the column map, which assigns the columns of a table to the fields of a persona or a task."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from scai_cli.experiment.measure_settings import check_preferences
from scai_cli.experiment.scalars import AnyScalar
from scai_cli.experiment.yaml_source import Key, YamlSource, explain, read_yaml
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import Text, Value

Column = Annotated[str, Field(min_length=1)]
Columns = Column | Annotated[tuple[Column, ...], Field(min_length=1)]
"""A column, or several that are joined in this order."""

Kind = Literal["personas", "tasks"]

_ONLY: Final[dict[Kind, tuple[str, ...]]] = {
    "personas": ("name", "description", "attributes", "stances", "preferences", "weight", "person", "per_row"),
    "tasks": ("prompt", "kind", "topic"),
}
"""The fields that only one kind of item has."""
_FREE: Final = ("where.*", "where.*.*", "values.*.*", "missing.*", "missing.*.*")
"""The places of a map that have values of cells."""


class PerRow(Value):
    """What each row adds to its person, where a person has several rows."""

    topic: Column
    """Column with the task id or topic that the row is about."""
    stance: Columns
    """Column with the person's opinion on it (a text, a rating); several are written as `column: value`."""


class ColumnMap(Value):
    """Field -> column, from the YAML file of `--map FILE`; `a.b` is the key b of the object a, whatever their case."""

    id: Column | None = None
    """Column for the id."""
    name: Columns | None = None
    """Column with the persona's name."""
    description: Columns | None = None
    """Column of the biography."""
    attributes: Mapping[str, Columns] | tuple[Column, ...] | None = None
    """Attribute -> column, or a list of columns that keep their names; if left out, all unused columns."""
    stances: Mapping[str, Column] = {}
    """Task id or topic -> column with a stance."""
    preferences: Mapping[str, Column] = {}
    """Measure -> column with a weight from -1 to 1."""
    weight: Column | None = None
    """Column with the number of people that a row represents."""
    split: Column | None = None
    """Column with train, dev or test."""
    prompt: Columns | None = None
    """Column with a task's prompt; of a list of messages, the first one of the user."""
    kind: Column | None = None
    """Column with a task's kind."""
    topic: Column | None = None
    """Column with a task's topic."""
    where: Mapping[str, AnyScalar | tuple[AnyScalar, ...]] = {}
    """Column -> the values, as written, of the rows to import."""
    values: Mapping[str, Mapping[str, AnyScalar | None]] = {}
    """Column -> code -> label; null for "not known"."""
    missing: Mapping[str, tuple[AnyScalar, ...]] | tuple[AnyScalar, ...] | None = None
    """Words for "not known", for all columns or by column; they replace scai's own."""
    person: Column | None = None
    """Column that is equal in all rows of a person; the rows become one persona."""
    per_row: PerRow | None = None
    """What each row of a person adds."""
    source: Text = ""
    """The name of the dataset."""
    licence: Text = ""
    """The licence of the dataset."""

    @property
    def facts(self) -> Mapping[str, Columns] | None:
        """Attribute -> column; None for all columns without another use."""
        if self.attributes is None or isinstance(self.attributes, Mapping):
            return self.attributes
        return {column: column for column in self.attributes}

    def columns(self) -> Iterator[tuple[tuple[Key, ...], str]]:
        """Yield every column that the map names, with its key path in the map."""
        single = ("id", "name", "description", "weight", "split", "prompt", "kind", "topic", "person")
        for key in single:
            yield from ((((key,)), column) for column in several(getattr(self, key)))
        yield from ((("where", column), column) for column in self.where)
        for key in ("values", "missing"):  # by column or by attribute
            given = getattr(self, key)
            names = given if isinstance(given, Mapping) else ()
            yield from (((key, name), name) for name in names if name not in (self.facts or ()))
        for name, columns in (self.facts or {}).items():
            yield from ((("attributes", name), column) for column in several(columns))
        for key in ("stances", "preferences"):
            yield from (((key, name), column) for name, column in getattr(self, key).items())
        if self.per_row is not None:
            yield ("per_row", "topic"), self.per_row.topic
            yield from ((("per_row", "stance"), column) for column in several(self.per_row.stance))


@dataclass(frozen=True, slots=True)
class MapFile:
    """A column map and the file that it comes from."""

    map: ColumnMap
    source: YamlSource


def several(columns: Columns | None) -> tuple[str, ...]:
    """Return the columns as a tuple, empty for None."""
    return (columns,) if isinstance(columns, str) else columns or ()


def read_columns(path: Path, kind: Kind) -> MapFile:
    """Read a column map for personas or tasks; raises ConfigError with the line of the mistake."""
    source = read_yaml(path, _FREE)
    _check_keys(source, kind)
    try:
        columns = ColumnMap.model_validate(source.data)
    except ValidationError as error:
        raise explain(error, source, ColumnMap) from None
    for name in columns.preferences:
        try:
            check_preferences([name])
        except ValueError as error:
            raise source.error(("preferences", name), str(error)) from None
    names = [" ".join(name.split()) for name in columns.facts or ()]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise source.error(("attributes",), f"the name {twice[:80]!r} occurs twice; change one")
    if columns.per_row is not None and columns.person is None:
        raise source.error(("per_row",), "needs `person:`, the column that is equal in all rows of a person")
    return MapFile(columns, source)


def _check_keys(source: YamlSource, kind: Kind) -> None:
    """Raise ConfigError for a file that is not a map, and for a key that does nothing for this kind of item."""
    if not isinstance(source.data, dict) or not source.data:
        example = "description: story" if kind == "personas" else "prompt: question"
        raise source.error((), f"is not a column map; write lines of FIELD: COLUMN, e.g. `{example}`")
    others = {key for other, keys in _ONLY.items() if other != kind for key in keys}
    known = [key for key in ColumnMap.model_fields if key not in others]
    for key in source.data:
        if key in others:
            raise source.error((key,), f"{kind} do not have this field; known are {', '.join(known)}")
        if key not in known:
            remedy = did_you_mean(key, known)
            facts = "; write an attribute as `attributes: {NAME: COLUMN}`" if kind == "personas" else ""
            raise source.error((key,), f"unknown key{remedy}{facts if 'known are' in remedy else ''}")
