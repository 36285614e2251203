"""Find the name that texts about one person begin with, in scripts with and without capitals and spaces."""

import re
from collections.abc import Sequence
from functools import cache
from itertools import takewhile
from typing import Final

from scai_cli.text.characters import HAN
from scai_cli.text.data_files import read_data_file
from scai_cli.text.words import UNSPACED, has_unspaced, marks, usual

_LISTS: Final = read_data_file(__file__)
_AFTER, _CONSONANT, _VOWEL, _BOTH, _TOPICS, _VERBS = (
    tuple(_LISTS[name].split()) for name in ("words", "after_consonant", "after_vowel", "after_both", "topics", "verbs")
)
_MOST_WORDS: Final = 4
_MOST_HAN, _MOST_CHARACTERS = 6, 24
_READ: Final = 400
"""Characters of a text that are looked at."""
_FEWEST, _FEWEST_SYLLABLES = 2, 3
"""Characters of a name in a script without spaces, and syllables of a Korean one."""
_MARKS_AFTER: Final = ",;:،؛、，"
_HANGUL: Final = re.compile("[\uac00-\ud7a3]+")
_FINALS: Final = 28
"""Hangul syllables are coded in blocks of 28 that differ in the final consonant; the first has none."""


def begins_name(word: str) -> bool:
    """Return whether a word can be part of a name: it begins with a capital, or with a letter that has none."""
    first = word[:1]
    has_no_capital = (
        first.lower() == first.upper() or "\u10d0" <= first <= "\u10ff"
    )  # Georgian uses its own only in titles
    return first.isupper() or first.istitle() or (first.isalpha() and has_no_capital)


def common_name(texts: Sequence[str]) -> str:
    """Return the name that begins all texts ("Mary Alberti is ..."); "" if there is none, or fewer than two texts.

    It is the words that all texts begin with, with capitals if their script has them and without Korean particles; in a
    script without spaces the characters, without a Japanese particle or a verb.
    """
    texts = [usual(text[:_READ]).strip() for text in texts]
    if len(texts) < 2:
        return ""
    return _of_characters(texts) if has_unspaced(texts[0][:1]) else _of_words(texts)


def _of_words(texts: Sequence[str]) -> str:
    name: list[str] = []
    for words in zip(*(text.split(None, _MOST_WORDS)[:_MOST_WORDS] for text in texts), strict=False):
        plain = [word.rstrip(_MARKS_AFTER) for word in words]
        bare = [_bare(word) for word in plain]
        if len(set(bare)) > 1 or not begins_name(bare[0]) or bare[0] in _AFTER:
            break
        name.append(bare[0])
        if bare != plain:  # a particle ends the name
            break
    return " ".join(name)


def _bare(word: str) -> str:
    """Return a Korean word without the particle at its end, if a name is left."""
    for ending in (*_CONSONANT, *_VOWEL, *_BOTH) if _HANGUL.fullmatch(word) else ():
        stem = word.removesuffix(ending)
        if stem == word or not (len(stem) >= _FEWEST_SYLLABLES or stem in _AFTER):
            continue
        has_final = (ord(stem[-1]) - ord("가")) % _FINALS > 0
        if ending in _BOTH or has_final == (ending in _CONSONANT):
            return stem
    return word


def _of_characters(texts: Sequence[str]) -> str:
    name = _shared(texts)
    after = {text[len(name) : len(name) + 1] for text in texts}
    topic = max(map(name.rfind, _TOPICS))
    if verb := _verb().search(name, _FEWEST):
        name = name[: verb.start()]
    elif topic >= _FEWEST and (topic == len(name) - 1 or any(c.isalpha() and c not in _LISTS["follow"] for c in after)):
        # A name that goes on with a particle in all texts can have the same character in it (はるか), others cannot.
        name = name[:topic]
    elif re.fullmatch(f"[{HAN}]{{{_MOST_HAN + 1},}}", name):
        return ""
    name = " ".join(name.rstrip(_LISTS["before_consonants"]).split())
    return name if _FEWEST <= len(name) <= _MOST_CHARACTERS else ""


def _shared(texts: Sequence[str]) -> str:
    """Return the letters that all texts begin with, each with its marks; a name can have a space or `・` in it."""
    equal = takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    prefix = "".join(letters[0] for letters in equal)
    while prefix and any(_mark().match(text, len(prefix)) for text in texts):
        prefix = prefix[:-1]
    letters = _letters().match(prefix)
    return letters[0].rstrip() if letters else ""


@cache
def _mark() -> re.Pattern[str]:
    return re.compile(f"[{marks()}]")


@cache
def _letters() -> re.Pattern[str]:
    return re.compile(rf"(?:[^\W\d_][{marks()}]*|[ ・](?=[{UNSPACED}]))+")


@cache
def _verb() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _VERBS)))
