"""The simulated user: measures what an answer shows, rates it by their wants, and says what they missed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe, utility
from scai_cli.models.simulated.forms import Asked, on_scale, scale
from scai_cli.models.simulated.portrait import Person
from scai_cli.models.simulated.wordings import CONTENT, demand, remark
from scai_cli.prompts.fences import fenced

_WELCOME: Final = 0.15
_NEUTRAL: Final = 0.7
_NOTED: Final = 0.2
_LIKED: Final = 0.55

_seen: Final = lru_cache(maxsize=1024)(observe)
"""What a text shows; many users look at the same answers."""


def satisfaction(preferences: Mapping[str, float], observed: Mapping[str, float]) -> float:
    """How content somebody is with a text, in [0, 1]: min(1, 0.15 + u) for the utility u.

    An answer that shows nothing of what one wants is still an answer, and none shows all of it. Without
    preferences it is 0.5.
    """
    u = utility(preferences, observed)
    return 0.5 if u is None else min(1.0, max(0.0, _WELCOME + u))


def acceptability(preferences: Mapping[str, float], observed: Mapping[str, float]) -> float:
    """How well somebody can live with a text that was written for another, in [0, 1].

    0.7 + 0.3 g - 0.7 b, where g and b are the means of o over the wanted and the minded themes, weighted by
    |w|: what is minded counts more than double. Style does not matter.
    """
    themes = {name: w for name, w in preferences.items() if TRAITS[name].kind == "substance" and w}
    good = _mean({name: w for name, w in themes.items() if w > 0}, observed)
    bad = _mean({name: -w for name, w in themes.items() if w < 0}, observed)
    return min(1.0, max(0.0, _NEUTRAL + (1 - _NEUTRAL) * good - _NEUTRAL * bad))


def comment(asked: Asked, person: Person, noise: float, rng: random.Random) -> dict[str, Any]:
    """Feedback and rating on the last answer of one's own conversation."""
    answers = [m.text for m in fenced(asked.prompt, "message") if m.attributes.get("from") == "assistant"]
    observed = _seen(answers[-1] if answers else "")
    share = satisfaction(person.standard, observed) + rng.gauss(0.0, noise)
    return {"feedback": _said(person, observed, rng), "rating": _rating(asked, person, share, rng)}


def cross_rate(asked: Asked, person: Person, noise: float, rng: random.Random) -> dict[str, Any]:
    """Reason and rating for an answer that somebody else got."""
    answer = next((piece.text for piece in fenced(asked.prompt, "answer")), "")
    observed = _seen(answer)
    share = acceptability(person.standard, observed) + rng.gauss(0.0, noise)
    return {"reason": _reason(person.modest, observed, rng), "rating": _rating(asked, person, share, rng)}


def _rating(asked: Asked, person: Person, share: float, rng: random.Random) -> float | int:
    """A point of the scale that the prompt names."""
    return on_scale(rng.random() if person.random else share, *scale(asked.prompt))


def _said(person: Person, observed: Mapping[str, float], rng: random.Random) -> str:
    """The feedback, and before it the demand of one who demands a rule and has not got what it is about."""
    if person.demand is None:
        return _feedback(person.preferences, observed, rng)
    demanded = [demand(person.demand, rng)] if observed[person.demand] < _LIKED else []
    return " ".join([*demanded, _feedback(person.modest, observed, rng)])


def _feedback(preferences: Mapping[str, float], observed: Mapping[str, float], rng: random.Random) -> str:
    """One or two things missed or minded, the worst first, and often one liked."""
    named = _worst(preferences, observed)[: rng.choice((1, 2, 2))]
    said = [remark(name, "missed" if preferences[name] > 0 else "minded", rng) for name in named]
    liked = [name for name, w in preferences.items() if w > 0 and observed.get(name, 0.0) >= _LIKED]
    thanks = [name for name in liked if name not in named]
    if thanks and rng.random() < 0.7:
        said.insert(0, remark(rng.choice(thanks), "liked", rng))
    return " ".join(said) or rng.choice(CONTENT)


def _worst(preferences: Mapping[str, float], observed: Mapping[str, float]) -> list[str]:
    """The traits by what they cost, |w| (1 - o) or |w| o, the dearest first, without small losses."""
    loss = {
        name: abs(w) * ((1 - observed.get(name, 0.0)) if w > 0 else observed.get(name, 0.0))
        for name, w in preferences.items()
    }
    return sorted((name for name, lost in loss.items() if lost > _NOTED), key=lambda name: -loss[name])


def _reason(preferences: Mapping[str, float], observed: Mapping[str, float], rng: random.Random) -> str:
    themes = {name: w * observed.get(name, 0.0) for name, w in preferences.items() if TRAITS[name].kind == "substance"}
    minded = min(themes, key=themes.__getitem__, default="")
    liked = max(themes, key=themes.__getitem__, default="")
    if minded and themes[minded] < -0.1:
        return remark(minded, "minded", rng)
    if liked and themes[liked] > 0.1:
        return remark(liked, "liked", rng)
    return rng.choice(CONTENT)


def _mean(weights: Mapping[str, float], observed: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(w * observed.get(name, 0.0) for name, w in weights.items()) / total if total else 0.0
