"""Votes of the simulated user: constitutions ranked by the satisfaction that their rules promise."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any, Final

from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.forms import FormRequest
from scai_cli.models.simulated.options import SocietyOptions
from scai_cli.models.simulated.portrait import Person
from scai_cli.models.simulated.user import satisfaction
from scai_cli.prompts.fences import fenced

_ALIKE: Final = 0.01
"""Promised satisfactions that differ by less are a tie."""


def rank(request: FormRequest, person: Person, options: SocietyOptions, rng: random.Random) -> dict[str, Any]:
    """Rank the candidates' letters in tiers, the most promising first.

    The voter expects a trait to show as strongly as the rules demand it, under the attention that the voter believes
    the assistant has.
    """
    attention = options.attention * math.exp(rng.gauss(0.0, options.misjudgement))
    promises = {}
    for candidate in fenced(request.prompt, "candidate"):
        served = shared(demands(candidate.text, ()), attention)
        promise = satisfaction(person.standard, {trait: max(0.0, s) for trait, s in served.items()})
        promises[candidate.attributes.get("letter", "")] = rng.random() if person.random_ratings else promise
    return {"ranking": list(_tiers(sorted(promises.items(), key=lambda promise: -promise[1])))}


def _tiers(ordered: Iterable[tuple[str, float]]) -> Iterable[list[str]]:
    """Group letters in tiers: each lies within `_ALIKE` of the best of its tier."""
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
