"""Nemotron-Personas (NVIDIA; any country): JSONL or Parquet with uuid, texts by field of life, lists, demographics."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scai_cli.experiment.scalars import Scalar
from scai_cli.populations.clean_text import BadRow, one_line, readable, sentence
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.record import Record
from scai_cli.text.names import common_name
from scai_cli.text.words import EAST_ASIAN

_RENAMED: Final = {"sex": "gender", "education_level": "education", "bachelors_field": "field_of_study"}
_TEXTS: Final = (
    *("persona", "cultural_background", "career_goals_and_ambitions", "skills_and_expertise", "hobbies_and_interests"),
)
_LISTS: Final = {"Hobbies and interests": "hobbies_and_interests_list", "Skills": "skills_and_expertise_list"}
_NAMES: Final = ("name", "full_name", "first_name", "middle_name", "last_name", "given_name", "family_name", "surname")
_JOINED: Final = re.compile(f"[{EAST_ASIAN}\uac00-\ud7a3]{{1,12}}")
"""Names of Chinese, Japanese and Korean people, which are written without a space and begin with the family's."""


def people(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Describe the persona by its texts and lists; texts by field (sports, arts) become stances, others attributes."""
    uuid = row.find("uuid")
    if uuid is None or not isinstance(uuid[1], str) or not uuid[1]:
        raise BadRow("has no uuid")
    key = row.line("uuid", "id")
    fields = {key: key.removesuffix("_persona") for key in row.values if key.endswith("_persona")}
    by_field = {field: row.text(key, f"stances.{field}") for key, field in fields.items()}
    texts = [row.text(key, "description") for key in _TEXTS]
    lists = [_listed(title, row, key) for title, key in _LISTS.items()]
    named = [text for text in (texts[0], *by_field.values()) if text]
    if not named and not any(texts) and not any(lists):
        raise BadRow("has no persona text")
    for column in _NAMES:
        row.take(column, "name")
    known = {name: row.fact(column, f"attributes.{name}") for column, name in _RENAMED.items()}
    more = row.long_rest()
    facts = known | row.rest(taken=[name for name, value in known.items() if value is not None])
    yield PersonaDraft(
        key=key,
        name=_name(row.values) or common_name(named),
        description=" ".join(map(sentence, filter(None, (*texts, *lists, *more)))) or named[0],
        attributes={name: _spaced(value) for name, value in facts.items() if value is not None},
        stances={field: text for field, text in by_field.items() if text},
    )


def _spaced(value: Scalar) -> Scalar:
    return value.replace("_", " ") if isinstance(value, str) else value


def _listed(title: str, row: Record, key: str) -> str:
    """Return a sentence for a list column, whose cells are Python lists as text."""
    given = row.take(key, "description")
    parts: Any = given
    if isinstance(given, str):
        try:
            parts = ast.literal_eval(given)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            parts = given.strip("[]").split(",")
    items = parts if isinstance(parts, list | tuple) else [parts]
    names = [name for name in (one_line(readable(item), key) for item in items) if name]
    return f"{title}: {', '.join(names)}" if names else ""


def _name(values: Mapping[str, Any]) -> str:
    """Return the name in the set's own columns; where names have no capital and no space, the family comes first."""
    known = {key: one_line(values[key], key) for key in _NAMES if isinstance(values.get(key), str)}
    if whole := known.get("name") or known.get("full_name"):
        return whole
    given = [known.get(key, "") for key in ("first_name", "given_name", "middle_name")]
    family = known.get("last_name") or known.get("family_name") or known.get("surname") or ""
    first, *more = dict.fromkeys(part for part in given if part) or ("",)
    if _JOINED.fullmatch(family + first):
        return family + first
    return " ".join(part for part in (first, *more, family) if part)


PERSONAS: Final = PopulationFormat(people, "Nemotron-Personas", "CC BY 4.0", open=True)
