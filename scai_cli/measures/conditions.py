"""Conditions of a user that an assistant can recognise: shown in a message, and named by a rule."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from scai_cli.measures.phrases import Lexicon, patterns, tokens
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)
_RULE: Final = re.compile(
    r"""\s*(?:(?:[-*•]|\d{1,3}[.)])\s+)?
    (?:When|If)\ ((?:(?:the|a|an|your)\ (?:[\w-]+\ )?)?users?\b[^:\n]*|you\ talk\ with\ [^:\n]+):\s+(\S.*)""",
    re.DOTALL | re.VERBOSE,
)
_CONTRACTED: Final = (("’", "'"), ("can't", "cannot"), ("n't", " not"), ("'m", " am"), ("'ve", " have"))
_NEGATIONS: Final = frozenset(("not", "no", "never", "isn't", "aren't", "doesn't", "without"))
_REACH: Final = 3
"""The most words after a negation that it can reach; the end of a clause ends it."""


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
    return frozenset(_found(_SHOWN, text))


@lru_cache(maxsize=4096)
def named(condition_text: str) -> frozenset[str]:
    """Return the conditions that the text of a rule's condition names."""
    return frozenset(_found(_NAMED, condition_text))


def split_rule(line: str) -> tuple[str | None, str]:
    """Split "When <condition>: <rule>" into both, without a list mark before it; return (None, line) otherwise.

    A condition is about the user ("the user ...", "you talk with ..."), and may also begin with "If".
    """
    match = _RULE.fullmatch(line)
    return (match[1].strip(), match[2]) if match else (None, line)


def _found(lexicon: Lexicon, text: str) -> Iterator[str]:
    words = tokens(text)
    for hit in lexicon.find(words):
        before = takewhile(lambda word: word[0].isalpha(), reversed(words[max(0, hit.at - _REACH) : hit.at]))
        if _NEGATIONS.isdisjoint(before):
            yield hit.key
