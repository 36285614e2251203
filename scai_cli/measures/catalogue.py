"""The catalogue of traits: fifteen of style, sixteen of substance, with the words that show and ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from scai_cli.measures.phrases import patterns
from scai_cli.text.wordings import read_wordings

_LISTS = read_wordings(__file__)

THEMES: Final[Mapping[str, str]] = _LISTS["themes"]
"""Substance: the words that show a theme and ask for it."""
MARKERS: Final[Mapping[str, str]] = _LISTS["markers"]
"""Style: the words that show it; the other styles are seen in length, layout, word length and questions."""
SEQUENCE: Final = frozenset(patterns(_LISTS["sequence"]))
"""Words that at the beginning of a sentence make it a step."""
REQUESTS: Final[Mapping[str, str]] = _LISTS["requests"]
"""Style: the words that ask for a trait, and under `-trait` those that ask for its opposite."""

Kind = Literal["style", "substance"]


@dataclass(frozen=True, slots=True)
class Trait:
    """A measurable property of a text."""

    name: str
    kind: Kind
    label: str
    """A noun phrase for English sentences."""
    words: tuple[str, ...]
    """The patterns that ask for the trait: whole words, `stem*` with any ending."""
    excludes: str | None = None
    """The trait that a text cannot show as well."""


_STYLE: Final = {
    "concise": "short answers",
    "detailed": "detailed answers",
    "bullet_list": "bullet points",
    "step_by_step": "numbered steps",
    "plain_words": "plain words",
    "formal": "a formal tone",
    "casual": "a casual tone",
    "warm": "a warm tone",
    "humorous": "humour",
    "asks_back": "questions back",
    "gives_example": "concrete examples",
    "names_source": "named sources",
    "states_uncertainty": "open words about uncertainty",
    "balanced": "a balanced view",
    "direct": "direct advice",
}

_SUBSTANCE: Final = {
    "environment": "the environment",
    "tradition": "tradition",
    "personal_freedom": "personal freedom",
    "equality": "equality",
    "security": "safety and security",
    "faith": "faith",
    "thrift": "thrift",
    "health": "health",
    "animal_welfare": "animal welfare",
    "family": "family",
    "science": "science",
    "local_community": "the local community",
    "human_rights": "human rights",
    "economic_growth": "economic growth",
    "rule_of_law": "the rule of law",
    "pleasure": "pleasure",
}

_PAIRS: Final = (("concise", "detailed"), ("formal", "casual"), ("balanced", "direct"))
_EXCLUDES: Final = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}


def _traits(kind: Kind, labels: Mapping[str, str], words: Mapping[str, str]) -> dict[str, Trait]:
    return {
        name: Trait(name, kind, label, patterns(words[name]), _EXCLUDES.get(name)) for name, label in labels.items()
    }


TRAITS: Final[Mapping[str, Trait]] = MappingProxyType(
    _traits("style", _STYLE, REQUESTS) | _traits("substance", _SUBSTANCE, THEMES)
)
"""All traits by name, in a fixed order: style, then substance."""
