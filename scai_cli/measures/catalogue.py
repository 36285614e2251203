"""The catalogue of traits: fifteen of style, sixteen of substance, with the words that show them and ask for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from scai_cli.measures.phrases import patterns
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)

THEMES: Final[Mapping[str, str]] = _LISTS["themes"]
"""Substance: the words that show a theme and ask for it."""
MARKERS: Final[Mapping[str, str]] = _LISTS["markers"]
"""Style: the words that show a trait; the other styles are measured by length, layout, words and questions."""
SEQUENCE: Final = frozenset(patterns(_LISTS["sequence"]))
"""Words that mark a sentence as a step when they begin it."""
REQUESTS: Final[Mapping[str, str]] = _LISTS["requests"]
"""Style: the words that ask for a trait, and under `-trait` the words that ask for its opposite."""

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
    """The trait that excludes this one."""


_PAIRS: Final = (("concise", "detailed"), ("formal", "casual"), ("balanced", "direct"))
_EXCLUDES: Final = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}


def _traits(kind: Kind, words: Mapping[str, str]) -> dict[str, Trait]:
    labels = _LISTS[kind].items()
    return {name: Trait(name, kind, label, patterns(words[name]), _EXCLUDES.get(name)) for name, label in labels}


TRAITS: Final[Mapping[str, Trait]] = MappingProxyType(_traits("style", REQUESTS) | _traits("substance", THEMES))
"""All traits by name, in a fixed order: style, then substance."""
