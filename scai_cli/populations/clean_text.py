"""Clean texts from foreign files: remove control characters, limit lengths, make attributes and ids."""

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from scai_cli.experiment.scalars import written
from scai_cli.text.characters import clean, folded, printable, without_hidden
from scai_cli.text.sentences import is_ended
from scai_cli.values import is_safe_id

LONGEST_TEXT: Final = 20_000
"""The most characters of a biography, a stance or a task; a longer text would fill the prompt."""
LONGEST_FACT: Final = 500
"""The most characters of an attribute."""

_FAR_TOO_LONG: Final = 50 * LONGEST_TEXT
"""Characters of a text that is not cleaned before it is refused."""
_SHORT: Final = 60
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_LONGEST_SLUG: Final = 40
_ARTICLES: Final = frozenset(("a", "an", "the", "i", "am", "who", "is", "of", "and", "to", "in", "with"))


class BadRow(ValueError):
    """A row that cannot become a persona or a task; the message gives the reason."""


class LeftOut(ValueError):
    """A row that is not a persona or a task and needs no correction; the message says what it is."""


def tidy(value: Any, what: str = "the text") -> str:
    """Return a text without control characters, "" for None; raises BadRow for a text that is too long."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRow(f"{what} is not text")
    text = value.strip()
    if len(text) < _FAR_TOO_LONG:
        text = without_hidden(printable(clean(value.replace("\r\n", "\n").replace("\r", "\n")))).strip()
    if len(text) > LONGEST_TEXT:
        raise BadRow(f"{what} has {len(text):,} characters; at most {LONGEST_TEXT:,} are allowed")
    return text


def one_line(value: Any, what: str = "the value") -> str:
    """Return a text in one line; raises BadRow for a text that is too long."""
    return " ".join(tidy(value, what).split())


def short_line(text: str) -> str:
    """Return a text in one line, much faster for the short texts that repeat."""
    return _short_line(text) if len(text) <= _SHORT else one_line(text)


@lru_cache(maxsize=20_000)
def _short_line(text: str) -> str:
    return one_line(text)


def readable(value: Any) -> str:
    """Return a value of a file as text: items with commas, objects as `key value`; "" for none and for bytes."""
    if isinstance(value, Mapping):
        parts = ((key, readable(inner), isinstance(inner, Mapping)) for key, inner in value.items())
        return ", ".join(f"{key} ({text})" if nested else f"{key} {text}" for key, text, nested in parts if text)
    if isinstance(value, list | tuple):
        items = [text for text in map(readable, value) if text]
        return ("; " if any(isinstance(item, Mapping | list | tuple) for item in value) else ", ").join(items)
    if isinstance(value, date | time | timedelta | Decimal):
        return str(value)
    return written(value) or ""


def sentence(text: str) -> str:
    """Return the text with a full stop at its end, unless a sentence ends there in its script."""
    return text if not text or is_ended(text) else f"{text}."


class Ids:
    """Assigns safe and unique ids, the same ones each time the same file is read."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self.repeated = 0
        """The number of keys that are safe ids, but of an earlier row already."""

    def take(self, key: str, row: int) -> str:
        """Make an id from a key: the key if it is safe, else its first words, else the row's number."""
        wanted = key if is_safe_id(key) else _slug(key) or f"row-{row}"
        low = wanted.lower()  # some file systems ignore case
        number = self._taken.get(low, 0) + 1
        self._taken[low] = number
        self.repeated += number > 1 and wanted == key
        while number > 1:
            numbered = f"{wanted[:56]}-{number}"
            if numbered.lower() not in self._taken:
                self._taken[low] = number
                self._taken[numbered.lower()] = 1
                return numbered
            number += 1
        return wanted


def _slug(text: str) -> str:
    """Return the first distinctive words: "A retired nurse who ..." -> `retired-nurse`; "" if few letters are Latin."""
    whole = folded(text[:200])
    latin = whole.encode("ascii", "ignore").decode()
    if 2 * sum(map(str.isalpha, latin)) < sum(map(str.isalpha, whole)):
        return ""
    words = [word for word in _WORD.findall(latin.lower()) if word not in _ARTICLES]
    slug = "-".join(words[:5])
    slug = slug if len(slug) <= _LONGEST_SLUG else slug[:_LONGEST_SLUG].rpartition("-")[0] or slug[:_LONGEST_SLUG]
    return slug if is_safe_id(slug) else ""
