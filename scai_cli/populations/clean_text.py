"""Clean texts from foreign files: remove control characters, limit lengths, make attributes and ids."""

import math
import re
from functools import lru_cache
from typing import Any, Final

from scai_cli.experiment.personas import Scalar
from scai_cli.text.characters import clean, folded, printable, without_hidden
from scai_cli.text.sentences import is_ended
from scai_cli.values import is_safe_id

LONGEST_TEXT: Final = 20_000
"""The most characters of a biography, a stance or a task; a longer text would fill the prompt."""
LONGEST_FACT: Final = 500
"""The most characters of an attribute."""

_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,10})?")
_UNKNOWN: Final = frozenset(("", "na", "n/a", "nan", "none", "null", "refused", "prefer not to say", "not applicable"))
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_LONGEST_SLUG: Final = 40
_ARTICLES: Final = frozenset(("a", "an", "the", "i", "am", "who", "is", "of", "and", "to", "in", "with"))


class BadRow(ValueError):
    """A row that cannot become a persona or a task; the message gives the reason."""


def tidy(value: Any, what: str = "the text") -> str:
    """Return a text without control characters, "" for None; raises BadRow for a text that is too long."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRow(f"{what} is not text")
    text = without_hidden(printable(clean(value.replace("\r\n", "\n").replace("\r", "\n")))).strip()
    if len(text) > LONGEST_TEXT:
        raise BadRow(f"{what} has {len(text):,} characters; at most {LONGEST_TEXT:,} are allowed")
    return text


def one_line(value: Any, what: str = "the value") -> str:
    """Return a text in one line; raises BadRow for a text that is too long."""
    return " ".join(tidy(value, what).split())


def fact(value: Any, what: str = "the value") -> Scalar | None:
    """Return an attribute's value, numbers as numbers; None for an unknown value ("Refused", ...)."""
    if not isinstance(value, str):
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return None if not math.isfinite(value) else int(value) if value.is_integer() else value
        parts = value if isinstance(value, list | tuple) else [str(value)]
        value = ", ".join(one_line(part, what) for part in parts if isinstance(part, str))
    text = one_line(value, what)
    if len(text) > LONGEST_FACT:
        raise BadRow(f"{what} has {len(text):,} characters; at most {LONGEST_FACT} are allowed in an attribute")
    return _scalar(text)


@lru_cache(maxsize=10_000)  # demographics repeat
def _scalar(text: str) -> Scalar | None:
    if text.lower() in _UNKNOWN:
        return None
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text


def facts(**named: Any) -> dict[str, Scalar]:
    """Return the attributes with a known value."""
    values = ((key, fact(value, key)) for key, value in named.items())
    return {key: value for key, value in values if value is not None}


def sentence(text: str) -> str:
    """Return the text with a full stop at its end, unless a sentence ends there in its script."""
    return text if not text or is_ended(text) else f"{text}."


class Ids:
    """Assigns safe and unique ids, the same ones each time the same file is read."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def take(self, key: str, row: int) -> str:
        """Make an id from a key: the key if it is safe, else its first words, else the row's number."""
        wanted = key if is_safe_id(key) else _slug(key) or f"row-{row}"
        low = wanted.lower()  # some file systems ignore case
        number = self._taken.get(low, 0) + 1
        self._taken[low] = number
        while number > 1:
            numbered = f"{wanted[:56]}-{number}"
            if numbered.lower() not in self._taken:
                self._taken[low] = number
                self._taken[numbered.lower()] = 1
                return numbered
            number += 1
        return wanted


def _slug(text: str) -> str:
    """Return the first distinctive words: "A retired nurse who ..." -> `retired-nurse`; "" without Latin letters."""
    text = folded(text[:200]).encode("ascii", "ignore").decode()
    words = [word for word in _WORD.findall(text.lower()) if word not in _ARTICLES]
    slug = "-".join(words[:5])
    slug = slug if len(slug) <= _LONGEST_SLUG else slug[:_LONGEST_SLUG].rpartition("-")[0] or slug[:_LONGEST_SLUG]
    return slug if is_safe_id(slug) else ""
