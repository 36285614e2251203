"""Words and phrases found in a text: one table of patterns, one pass, the longest phrase wins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

# A word, a number, a mark that ends a clause or a sentence, or a laughing face. Nothing can backtrack.
_TOKEN: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[.!?…](?=[\s\"'”’)\]*_]|$)|[\n;,:]|[😀-😆😉😜😝🤣🤪🙃]")

LONGEST_WORD: Final = 24
"""Letters of a word that are looked at."""


class Hit(NamedTuple):
    """A pattern's place: tokens `at` to `end` (exclusive), and the key it stands under."""

    at: int
    end: int
    key: str


def tokens(text: str) -> list[str]:
    """The text's words in lower case, numbers, `. ! ? …` where they end a sentence, `, ; :` and line ends."""
    return _TOKEN.findall(text.lower().replace("’", "'"))


def patterns(listing: str) -> tuple[str, ...]:
    """The patterns of a listing, which are separated by commas."""
    return tuple(pattern for piece in listing.split(",") if (pattern := " ".join(piece.split())))


class _Entry(NamedTuple):
    """What may follow a pattern's first word, and the pattern's key."""

    rest: tuple[str, ...]
    key: str


class _Starting(NamedTuple):
    """The patterns that a word can start: alone, by a second word, and by the stem of one."""

    alone: str | None
    by_second: Mapping[str, Sequence[_Entry]]
    by_stem: Sequence[_Entry]


class Lexicon:
    """Patterns under keys: single words, `stem*` and phrases of them; `<comma>` stands for a comma."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._first: dict[str, list[_Entry]] = {}
        for key, listed in table.items():
            for pattern in listed:
                first, *rest = pattern.replace("<comma>", ",").split()
                self._first.setdefault(first, []).append(_Entry(tuple(rest), key))
        self._stems = sorted({len(first) - 1 for first in self._first if first.endswith("*")}, reverse=True)
        self._starting = lru_cache(maxsize=1 << 15)(self._lookup)

    def find(self, words: Sequence[str]) -> Iterator[Hit]:
        """The hits in order, none overlapping: at each place the longest, exact words before stems."""
        starting, free = self._starting, 0
        for at, word in enumerate(words):
            start = starting(word[:LONGEST_WORD]) if at >= free else None
            if start is not None:
                rest, key = _longest(start, words, at + 1)
                if key is not None:
                    free = at + 1 + len(rest)
                    yield Hit(at, free, key)

    def _lookup(self, word: str) -> _Starting | None:
        word = word.removesuffix("'s")
        found = list(self._first.get(word, ()))
        for length in self._stems:
            if length <= len(word):
                found += self._first.get(word[:length] + "*", ())
        if not found:
            return None
        by_second: dict[str, list[_Entry]] = {}
        for entry in sorted((e for e in found if e.rest), key=lambda e: -len(e.rest)):
            by_second.setdefault(entry.rest[0], []).append(entry)
        stems = [entry for second, entries in by_second.items() if second.endswith("*") for entry in entries]
        return _Starting(next((e.key for e in found if not e.rest), None), by_second, stems)


def _longest(start: _Starting, words: Sequence[str], at: int) -> tuple[tuple[str, ...], str | None]:
    """The longest pattern that goes on at `at`, or the word alone."""
    if at < len(words) and start.by_second:
        for rest, key in (*start.by_second.get(words[at], ()), *start.by_stem):
            if at + len(rest) <= len(words) and _follow(rest, words, at):
                return rest, key
    return (), start.alone


def _follow(rest: tuple[str, ...], words: Sequence[str], at: int) -> bool:
    return all(
        word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern
        for pattern, word in zip(rest, words[at : at + len(rest)], strict=True)
    )
