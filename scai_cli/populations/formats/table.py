"""Any table (CSV, JSONL, JSON list, Parquet, Hub): fields from a column map, or from columns with their names."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast, get_args

from scai_cli.experiment.personas import Scalar
from scai_cli.populations.clean_text import BadRow, fact, one_line, sentence, tidy
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat, TaskDraft
from scai_cli.populations.tables.row import plain_number
from scai_cli.values import Split

_SPLITS: Final = {**{name: name for name in get_args(Split)}, "validation": "dev", "val": "dev", "training": "train"}
_BIOGRAPHY: Final = ("description", "persona", "biography", "bio", "self_description")
_PROMPT: Final = ("prompt", "question", "text", "task")


def people(values: Mapping[str, Any], columns: ColumnMap | None = None) -> Iterator[PersonaDraft]:
    """Make one persona; without a map `stances.x` and `preferences.x` are read, and other columns become attributes."""
    chosen = columns or _by_name(tuple(values))
    texts = (tidy(_cell(values, column), column) for column in chosen.descriptions)
    description = " ".join(sentence(text) for text in texts if text)
    name = one_line(_cell(values, chosen.name), "the name")
    attributes = _attributes(values, chosen)
    if not description and not attributes:
        raise BadRow("has neither a description nor attributes; name the columns with --map")
    stances = {topic: tidy(_cell(values, column), column) for topic, column in chosen.stances.items()}
    weights = {trait: _number(values, column) for trait, column in chosen.preferences.items()}
    weight = _number(values, chosen.weight)
    yield PersonaDraft(
        key=one_line(str(_cell(values, chosen.id) or "")) or name or description,
        name=name,
        description=description,
        attributes=attributes,
        stances={topic: text for topic, text in stances.items() if text},
        preferences={trait: value for trait, value in weights.items() if value is not None},
        weight=1.0 if weight is None else weight,
        split=_split(_cell(values, chosen.split)),
    )


def tasks(values: Mapping[str, Any], columns: ColumnMap | None = None) -> Iterator[TaskDraft]:
    """Make one task; without a map its prompt is in `prompt`, `question`, `text` or `task`."""
    given = columns or ColumnMap()
    column = given.prompt or next((name for name in _PROMPT if values.get(name)), None)
    prompt = tidy(_cell(values, column), "the prompt")
    if not prompt:
        raise BadRow(f"has no text in a column {', '.join(_PROMPT)}" if column is None else f"{column!r} is empty")
    yield TaskDraft(
        key=one_line(str(_cell(values, given.id or _if_there(values, "id")) or "")) or prompt,
        prompt=prompt,
        kind=one_line(_cell(values, given.kind or _if_there(values, "kind")), "the kind") or "question",
        topic=one_line(_cell(values, given.topic or _if_there(values, "topic")), "the topic"),
        split=_split(_cell(values, given.split or _if_there(values, "split"))),
    )


@lru_cache(maxsize=64)
def _by_name(values: tuple[str, ...]) -> ColumnMap:
    """Return the map of a table whose columns are named like the fields."""

    def named(*names: str) -> str | None:
        return next((key for key in values if key.lower() in names), None)

    def under(part: str) -> dict[str, str]:
        return {key.removeprefix(part): key for key in values if key.startswith(part) and len(key) > len(part)}

    return ColumnMap(
        id=named("id", "uuid", "user_id"),
        name=named("name"),
        description=named(*_BIOGRAPHY),
        weight=named("weight"),
        split=named("split"),
        stances=under("stances."),
        preferences=under("preferences."),
    )


def _attributes(values: Mapping[str, Any], chosen: ColumnMap) -> dict[str, Scalar]:
    wanted = chosen.facts
    if wanted is None:
        used = {chosen.id, chosen.name, chosen.weight, chosen.split, *chosen.descriptions}
        used |= {*chosen.stances.values(), *chosen.preferences.values()}
        wanted = {key: key for key in values if key not in used}
    known = ((one_line(name), fact(_cell(values, column), f"the column {column!r}")) for name, column in wanted.items())
    return {name: value for name, value in known if value is not None}


def _cell(values: Mapping[str, Any], column: str | None) -> Any:
    if column is None:
        return None
    if column not in values:
        raise BadRow(f"has no column {column!r}")
    return values[column]


def _if_there(values: Mapping[str, Any], column: str) -> str | None:
    return column if column in values else None


def _number(values: Mapping[str, Any], column: str | None) -> float | None:
    given = _cell(values, column)
    if given in (None, ""):
        return None
    try:
        return float(plain_number(given, values) if isinstance(given, str) else given)
    except (TypeError, ValueError):
        raise BadRow(f"the column {column!r} has no number") from None


def _split(given: Any) -> Split | None:
    if given in (None, ""):
        return None
    if str(given).strip().lower() not in _SPLITS:
        raise BadRow(f"the split {str(given)[:40]!r} is not one of train, dev, test")
    return cast("Split", _SPLITS[str(given).strip().lower()])


PERSONAS: Final = PopulationFormat(people, mapped=people)
TASKS: Final = PopulationFormat(tasks, mapped=tasks)
