"""Nemotron-Personas (NVIDIA; any country): JSONL or Parquet with uuid, texts by field of life, lists, demographics."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scai_cli.experiment.scalars import Scalar
from scai_cli.populations.clean_text import BadRow, fact, one_line, sentence, tidy
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.text.names import common_name
from scai_cli.text.words import EAST_ASIAN

_RENAMED: Final = {"sex": "gender", "education_level": "education", "bachelors_field": "field_of_study"}
_NO_FACTS: Final = frozenset((
    "uuid", "persona", "cultural_background", "skills_and_expertise", "hobbies_and_interests",
    "career_goals_and_ambitions",
))  # fmt: skip
_SHOWN_OF_A_LIST: Final = 8
_NAMES: Final = ("name", "full_name", "first_name", "middle_name", "last_name", "given_name", "family_name", "surname")
_JOINED: Final = re.compile(f"[{EAST_ASIAN}\uac00-\ud7a3]{{1,12}}")
"""Names of Chinese, Japanese and Korean people, which are written without a space and begin with the family's."""


def drafts(values: Mapping[str, Any]) -> Iterator[PersonaDraft]:
    """Describe the persona by background, hobbies and skills; texts by field (sports, arts) become stances."""
    if not isinstance(values.get("uuid"), str) or not values["uuid"]:
        raise BadRow("has no uuid")
    by_field = {
        key.removesuffix("_persona"): tidy(value, key)
        for key, value in values.items()
        if key.endswith("_persona") and value
    }
    texts = [tidy(values.get(key), key) for key in ("persona", "cultural_background")]
    texts.append(_listed("Hobbies and interests", values, "hobbies_and_interests_list"))
    texts.append(_listed("Skills", values, "skills_and_expertise_list"))
    description = " ".join(sentence(text) for text in texts if text)
    if not description and not by_field:
        raise BadRow("has no persona text")
    yield PersonaDraft(
        key=values["uuid"],
        name=_name(values) or common_name([text for text in (texts[0], *by_field.values()) if text]),
        description=description or next(iter(by_field.values())),
        attributes=_attributes(values),
        stances={field: text for field, text in by_field.items() if text},
    )


def _attributes(values: Mapping[str, Any]) -> dict[str, Scalar]:
    attributes = {}
    for key, value in values.items():
        if key not in _NO_FACTS and key not in _NAMES and not key.endswith(("_persona", "_list")):
            known = fact(value.replace("_", " ") if type(value) is str else value, key)
            if known is not None:
                attributes[_RENAMED.get(key, key)] = known
    return attributes


def _listed(title: str, values: Mapping[str, Any], key: str) -> str:
    """Return a sentence for a list column, whose cells are Python lists as text."""
    given = values.get(key)
    parts: Any = given
    if isinstance(given, str):
        try:
            parts = ast.literal_eval(given) if len(given) < 10_000 else []
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            parts = given.strip("[]").split(",")
    if not isinstance(parts, list | tuple):
        return ""
    names = [one_line(part, key) for part in parts if isinstance(part, str)]
    return f"{title}: {', '.join(names[:_SHOWN_OF_A_LIST])}" if names else ""


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


PERSONAS: Final = PopulationFormat(drafts, "Nemotron-Personas", "CC BY 4.0")
