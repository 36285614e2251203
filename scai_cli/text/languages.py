"""Recognise the language of a text by its script and its function words: fast, and silent where it cannot tell."""

from collections import Counter, defaultdict
from functools import lru_cache
from typing import Final
from unicodedata import name

from scai_cli.text.data_files import read_data_file
from scai_cli.text.words import words

_LISTS: Final = read_data_file(__file__)
_LONGEST: Final = 4_000
"""The characters that are looked at."""
_FEWEST_WORDS, _LEAST_SHARE = 2, 0.1
"""The different function words of a language that a text must have, and the share of its words that they must be."""
_NEAR: Final = 0.6
"""The share of the most function words from which on a second language is possible, too."""
_LETTERS_OF_A_WORD: Final = 3
"""What a character of Han, kana or Hangul counts, in letters: an answer in Chinese may name things in English."""
_WIDE: Final = frozenset(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"))

_SCRIPTS: Final[dict[str, frozenset[str]]] = {key: frozenset(one.split()) for key, one in _LISTS["scripts"].items()}


def _by_word() -> dict[str, tuple[str, ...]]:
    english = set(_LISTS["words"]["en"].split())
    found: defaultdict[str, list[str]] = defaultdict(list)
    for language, listing in _LISTS["words"].items():
        for word in listing.split():  # single letters are names and symbols as well
            if language == "en" or (len(word) > 1 and word not in english):
                found[word].append(language)
    return {word: tuple(languages) for word, languages in found.items()}


_BY_WORD: Final = _by_word()

LANGUAGES: Final = frozenset(_LISTS["words"]).union(*_SCRIPTS.values())
"""The languages that can be recognised, as ISO 639-1 codes; of one script alone, some only together."""


@lru_cache(maxsize=256)
def languages_of(text: str) -> frozenset[str]:
    """Return the languages that a text may be in, as ISO 639-1 codes; empty if it cannot be recognised.

    Short texts, lists of names and code cannot. Only the first 4,000 characters count; the time is linear in them.
    """
    text = text[:_LONGEST]
    if not text.isascii() and (script := _main_script(text)) != "LATIN":
        return _SCRIPTS.get(script, frozenset())
    parts = words(text)
    hits = Counter(part for part in parts if part in _BY_WORD)
    sums: Counter[str] = Counter()
    different: Counter[str] = Counter()
    for word, times in hits.items():
        for language in _BY_WORD[word]:
            sums[language] += times
            different[language] += 1
    most = max(sums.values(), default=0)
    likely = [language for language, count in sums.items() if count >= _NEAR * most]
    if most < _LEAST_SHARE * len(parts) or max((different[one] for one in likely), default=0) < _FEWEST_WORDS:
        return frozenset()
    return frozenset(likely)


def may_be_in(text: str, known: frozenset[str]) -> bool:
    """Return whether a text may be in one of some languages: False only if it is recognised as another."""
    found = languages_of(text)
    return not found or not found.isdisjoint(known)


def _main_script(text: str) -> str:
    """Return the script of most letters; kana among Han are Japanese."""
    ascii_letters = sum(char.isascii() and char.isalpha() for char in text)
    counts = Counter({"LATIN": ascii_letters})
    for char, times in Counter(char for char in text if not char.isascii() and char.isalpha()).items():
        script = name(char, "").partition(" ")[0].partition("-")[0]
        counts[script] += times * (_LETTERS_OF_A_WORD if script in _WIDE else 1)
    main = max(counts, key=lambda script: counts[script])
    kana = counts["HIRAGANA"] + counts["KATAKANA"]
    return "HIRAGANA" if main == "CJK" and 10 * kana > counts["CJK"] else main
