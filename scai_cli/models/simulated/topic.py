"""What a task is about, as a noun phrase that fits into a sentence."""

from __future__ import annotations

import re
from typing import Final

_NOUN_PHRASE: Final = re.compile(
    r"\b(a|an|the|my|our|this) ([a-z]{3,14}(?: [a-z]{3,14}){0,2})"
    r"(?=[.,;?!]|$| (?:for|of|in|on|with|at|from|about|that)\b)",
    re.IGNORECASE,
)
_OURS: Final = {"my": "your", "our": "your", "a": "the", "an": "the", "the": "the", "this": "this"}
_LOOKED_AT: Final = 600


def noun_phrases(task: str) -> list[str]:
    """The task's short noun phrases, seen from the assistant ("my garden" becomes "your garden")."""
    found = _NOUN_PHRASE.findall(task[:_LOOKED_AT])
    return [f"{_OURS[article.lower()]} {words.lower()}" for article, words in found]
