"""The word lists of the traits, as `lexicon.yaml` holds them: patterns between commas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scai_cli.measures.phrases import patterns
from scai_cli.text.word_lists import read_word_lists

_LISTS = read_word_lists(__file__)

THEMES: Final[Mapping[str, str]] = _LISTS["themes"]
"""Substance: the words that show a theme and ask for it."""
MARKERS: Final[Mapping[str, str]] = _LISTS["markers"]
"""Style: the words that show it; the other styles are seen in length, layout, word length and questions."""
SEQUENCE: Final = frozenset(patterns(_LISTS["sequence"]))
"""Words that at the beginning of a sentence make it a step."""
REQUESTS: Final[Mapping[str, str]] = _LISTS["requests"]
"""Style: the words that ask for a trait, and under `-trait` those that ask for its opposite."""
