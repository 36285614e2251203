"""Nemotron-Personas (NVIDIA; any country): JSONL or Parquet with uuid, texts by field of life, lists, demographics."""

import ast
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, Final

from scai_cli.experiment.scalars import Scalar
from scai_cli.populations.clean_text import BadRow, fact, one_line, sentence, tidy
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat

_RENAMED: Final = {"sex": "gender", "education_level": "education", "bachelors_field": "field_of_study"}
_NO_FACTS: Final = frozenset((
    "uuid", "persona", "cultural_background", "skills_and_expertise", "hobbies_and_interests",
    "career_goals_and_ambitions",
))  # fmt: skip
_SHOWN_OF_A_LIST: Final = 8
_LONGEST_NAME: Final = 4


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
        name=_name([text for text in (texts[0], *by_field.values()) if text]),
        description=description or next(iter(by_field.values())),
        attributes=_attributes(values),
        stances={field: text for field, text in by_field.items() if text},
    )


def _attributes(values: Mapping[str, Any]) -> dict[str, Scalar]:
    attributes = {}
    for key, value in values.items():
        if key not in _NO_FACTS and not key.endswith(("_persona", "_list")):
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


def _name(texts: list[str]) -> str:
    """Return the capitalised words that begin all texts ("Mary Alberti is ..."); "" if there are none."""
    if len(texts) < 2:
        return ""
    beginnings = zip(*(text.split(None, _LONGEST_NAME)[:_LONGEST_NAME] for text in texts), strict=False)
    same = takewhile(lambda words: len(set(words)) == 1 and words[0][:1].isupper(), beginnings)
    return " ".join(words[0].strip(",;:") for words in same)


PERSONAS: Final = PopulationFormat(drafts, "Nemotron-Personas", "CC BY 4.0")
