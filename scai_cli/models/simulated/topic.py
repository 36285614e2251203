"""What a task is about, as a noun phrase that fits into a sentence."""

from __future__ import annotations

import re
from typing import Final

_NOUN_PHRASE: Final = re.compile(r"\b(a|an|the|my|our) ([a-z]{3,14})(?=[.,;?!]|$| (?:of|for)\b)", re.IGNORECASE)
_FROM_HERE: Final = {"my": "your", "our": "your"}
_NO_TOPIC: Final = frozenset((
    "best", "bit", "each", "else", "end", "evening", "few", "first", "kind", "last", "least", "less",
    "little", "lot", "many", "month", "more", "most", "other", "ones", "same", "second", "side", "sides",
    "sort", "thing", "third", "time", "times", "user", "way", "week", "world", "worst", "year",
))  # fmt: skip
_LOOKED_AT: Final = 600


def noun_phrases(task: str) -> list[str]:
    """The task's plainest noun phrases, seen from the assistant ("my garden" is "your garden"); there may be none."""
    found = _NOUN_PHRASE.findall(task[:_LOOKED_AT].lower())
    return [f"{_FROM_HERE.get(article, 'the')} {noun}" for article, noun in found if noun not in _NO_TOPIC]
