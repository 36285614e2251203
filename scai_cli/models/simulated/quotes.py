"""Quotes from an answer, so that a remark names what it is about."""

import random
import re
from functools import lru_cache
from typing import Final

from scai_cli.measures.observed import observe
from scai_cli.measures.requested import requested

_ITEM: Final = re.compile(r"^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+")
_END: Final = re.compile(r"(?<=[.!?])\s+")
_BY_LENGTH: Final = ("concise", "detailed")
_LOOKED_AT, _LONGEST = 4000, 16
_LISTS: Final = frozenset(("bullet_list", "step_by_step"))
_IN_TEXTS: Final = frozenset(("concise", "detailed", "plain_words"))


def with_quote(said: str, trait: str, answer: str) -> str:
    """Add the longest sentence that shows the trait, unless the remark would be read differently."""
    if trait in _BY_LENGTH:
        longer = [f"{said.rstrip('.!')}: {len(answer.split())} words."]
    else:
        quotes = _quotes(trait, answer)
        longer = [f'{said.rstrip(".!")}: "{quote}"' for quote in quotes]
        longer += [f'{said} "{quote.rstrip(".!?")}" was too much.' for quote in quotes]
    return next((text for text in longer if requested(text) == requested(said)), said)


def after_quote(said: str, answer: str, rng: random.Random) -> str:
    """Begin with one of the longer sentences of the answer that are about no trait."""
    fitting = [sentence for sentence, shown in _sentences(answer) if shown <= _LISTS and _is_quotable(sentence)]
    quotes = sorted(fitting, key=len, reverse=True)[:3]
    text = f'"{rng.choice(quotes).rstrip(".")}" is useful. {said}' if quotes else said
    return text if requested(text) == requested(said) else said


def _quotes(trait: str, answer: str) -> list[str]:
    showing = [sentence for sentence, shown in _sentences(answer) if trait in shown and _is_quotable(sentence)]
    return sorted(showing, key=len, reverse=True)


def _is_quotable(sentence: str) -> bool:
    return len(sentence.split()) <= _LONGEST and not sentence.endswith(":")


@lru_cache(maxsize=1024)
def _sentences(answer: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the sentences without the marks of a list, each with the traits that it shows."""
    pieces: list[tuple[str, frozenset[str]]] = []
    for line in answer[:_LOOKED_AT].split("\n"):
        text = _ITEM.sub("", line, count=1)
        mark = line[: len(line) - len(text)]
        pieces += [(part, _shown(mark + part)) for part in _END.split(text.strip()) if part]
    return tuple(pieces)


def _shown(sentence: str) -> frozenset[str]:
    return frozenset(name for name, strength in observe(sentence).items() if strength and name not in _IN_TEXTS)
