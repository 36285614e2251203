"""Read a form from a model's answer: the last object that fits it, and never the example of the prompt."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from scai_cli.runs.records import Mark
from scai_cli.simulation.placeholders import is_placeholder, placeholders_in
from scai_cli.text.loose_json import FoundObject, find_objects
from scai_cli.text.scale_numbers import read_on_scale

Form = TypeVar("Form", bound=BaseModel)

_QUOTE: Final = "[\"'“”„‘’]"
_FENCED_THOUGHTS: Final = re.compile(r"\A\s*```think(?:ing)?\n.*?(?:\n```|\Z)", re.DOTALL)
_LATER: Final = re.compile(
    r"^[^a-z0-9\n]{0,12}(?:final |my |overall )?(?:rating|score|ranking)[\"'*_ \t]{0,4}[:=|>\n][\W_]{0,12}(\w+)",
    re.IGNORECASE | re.MULTILINE,
)
"""A line after the object that gives a value once more."""
_MARKS: Final = re.compile(rf"(?:\s|{_QUOTE})+")


def read_form(
    text: str, form: type[Form], context: object = None, *, example: str = "", whole: bool = True
) -> tuple[Form, tuple[Mark, ...]]:
    """Return the last object of the form in an answer, with its marks; raises ValueError for none or a doubtful one.

    The last object that has a key of the form decides: one with faults, placeholders or wrong values is not replaced
    by an earlier one. `example`, the form's text in the prompt, counts nowhere. An object that is open at the end is
    completed in a `whole` answer only.
    """
    found = _last_object(_FENCED_THOUGHTS.sub("", text), form, example, whole=whole)
    if found.data is None:
        raise ValueError("the JSON object has faults")
    known, _, quoted = _keys(form)
    if found.repaired and not all(key in known or key.isidentifier() for key in found.data):
        raise ValueError("the JSON object has faults and odd keys")
    for said in _texts(found.data):
        if is_placeholder(said, placeholders_in(example)):
            raise ValueError(f"{said.strip()!r} is a placeholder, not a text")
        if "{" in said and quoted.search(said, said.find("{")):
            raise ValueError("a text in the JSON object contains JSON")
    return form.model_validate(found.data, context=context), tuple(_marks(found, context))


def _last_object(text: str, form: type[BaseModel], example: str, *, whole: bool) -> FoundObject:
    known, key, quoted = _keys(form)
    last, end = None, 0
    for found in find_objects(text, whole=whole):
        shown = text[found.start : found.end]
        if not key.search(shown):
            continue
        end = found.end
        for candidate in _with_key(found, known):
            if not _is_example(candidate, shown, example):
                last = candidate
    if last is None:
        raise ValueError("there is no JSON object in the answer")
    same = str((last.data or {}).get("rating"))
    if quoted.search(text, end) or any(later[1] != same for later in _LATER.finditer(text, end)):
        raise ValueError("more of a JSON object comes after the last one")
    return last


def _with_key(found: FoundObject, known: frozenset[str]) -> Iterator[FoundObject]:
    """Yield an object if it has a key of the form or may have had one, else the objects in it that have one."""
    data = _named(found.data, known)
    if data is None or not known.isdisjoint(data) or found.repaired:
        yield replace(found, data=data)
        return
    for value in data.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from _with_key(replace(found, data=inner), known)


def _named(data: dict[str, Any] | None, known: frozenset[str]) -> dict[str, Any] | None:
    """Return an object with the form's keys in lower case, or None if it has one of them twice."""
    named = {name if (name := key.strip().lower()) in known else key: value for key, value in (data or {}).items()}
    return named if data is not None and len(named) == len(data) else None


def _is_example(found: FoundObject, shown: str, example: str) -> bool:
    if _without_marks(example).startswith(_without_marks(shown)):
        return True
    texts = list(_texts(found.data))
    return bool(texts) and all(is_placeholder(said, placeholders_in(example)) for said in texts)


def _without_marks(text: str) -> str:
    return _MARKS.sub("", text)


def _marks(found: FoundObject, context: object) -> Iterator[Mark]:
    if found.repaired:
        yield "repaired"
    rating = found.data.get("rating") if found.data else None
    read = read_on_scale(rating, *context) if isinstance(rating, str) and isinstance(context, tuple) else None
    if read is not None and read.converted:
        yield "converted"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


@cache
def _keys(form: type[BaseModel]) -> tuple[frozenset[str], re.Pattern[str], re.Pattern[str]]:
    """Return the keys of a form, a pattern for one with its colon, and one for one in quotes."""
    known = frozenset(field.alias or name for name, field in form.model_fields.items())
    names = "|".join(sorted(known))
    return known, re.compile(rf"\b(?i:{names})\b{_QUOTE}?\s*:"), re.compile(rf"{_QUOTE}(?i:{names}){_QUOTE}")
