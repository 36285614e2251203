"""The simulated user at the vote: ranks constitutions by what their rules promise."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any, Final

from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.forms import Asked
from scai_cli.models.simulated.options import Options
from scai_cli.models.simulated.portrait import Person
from scai_cli.models.simulated.user import satisfaction
from scai_cli.prompts.fences import fenced

_ALIKE: Final = 0.01
"""Promises that differ by less are a tie."""


def rank(asked: Asked, person: Person, settings: Options, rng: random.Random) -> dict[str, Any]:
    """The candidates' letters in tiers, the most promising first.

    What the rules ask for is shared out by the assistant's attention as the voter takes it to be; a trait counts as
    shown as strongly as it is served.
    """
    attention = settings.attention * math.exp(rng.gauss(0.0, settings.misjudgement))
    promises = {}
    for candidate in fenced(asked.prompt, "candidate"):
        served = shared(demands(candidate.text, ()), attention)
        hoped = satisfaction(person.standard, {trait: max(0.0, s) for trait, s in served.items()})
        promises[candidate.attributes.get("letter", "")] = rng.random() if person.random else hoped
    return {"ranking": list(_tiers(sorted(promises.items(), key=lambda promise: -promise[1])))}


def _tiers(ordered: Iterable[tuple[str, float]]) -> Iterable[list[str]]:
    """Letters in tiers: within one, nobody is worse than its best by more than the least difference that counts."""
    tier: list[str] = []
    best = math.inf
    for letter, promise in ordered:
        if tier and best - promise > _ALIKE:
            yield tier
            tier = []
        if not tier:
            best = promise
        tier.append(letter)
    if tier:
        yield tier
