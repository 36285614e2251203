"""Conditions of a user that an assistant can recognise: shown in a message, and named by a rule."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from scai_cli.measures.phrases import Hit, Lexicon, patterns, tokens
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)
_RULE: Final = re.compile(
    r"""\s*(?:(?:[-*•]|\d{1,3}[.)])\s+)?
    (?:When|If)\ ((?:(?:the|a|an|your)\ (?:[\w-]+\ )?)?users?\b[^:\n]*|you\ talk\ with\ [^:\n]+):\s+(\S.*)""",
    re.DOTALL | re.VERBOSE,
)
_CONTRACTED: Final = (("’", "'"), ("can't", "cannot"), ("n't", " not"), ("'m", " am"), ("'ve", " have"))
_NEGATIONS: Final = frozenset(("not", "no", "never", "isn't", "aren't", "doesn't", "without"))
_OTHERS: Final = frozenset(("about", "regarding", "concerning", "their", "his", "her"))
"""Words after which a rule names something else than the user: "asks about children", "has trouble with their boss"."""
_REACH, _OTHERS_REACH = 3, 2
"""The most words after a negation, and after one of `_OTHERS`, that it can reach; the end of a clause ends it."""
_TENS: Final = frozenset(("seventy", "eighty", "ninety"))
_UNITS: Final = frozenset(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
_AFTER_AGE: Final = {
    "already", "and", "as", "but", "by", "i", "if", "in", "last", "my", "next", "now", "old", "on", "since", "so",
    "this", "today", "we", "when", "with", "year", "years",
}  # fmt: skip
"""The words that may follow an age; after another one it counts something, as in "seventy percent"."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something about a user that a message can show."""

    label: str
    """The words that complete "When the user ..."."""
    openings: tuple[str, ...]
    """Sentences that show the condition and no other, and neither ask for a trait nor show a theme."""


CONDITIONS: Final[Mapping[str, Condition]] = MappingProxyType(
    {name: Condition(entry["label"], entry["openings"]) for name, entry in _LISTS.items()}
)
"""All conditions by name."""

_SHOWN, _NAMED = (Lexicon({name: patterns(entry[key]) for name, entry in _LISTS.items()}) for key in ("shown", "named"))


@lru_cache(maxsize=256)
def shown(text: str) -> frozenset[str]:
    """Return the conditions that a user's message shows."""
    text = text.lower()
    for short, full in _CONTRACTED:
        text = text.replace(short, full)
    words = tokens(text)
    return frozenset(hit.key for hit in _found(_SHOWN, words) if _counts_years(words, hit))


@lru_cache(maxsize=4096)
def named(condition_text: str) -> frozenset[str]:
    """Return the conditions that the text of a rule's condition names."""
    return frozenset(hit.key for hit in _found(_NAMED, tokens(condition_text), _OTHERS))


def split_rule(line: str) -> tuple[str | None, str]:
    """Split "When <condition>: <rule>" into both, without a list mark before it; return (None, line) otherwise.

    A condition is about the user ("the user ...", "you talk with ..."), and may also begin with "If".
    """
    match = _RULE.fullmatch(line)
    return (match[1].strip(), match[2]) if match else (None, line)


def _found(lexicon: Lexicon, words: Sequence[str], others: frozenset[str] = frozenset()) -> Iterator[Hit]:
    for hit in lexicon.find(words):
        before = list(takewhile(lambda word: word[0].isalpha(), reversed(words[max(0, hit.at - _REACH) : hit.at])))
        if _NEGATIONS.isdisjoint(before) and others.isdisjoint(before[:_OTHERS_REACH]):
            yield hit


def _counts_years(words: Sequence[str], hit: Hit) -> bool:
    """Return whether a number at the end of a hit is an age; True if there is no number."""
    last, after = words[hit.end - 1], words[hit.end : hit.end + 2]
    if last not in _TENS and not last.isdecimal():
        return True
    if last in _TENS and after and after[0] in _UNITS:
        after = after[1:]
    return not after or not after[0][0].isalnum() or after[0] in _AFTER_AGE
