"""Any table (CSV, JSONL, JSON, Parquet, Excel, Hub): fields from a column map, or from columns with their names."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast, get_args

from scai_cli.experiment.scalars import Scalar, number
from scai_cli.populations.chat_rows import TEXTS, first_request, is_messages, role_of
from scai_cli.populations.clean_text import BadRow, LeftOut, one_line, sentence, tidy
from scai_cli.populations.column_map import ColumnMap, Columns, several
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat, TaskDraft
from scai_cli.populations.identifiers import LONG_CODES, identifier
from scai_cli.populations.nested import leaves
from scai_cli.populations.record import Record
from scai_cli.populations.tables.row import plain_number
from scai_cli.values import Split

_SPLITS: Final = {**{name: name for name in get_args(Split)}, "validation": "dev", "val": "dev", "training": "train"}
_ASKED: Final = ("prompt", "question", "text", "task", "instruction", "query")
_CHATS: Final = ("messages", "conversations", "conversation", "input", "inputs", "chosen")
_PROMPTS: Final = (*_ASKED, *_CHATS, *(f"{outer}.{key}" for outer in ("data", "vars") for key in _ASKED))
_RANGES: Final = ("from -1 to 1", "above 0")
_SCAI: Final = "the source and the model of a persona of scai"
_MAP: Final = "in a file, and add --map FILE"


def people(row: Record, columns: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Make one persona; without a map `stances.x` and `preferences.x` are read, and other columns become attributes."""
    chosen = columns or _by_name(row)
    key, name = row.line(chosen.person or chosen.id, "id"), _joined(row, chosen.name, "name", " ")
    texts = [row.text(column, "description") for column in several(chosen.description)]
    stances = {topic: row.text(column, f"stances.{topic}") for topic, column in chosen.stances.items()}
    weights = {trait: _number(row, column, f"preferences.{trait}") for trait, column in chosen.preferences.items()}
    weight, split = _number(row, chosen.weight, "weight"), _split(row, chosen.split)
    for topic, text in _stance_of_row(row, chosen).items():
        stances[topic] = "; ".join(filter(None, (stances.get(topic), text)))
    attributes: dict[str, Scalar] = {}
    if chosen.facts is None:
        inner = row.part("attributes")
        if inner.values:  # a file of scai
            row.leave_out_all({_SCAI: ("source", "model")})
        texts += [*inner.long_rest(), *row.long_rest()]
        attributes = inner.rest()
        attributes |= row.rest(taken=attributes)
    else:
        named = ((attribute, _fact(row, given, attribute)) for attribute, given in chosen.facts.items())
        attributes = {one_line(attribute): value for attribute, value in named if value is not None}
    description = " ".join(sentence(text) for text in texts if text)
    if not (description or attributes or any(stances.values()) or row.reading.looking):
        if any(into.startswith(("attributes", "description", "stances")) for into in row.reads.into.values()):
            raise LeftOut("nothing known")
        raise BadRow(f"has neither a description nor attributes; write `description: COLUMN` {_MAP}{_there(row)}")
    if chosen.person and not key:
        raise BadRow(f"has nothing in the column {chosen.person!r} of `person:`")
    yield PersonaDraft(
        key=key or name or description,
        name=name,
        description=description,
        attributes=attributes,
        stances={topic: text for topic, text in stances.items() if text},
        preferences={trait: value for trait, value in weights.items() if value is not None},
        weight=weight,
        split=split,
    )


def tasks(row: Record, columns: ColumnMap | None) -> Iterator[TaskDraft]:
    """Make one task; without a map from the first column that has a prompt, a list of messages or a tree of them."""
    chosen = columns or ColumnMap()
    if not chosen.where and (role := role_of(row.values)):
        if role == "other":
            raise LeftOut("answers and system messages (by their role)")
        if leaves(row.values.get("parent_id")):
            raise LeftOut("replies to another message (parent_id)")
    found = several(chosen.prompt) or (row.first(_PROMPTS),)
    if found[0] is None:
        raise BadRow(f"has no prompt in a column {', '.join(_ASKED)}; write `prompt: COLUMN` {_MAP}{_there(row)}")
    asked = [_request(row, column) for column in found if column]
    if columns is None and found == ("instruction",) and isinstance(row.values.get("input"), str):  # Alpaca's
        asked.append(row.text("input", "prompt"))
    prompt = "\n\n".join(filter(None, asked))
    if not prompt:
        raise BadRow(f"the column {found[0]!r} is empty")
    yield TaskDraft(
        key=row.line(chosen.id or row.first(("id",)), "id") or prompt,
        prompt=prompt,
        kind=row.line(chosen.kind or row.first(("kind",)), "kind") or "question",
        topic=row.line(chosen.topic or row.first(("topic",)), "topic"),
        split=_split(row, chosen.split or row.first(("split",))),
    )


def _request(row: Record, column: str) -> str:
    """Return what the user asks in a column: its text, or the first message of the user."""
    found = row.find(column)
    value = None if found is None else found[1]
    if isinstance(value, Mapping) and (inner := next((key for key in TEXTS if isinstance(value.get(key), str)), None)):
        return _request(row, f"{column}.{inner}")
    request = first_request(value)
    if request is None:
        if is_messages(value):
            raise BadRow(f"the list of messages in {column!r} has none of a user (role user, human or prompter)")
        if leaves(value):
            raise BadRow(f"the column {column!r} has no text and no list of messages; write `prompt: COLUMN` {_MAP}")
        return ""
    row.take(column, "prompt")
    if not isinstance(value, str):
        row.leave_out(column, "not the first message of the user", leaves(value) - 1)
    return tidy(request, "the prompt")


def _by_name(row: Record) -> ColumnMap:
    """Return the map of a table whose columns are named like the fields; an address is neither an id nor a text."""
    columns = _named_like_fields(tuple(row.values))

    def has_identifier(column: str) -> bool:
        found = row.find(column)
        kind = identifier(str(found[1])) if found else None
        return kind is not None and not (kind == LONG_CODES and column == columns.id)

    changes: dict[str, Any] = {
        field: None
        for field, column in (("id", columns.id), ("name", columns.name), ("description", columns.description))
        if isinstance(column, str) and has_identifier(column)
    }
    for field in ("stances", "preferences"):
        if isinstance(inner := row.values.get(field), Mapping):
            changes[field] = {**getattr(columns, field), **{key: f"{field}.{key}" for key in inner}}
    stances: Mapping[str, str] = changes.get("stances", columns.stances)
    if any(map(has_identifier, stances.values())):
        changes["stances"] = {topic: column for topic, column in stances.items() if not has_identifier(column)}
    return columns.model_copy(update=changes) if changes else columns


@lru_cache(maxsize=64)
def _named_like_fields(names: tuple[str, ...]) -> ColumnMap:
    low = {name.lower(): name for name in reversed(names)}

    def named(*known: str) -> str | None:
        return next((low[name] for name in known if name in low), None)

    def under(part: str) -> dict[str, str]:
        return {name.removeprefix(part): name for name in names if name.startswith(part) and len(name) > len(part)}

    first, last = named("first name", "first_name", "firstname"), named("last name", "last_name", "lastname")
    is_body_weight = any(name.startswith("height") or name in ("ht", "bmi") for name in low)
    return ColumnMap(
        id=named("id", "uuid", "user_id"),
        name=named("name", "full name", "full_name", "fullname") or ((first, last) if first and last else None),
        description=named("description", "persona", "biography", "bio", "self_description"),
        weight=None if is_body_weight else named("weight"),
        split=named("split"),
        stances=under("stances."),
        preferences=under("preferences."),
    )


def _stance_of_row(row: Record, chosen: ColumnMap) -> dict[str, str]:
    if chosen.per_row is None:
        return {}
    given, columns = chosen.per_row.topic, several(chosen.per_row.stance)
    topic, parts = row.line(given, "stances"), {column: row.text(column, "stances") for column in columns}
    said = {column: text for column, text in parts.items() if text}
    if topic and said:
        return {topic: "; ".join(text if len(columns) == 1 else f"{column}: {text}" for column, text in said.items())}
    for column in said:
        row.leave_out(column, "a stance without a topic", 1)
    if topic:
        row.leave_out(given, "a topic without a stance", 1)
    return {}


def _joined(row: Record, columns: Columns | None, into: str, separator: str) -> str:
    return separator.join(filter(None, (row.line(column, into) for column in several(columns))))


def _fact(row: Record, columns: Columns, attribute: str) -> Scalar | None:
    into = f"attributes.{one_line(attribute)}"
    if isinstance(columns, str):
        return row.fact(columns, into)
    return ", ".join(str(known) for column in columns if (known := row.fact(column, into)) is not None) or None


def _number(row: Record, column: str | None, into: str) -> float | None:
    """Return a weight, above 0, or a preference, from -1 to 1."""
    text = row.line(column, into)
    if not text or column is None:
        return None
    found = number(plain_number(text, row.values))
    if found is None:
        raise BadRow(f"the column {column!r} has no number; if it means something else, name the columns {_MAP}")
    if not (found > 0 if into == "weight" else -1 <= found <= 1):
        raise BadRow(f"the column {column!r} has {found:g}, not a number {_RANGES[into == 'weight']}")
    return found


def _split(row: Record, column: str | None) -> Split | None:
    text = row.line(column, "split")
    if text and text.lower() not in _SPLITS:
        raise BadRow(f"the split {text[:40]!r} is not one of train, dev, test")
    return cast("Split", _SPLITS[text.lower()]) if text else None


def _there(row: Record) -> str:
    names = [one_line(key)[:40] for key in row.values]
    return f" (columns: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''})" if names else ""


PERSONAS: Final = PopulationFormat(people, open=True, mapped=True)
TASKS: Final = PopulationFormat(tasks, mapped=True)
