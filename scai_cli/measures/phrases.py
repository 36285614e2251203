"""Find words and phrases in a text: match a table of patterns in one pass; the longest phrase wins."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple

from scai_cli.text.sentences import FULL_STOP
from scai_cli.text.words import UNSPACED, marks

# A word, a number, a mark that ends a clause or a sentence, or a laughing face. No alternative can backtrack, so the
# time is linear for any text.
_MARK: Final = r"[.!?…](?=[\s\"'”’)\]*_]|$)|[\n;,:]|[😀-😆😉😜😝🤣🤪🙃]"
_TOKEN: Final = re.compile(rf"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|{_MARK}")
_OTHER_MARKS: Final = str.maketrans({"！": "! ", "？": "? ", "؟": "? ", "，": ", ", "、": ", ", "：": ": ", "；": "; "})

LONGEST_WORD: Final = 24
"""The letters of a word that are compared."""

SENTENCE_ENDS: Final = frozenset(".!?…\n")
"""The tokens that end a sentence."""


class Hit(NamedTuple):
    """A match: the pattern's key, and its tokens from `at` to `end` (exclusive)."""

    at: int
    end: int
    key: str


def tokens(text: str) -> list[str]:
    """Split a text into lower-case words, numbers, `. ! ? …` that end a sentence, `, ; :` and line ends.

    In scripts without spaces each character is a word; the marks of other scripts become these.
    """
    text = text.lower().replace("’", "'")
    if text.isascii():
        return _TOKEN.findall(text)
    return _any_token().findall(FULL_STOP.sub(". ", text.translate(_OTHER_MARKS)))


@cache
def _any_token() -> re.Pattern[str]:
    letters = rf"[^\W\d_{UNSPACED}]"
    word = rf"{letters}+(?:[{marks()}]+{letters}*|'{letters}+)*"
    return re.compile(rf"(?=[^\W\d_])[{UNSPACED}][{marks()}]*|{word}|\d+|{_MARK}")


def patterns(listing: str) -> tuple[str, ...]:
    """Split a listing at its commas into patterns."""
    return tuple(pattern for piece in listing.split(",") if (pattern := " ".join(piece.split())))


class _Entry(NamedTuple):
    """The words after a pattern's first word, and its key."""

    rest: tuple[str, ...]
    key: str


class _Candidates(NamedTuple):
    """The patterns that begin with a word: the word alone, those by their second word, and those with a stem second."""

    alone: str | None
    by_second: Mapping[str, Sequence[_Entry]]
    by_stem: Sequence[_Entry]


class Lexicon:
    """Patterns by key: single words, `stem*` and phrases of them, where `<comma>` means a comma."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._first: dict[str, list[_Entry]] = {}
        for key, listed in table.items():
            for pattern in listed:
                first, *rest = pattern.replace("<comma>", ",").split()
                self._first.setdefault(first, []).append(_Entry(tuple(rest), key))
        self._stems = sorted({len(first) - 1 for first in self._first if first.endswith("*")}, reverse=True)
        self._candidates = lru_cache(maxsize=1 << 15)(self._lookup)

    def find(self, words: Sequence[str]) -> Iterator[Hit]:
        """Yield the hits in order without overlap: at each token the longest pattern, exact words before stems."""
        lookup, free = self._candidates, 0
        for at, word in enumerate(words):
            candidates = lookup(word[:LONGEST_WORD]) if at >= free else None
            if candidates is not None:
                rest, key = _longest(candidates, words, at + 1)
                if key is not None:
                    free = at + 1 + len(rest)
                    yield Hit(at, free, key)

    def _lookup(self, word: str) -> _Candidates | None:
        word = word.removesuffix("'s")
        entries = list(self._first.get(word, ()))
        for length in self._stems:
            if length <= len(word):
                entries += self._first.get(word[:length] + "*", ())
        if not entries:
            return None
        by_second: dict[str, list[_Entry]] = {}
        for entry in sorted((e for e in entries if e.rest), key=lambda e: -len(e.rest)):
            by_second.setdefault(entry.rest[0], []).append(entry)
        stems = [entry for second, group in by_second.items() if second.endswith("*") for entry in group]
        return _Candidates(next((e.key for e in entries if not e.rest), None), by_second, stems)


def _longest(candidates: _Candidates, words: Sequence[str], at: int) -> tuple[tuple[str, ...], str | None]:
    """Return the longest pattern that continues at `at`, else the single word."""
    if at < len(words) and candidates.by_second:
        for rest, key in (*candidates.by_second.get(words[at], ()), *candidates.by_stem):
            if at + len(rest) <= len(words) and _follow(rest, words, at):
                return rest, key
    return (), candidates.alone


def _follow(rest: tuple[str, ...], words: Sequence[str], at: int) -> bool:
    return all(
        word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern
        for pattern, word in zip(rest, words[at : at + len(rest)], strict=True)
    )
