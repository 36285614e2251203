"""The wordings in which simulated users and the simulated meta ask for a trait or against it.

`{label}` is the trait's label, a noun phrase; `measures.requested` reads each sentence with the right sign.
"""

import random
from collections.abc import Mapping
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)

CONTENT: Final[tuple[str, ...]] = _LISTS["content"]
"""What a user says who misses and minds nothing."""
PRAISE: Final[tuple[str, ...]] = _LISTS["praise"]
HARMLESS: Final[tuple[str, ...]] = _LISTS["harmless"]
RULE_THEME: Final[tuple[str, ...]] = _LISTS["rule_theme"]
BAN_THEME: Final[tuple[str, ...]] = _LISTS["ban_theme"]
RULE: Final[Mapping[str, tuple[str, ...]]] = _LISTS["rule"]
BAN: Final[Mapping[str, tuple[str, ...]]] = _LISTS["ban"]
LEADS: Final[tuple[str, ...]] = _LISTS["leads"]
"""Sentences with which a user opens before the task."""
QUESTIONS: Final[tuple[str, ...]] = _LISTS["questions"]
"""Words that a user puts before the task's question."""
INTRODUCTIONS: Final[tuple[str, ...]] = _LISTS["introductions"]
"""Sentences before a text that follows word for word."""


ASKED: Final[Mapping[str, str]] = _LISTS["asked"]
"""Kind of a trait -> the question whether it is wanted."""


def label_of(trait: str) -> str:
    """Return the words for what a user wishes."""
    label: str = _LISTS["labels"]["wished"].get(trait, TRAITS[trait].label)
    return label


def remark(trait: str, kind: str, rng: random.Random) -> str:
    """Return a sentence about a trait that was `missed`, `minded` or `liked`, or is `wished` for or wanted `more`."""
    sentences = _LISTS[kind if TRAITS[trait].kind == "style" else f"{kind}_theme"]
    label: str = _LISTS["labels"].get(kind, {}).get(trait, TRAITS[trait].label)
    return _choose(label, sentences, rng)


def demand(trait: str, rng: random.Random) -> str:
    """Return a sentence that demands a rule for the speaker alone."""
    return _choose(TRAITS[trait].label, _LISTS["demanded"], rng)


def rule(trait: str, wanted: bool, rng: random.Random) -> str:
    """Return a rule of one sentence, in the imperative, that asks for a trait or against it."""
    themes, style = (RULE_THEME, RULE) if wanted else (BAN_THEME, BAN)
    return _choose(TRAITS[trait].label, style.get(trait, themes), rng)


def _choose(label: str, sentences: tuple[str, ...], rng: random.Random) -> str:
    return rng.choice(sentences).format(label=label)
