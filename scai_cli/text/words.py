"""Split texts of any script into words, and compare texts as their readers do.

Han, kana, Thai, Lao, Burmese and Khmer have no spaces between words: there each character is a word, with its combining
marks. Where a number of words is a bound, this character weighs less (`length`). In other scripts a word is a run of
letters and digits; vowel signs and other marks are parts of it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import Final
from unicodedata import category, is_normalized, normalize

from scai_cli.text.characters import HAN, SOUTH_EAST_ASIAN, without_ignorable

EAST_ASIAN: Final = f"{HAN}\u3041-\u30ff\u31f0-\u31ff"
UNSPACED: Final = f"{EAST_ASIAN}{SOUTH_EAST_ASIAN}"
"""The characters of scripts without spaces between words, for a class of a regular expression."""

_WHOLE, _HALF, _THIRD = 6, 3, 2
"""The weights of a word between spaces, of a character of Han or kana, and of Thai and its like."""

_ASCII_WORD: Final = re.compile(r"\w+", re.ASCII)
_ANY_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_THIRDS: Final = re.compile(f"[{SOUTH_EAST_ASIAN}]")
_WIDE: Final = re.compile("[\u3000\uff01-\uffee]+")
"""Forms for East Asian type: letters and digits as wide as Han, and narrow kana and Hangul."""
_MOST_MARKS: Final = 30
"""The marks of one letter that are compared, as in Unicode's stream-safe format; the time grows with their square."""


def words(text: str) -> list[str]:
    """Return the words of a text in their usual form, without case; in scripts without spaces, the characters."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    # A letter without case can have a compatible form with one, and the reverse.
    return _word().findall(_normal(_normal(text).casefold()))


def length(parts: Sequence[str]) -> float:
    """Return the length in words of results of `words`: a character of Han or kana is half a word, of Thai a third."""
    return len(parts) if "".join(parts).isascii() else sum(map(_weight, parts)) / _WHOLE


def stretches(parts: Sequence[str], least: int) -> Iterator[Sequence[str]]:
    """Yield, from each word on, the shortest stretch that has at least this length in words."""
    if "".join(parts).isascii():
        for at in range(len(parts) - least + 1):
            yield parts[at : at + least]
        return
    sums = [0, *accumulate(map(_weight, parts))]
    end = 0
    for at, before in enumerate(sums):
        while end < len(sums) and sums[end] < before + least * _WHOLE:
            end += 1
        if end == len(sums):
            return
        yield parts[at:end]


def count(text: str) -> int:
    """Return the number of words between spaces; in scripts without spaces, of characters."""
    if not has_unspaced(text):
        return len(text.split())
    return sum(len(words(piece)) if has_unspaced(piece) else 1 for piece in text.split())


def has_unspaced(text: str) -> bool:
    """Return whether a text has a character of a script without spaces between words."""
    return not text.isascii() and _ANY_UNSPACED.search(text) is not None


def usual(text: str) -> str:
    """Return the text in its usual form: equal for any encoding of an accent, and for wide and narrow letters."""
    if text.isascii():
        return text
    text = _WIDE.sub(lambda run: normalize("NFKC", run[0]), text)
    return text if is_normalized("NFC", text) else normalize("NFC", _bounded(text))


def comparable(text: str) -> str:
    """Return a text that is equal for texts that differ only in case, space and form."""
    return " ".join(usual(text).casefold().split())


@cache
def marks() -> str:
    """Return the marks that are parts of words, such as vowel signs, for a class of a regular expression."""
    found = [code for code in range(0x300, 0x1E950) if category(chr(code)) in ("Mn", "Mc")]
    # Ranges, as `re` compares one by one the characters of a class that is not all in the basic plane.
    starts = [code for before, code in pairwise((0, *found)) if code > before + 1]
    ends = [code for code, after in pairwise((*found, 0)) if after != code + 1]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))


def _weight(word: str) -> int:
    if word.isascii() or not _ANY_UNSPACED.match(word):
        return _WHOLE
    return _THIRD if _THIRDS.match(word) else _HALF


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"(?=\w)[{UNSPACED}][{marks()}]*|[^\W{UNSPACED}]+(?:[{marks()}]+[^\W{UNSPACED}]*)*")


@cache
def _many_marks() -> re.Pattern[str]:
    return re.compile(f"[{marks()}][{marks()}]{{{_MOST_MARKS},}}")


def _normal(text: str) -> str:
    text = without_ignorable(text)
    return text if is_normalized("NFKC", text) else normalize("NFKC", _bounded(text))


def _bounded(text: str) -> str:
    return _many_marks().sub(lambda run: run[0][:_MOST_MARKS], text)
