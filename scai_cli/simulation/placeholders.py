"""Texts of a prompt's example that stand for the model's own words, and texts too short for a rule."""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from scai_cli.text.data_files import read_data_file

_GENERIC: Final = frozenset(read_data_file(__file__)["placeholders"])
_BRACKETED: Final = re.compile(r"<([^<>{}\n]{1,200})>")
_QUOTED: Final = re.compile(r"\"([^\"\n]{4,200})\"(?!\s*:)")
_NO_WORD: Final = re.compile(r"[\W_]+")
_ELLIPSIS: Final = frozenset(".…")
_LONGEST: Final = 200
_LETTERS_OF_A_RULE: Final = 4


@lru_cache(maxsize=64)
def placeholders_in(example: str) -> frozenset[str]:
    """Return the normalised texts in `<...>`, and those in quotes with a word, of a prompt's example."""
    texts = map(_normal, (*_BRACKETED.findall(example), *_QUOTED.findall(example)))
    return frozenset(text for text in texts if any(map(str.isalpha, text)))


def is_placeholder(text: str, more: Collection[str] = ()) -> bool:
    """Return whether a text is `...`, in `<...>`, a usual placeholder, or one of the normalised texts in `more`."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return False
    if _BRACKETED.fullmatch(text) or _ELLIPSIS.issuperset(text):
        return True
    normal = _normal(text)
    return normal in _GENERIC or normal in more


def is_rule(text: str) -> bool:
    """Return whether a text can be a rule: no placeholder, and of at least four letters in any script."""
    letters = sum(unicodedata.category(character)[0] == "L" for character in text)
    return letters >= _LETTERS_OF_A_RULE and not is_placeholder(text)


def _normal(text: str) -> str:
    return _NO_WORD.sub(" ", text.casefold()).strip()
