"""Scalars: single values of attributes, `where` and quotas, which prompts show character for character."""

import json
import math
import re
import unicodedata
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationInfo

from scai_cli.values import SAVED_FILE

Scalar = str | int | float
"""A value that `str()` prints as the file has it: a number only if Python and JSON print it in this spelling."""

_CANONICAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_NUMBER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,400})(?:\.[0-9]{1,400})?(?:[eE][-+]?[0-9]{1,3})?")
"""Without a leading zero: 01234 is a code."""
_MOST_DIGITS: Final = 15
"""All digits of a float that survive reading and printing."""
_LARGEST: Final = 10**_MOST_DIGITS


class SpelledFloat(float):
    """A number of JSON that would be printed otherwise than it is written, e.g. 1.10."""

    spelling: str


def scalar(text: str) -> Scalar:
    """Return the number that prints as the text, else the text: `str(scalar(text)) == text`."""
    if len(text) > _MOST_DIGITS + text.count("-") + text.count(".") or not _CANONICAL.fullmatch(text):
        return text
    value = float(text) if "." in text else int(text)
    return value if str(value) == text else text


def read_json(text: str) -> Any:
    """Parse JSON as `json.loads` does; a number that would be printed otherwise keeps its spelling.

    Raises ValueError for a key that occurs twice in an object, as one of its values would be lost.
    """
    return (_WITH_ZEROS if "-0" in text else _DECODER).decode(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:80]!r} occurs twice in an object")
    return found


def _float(text: str) -> float:
    value = float(text)
    if str(value) == text:
        return value
    spelled = SpelledFloat(value)
    spelled.spelling = text
    return spelled


def _integer(text: str) -> int | float:
    return _float(text) if text == "-0" else int(text)


# A function for every integer would take a third of the time of a large file.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float)
_WITH_ZEROS: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_integer)


def written(value: object) -> str | None:
    """Return a value of YAML, JSON or Parquet as it is written; None for none, NaN, infinity, lists and mappings."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, SpelledFloat):
        return value.spelling
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    return None


def composed(value: Scalar) -> str:
    """Return the written text, composed (NFC), as the same letter can be written in two ways."""
    return unicodedata.normalize("NFC", str(value))


def values_of(wanted: Scalar | tuple[Scalar, ...]) -> tuple[str, ...]:
    """Return the values of a condition, one or several, composed as they are compared."""
    return tuple(map(composed, wanted if isinstance(wanted, tuple) else (wanted,)))


def number(value: object) -> float | None:
    """Return the finite number that is written, for arithmetic; None for other values, and for codes such as 01234."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def as_scalar(value: Any) -> Scalar:
    """Return a value of a file as a scalar; text stays text. Raises ValueError for anything but a single value."""
    if isinstance(value, str) or (type(value) is int and -_LARGEST < value < _LARGEST):
        return value
    text = written(value)
    if text is None:
        raise ValueError("must be one value; join a list into one text, and leave unknown values out")
    return scalar(text)


def _validated(value: Any, info: ValidationInfo) -> Scalar:
    if info.context == SAVED_FILE and isinstance(value, int | float):
        return value  # versions before 0.9 saved booleans and 1e-05, and showed them as `str()` does
    return as_scalar(value)


AnyScalar = Annotated[str | int | float | bool, BeforeValidator(_validated)]
"""A scalar in a file: a boolean becomes `true` or `false`."""
