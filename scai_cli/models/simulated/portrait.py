"""The simulated user's preferences, read from the persona in their system message.

A persona can have the attribute `conduct`. `conduct: rates at random` is a liar: their feedback is sincere, but their
ratings and votes are drawn at random. `conduct: demands a rule on faith` is a manipulator: they demand that a rule is
written for them, and rate and vote by this trait alone; if none is named, by the trait that they want most.

The attribute `situation` names the persona's condition (`situation: in a hurry`), which their openings may show.
"""

import hashlib
import random
import re
from dataclasses import dataclass
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import named
from scai_cli.measures.requested import requested
from scai_cli.prompts.fences import fenced

_WANT: Final = re.compile(
    r"(?:^|[;:,])\s{0,3}([a-z][a-z_ ]{2,24}?)\s{1,3}([+-]\d(?:\.\d{1,6})?)(?=\s{0,3}(?:[;,]|$))", re.M
)
_FACT: Final = re.compile(r"(?:^Facts:|;) ?[^:;\n]{1,40}:", re.MULTILINE)
_CONDUCT: Final = re.compile(r"(?:^Facts:|;) ?conduct: (rates at random|demands a rule)([^;\n]*)", re.MULTILINE)
_SITUATION: Final = re.compile(r"(?:^Facts:|;) ?situation: ([^;\n]*)", re.MULTILINE)
_FEWEST, _MOST = 4, 7
_NAMED, _MINDED = 0.8, -0.6


@dataclass(frozen=True, slots=True)
class Person:
    """A simulated user."""

    name: str
    preferences: dict[str, float]
    """Trait -> weight in [-1, 1]."""
    random_ratings: bool = False
    """Whether the person rates and votes at random."""
    demand: str | None = None
    """The trait that the person demands a rule for."""
    conditions: frozenset[str] = frozenset()
    """The conditions that the person's situation names."""

    @property
    def standard(self) -> dict[str, float]:
        """The preferences by which the person rates and votes."""
        return {self.demand: 1.0} if self.demand else self.preferences

    @property
    def modest(self) -> dict[str, float]:
        """The preferences without the demanded trait."""
        return {trait: weight for trait, weight in self.preferences.items() if trait != self.demand}


def person(system: str, seed: int) -> Person | None:
    """Read the person that a system message describes between `<persona>` tags; None if there is none."""
    portrait = next((piece.text for piece in fenced(system, "persona")), None)
    return None if portrait is None else read_person(portrait, seed)


def read_person(portrait: str, seed: int) -> Person:
    """Read the person that a portrait describes."""
    name = portrait.split("\n", 1)[0].removeprefix("Name:").strip()
    conduct, situation = _CONDUCT.search(portrait), _SITUATION.search(portrait)
    conditions = named(situation[1]) if situation else frozenset()
    preferences = _stated(portrait) or _derived(_SITUATION.sub("", _CONDUCT.sub("", portrait)), name, seed)
    if conduct is None:
        return Person(name, preferences, conditions=conditions)
    if conduct[1] == "rates at random":
        return Person(name, preferences, random_ratings=True, conditions=conditions)
    dearest = max(preferences, key=lambda trait: preferences[trait], default=None)
    return Person(name, preferences, demand=next(iter(requested(conduct[2])), dearest), conditions=conditions)


def draws(*parts: object) -> random.Random:
    """Return a random generator that is seeded by the parts' texts, with the same draws in every process."""
    data = "\x1f".join(str(part) for part in parts).encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big"))


def _stated(portrait: str) -> dict[str, float]:
    """Read the preferences that the portrait states in numbers."""
    weights = ((name.strip().replace(" ", "_"), float(weight)) for name, weight in _WANT.findall(portrait))
    return {name: max(-1.0, min(1.0, weight)) for name, weight in weights if name in TRAITS}


def _derived(portrait: str, name: str, seed: int) -> dict[str, float]:
    """Derive preferences where none are stated: from the traits that the portrait mentions, and a few at random."""
    biography = _FACT.sub("\n", portrait.split("\n", 1)[-1])
    mentioned = list(requested(biography).items())[:_MOST]
    wants = {trait: _NAMED if sign > 0 else _MINDED for trait, sign in mentioned}
    rng = draws("inborn", seed, name)
    at_least = rng.randint(_FEWEST, _MOST - 1)
    inborn = rng.sample(list(TRAITS), len(TRAITS))
    for trait in inborn:
        weight = round(rng.uniform(0.4, 1.0), 2) * (-1 if rng.random() < 0.25 else 1)
        if len(wants) < at_least and trait not in wants and TRAITS[trait].excludes not in wants:
            wants[trait] = weight
    return wants
