"""Who a simulated user is and what they want, read back from the persona in their system message.

A persona can have the attribute `conduct`. `conduct: rates at random` is a liar: what they say is meant, but their
ratings and votes are drawn. `conduct: demands a rule on faith` is a manipulator: they tell the assistant to have a
rule written for them, and rate and vote by this trait alone; where none is named, by what they want most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.chance import draws
from scai_cli.prompts.fences import fenced

_WANT: Final = re.compile(
    r"(?:^|[;:,])\s{0,3}([a-z][a-z_ ]{2,24}?)\s{1,3}([+-]\d(?:\.\d{1,6})?)(?=\s{0,3}(?:[;,]|$))", re.M
)
_FACT: Final = re.compile(r"(?:^Facts:|;) ?[^:;\n]{1,40}:", re.MULTILINE)
_CONDUCT: Final = re.compile(r"(?:^Facts:|;) ?conduct: (rates at random|demands a rule)([^;\n]*)", re.MULTILINE)
_FEWEST, _MOST = 4, 7
_NAMED, _MINDED = 0.8, -0.6


@dataclass(frozen=True, slots=True)
class Person:
    """A name, and what the person wants from an answer: trait -> weight in [-1, 1].

    `random`: rates and votes at random. `demand`: the trait that they demand a rule for.
    """

    name: str
    preferences: dict[str, float]
    random: bool = False
    demand: str | None = None

    @property
    def standard(self) -> dict[str, float]:
        """What the person rates and votes by."""
        return {self.demand: 1.0} if self.demand else self.preferences

    @property
    def modest(self) -> dict[str, float]:
        """What the person speaks of as a mere wish."""
        return {trait: weight for trait, weight in self.preferences.items() if trait != self.demand}


def person(system: str, seed: int) -> Person | None:
    """The person whom a system message describes between `<persona>` tags; None where there is none."""
    portrait = next((piece.text for piece in fenced(system, "persona")), None)
    if portrait is None:
        return None
    name = portrait.split("\n", 1)[0].removeprefix("Name:").strip()
    conduct = _CONDUCT.search(portrait)
    preferences = _stated(portrait) or _derived(_CONDUCT.sub("", portrait), name, seed)
    if conduct is None:
        return Person(name, preferences)
    if conduct[1] == "rates at random":
        return Person(name, preferences, random=True)
    dearest = max(preferences, key=lambda trait: preferences[trait], default=None)
    return Person(name, preferences, demand=next(iter(requested(conduct[2])), dearest))


def _stated(portrait: str) -> dict[str, float]:
    """The preferences that the portrait states in numbers."""
    found = ((name.strip().replace(" ", "_"), float(weight)) for name, weight in _WANT.findall(portrait))
    return {name: max(-1.0, min(1.0, weight)) for name, weight in found if name in TRAITS}


def _derived(portrait: str, name: str, seed: int) -> dict[str, float]:
    """Wants where none are stated: what the portrait speaks of, for or against, and a few inborn ones."""
    told = _FACT.sub("\n", portrait.split("\n", 1)[-1])
    spoken = list(requested(told).items())[:_MOST]
    wants = {trait: _NAMED if sign > 0 else _MINDED for trait, sign in spoken}
    rng = draws("inborn", seed, name)
    at_least = rng.randint(_FEWEST, _MOST - 1)
    inborn = rng.sample(list(TRAITS), len(TRAITS))
    for trait in inborn:
        weight = round(rng.uniform(0.4, 1.0), 2) * (-1 if rng.random() < 0.25 else 1)
        if len(wants) < at_least and trait not in wants and TRAITS[trait].excludes not in wants:
            wants[trait] = weight
    return wants
