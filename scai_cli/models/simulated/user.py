"""The simulated user: rates answers by their traits, names missing ones, and approves or minds rules."""

import math
import random
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import split_rule
from scai_cli.measures.observed import observe, utility
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.forms import FormRequest, on_scale, scale
from scai_cli.models.simulated.options import SocietyOptions
from scai_cli.models.simulated.portrait import Person
from scai_cli.models.simulated.questions import asked_in, reply, topic
from scai_cli.models.simulated.quotes import after_quote, with_quote
from scai_cli.models.simulated.recognition import known_to
from scai_cli.models.simulated.wordings import CONTENT, HARMLESS, PRAISE, demand, remark
from scai_cli.prompts.fences import fenced

_WELCOME: Final = 0.15
_NEUTRAL: Final = 0.7
_NOTED: Final = 0.2
_LIKED: Final = 0.55
_THANKFUL, _FAIR = 0.7, 0.5
_HIGH: Final = 0.85
"""The share of the scale from which a user begins with praise."""
_ASKS: Final = re.compile(r"Ask whether\b|At the beginning: Ask whether\b")
"""The beginning of a rule that is a question to the user."""
_NOTICED: Final = 0.1
"""The weight of a wish from which on a voter approves or objects."""

observe_cached: Final = lru_cache(maxsize=1024)(observe)
"""`observe` with a cache, as many users read the same answers."""


def satisfaction(preferences: Mapping[str, float], observed: Mapping[str, float]) -> float:
    """Return the satisfaction with a text, in [0, 1]: min(1, 0.15 + u) for the utility u.

    The offset is the worth of an answer without any wanted trait, as no answer shows all of them. Without preferences
    the satisfaction is 0.5.
    """
    u = utility(preferences, observed)
    return 0.5 if u is None else min(1.0, max(0.0, _WELCOME + u))


def acceptability(preferences: Mapping[str, float], observed: Mapping[str, float]) -> float:
    """Return how acceptable a text is that was written for another user, in [0, 1].

    0.7 + 0.3 g - 0.7 b, where g and b are the means of o over the wanted and the minded themes, weighted by
    |w|: a minded theme counts more than double. Style does not matter.
    """
    themes = {name: w for name, w in preferences.items() if TRAITS[name].kind == "substance" and w}
    good = _mean({name: w for name, w in themes.items() if w > 0}, observed)
    bad = _mean({name: -w for name, w in themes.items() if w < 0}, observed)
    return min(1.0, max(0.0, _NEUTRAL + (1 - _NEUTRAL) * good - _NEUTRAL * bad))


def comment(request: FormRequest, person: Person, options: SocietyOptions, rng: random.Random) -> dict[str, Any]:
    """Give feedback on the last answer of the user's own conversation, and rate it; a question back annoys."""
    answers = [m.text for m in fenced(request.prompt, "message") if m.attributes.get("from") == "assistant"]
    said, share = react(answers[-1] if answers else "", person, options, rng)
    return {"feedback": said, "rating": on_scale(share, *scale(request.prompt))}


def react(answer: str, person: Person, options: SocietyOptions, rng: random.Random) -> tuple[str, float]:
    """Return what a user says to an answer, and its rating as a share of the scale."""
    asked = asked_in(answer)
    opinion = satisfaction(person.standard, observe_cached(answer)) - (options.annoyance if asked else 0.0)
    share = _share(person, opinion, options.noise, rng)
    said = _feedback(person, answer, share, rng)
    if asked and (told := reply(asked, person.preferences.get(asked, 0.0), rng)):
        said = f"{told} {said}"
    return said, share


def cross_rate(request: FormRequest, person: Person, noise: float, rng: random.Random) -> dict[str, Any]:
    """Rate an answer that another user got, with a reason."""
    answer = next((piece.text for piece in fenced(request.prompt, "answer")), "")
    share = _share(person, acceptability(person.standard, observe_cached(answer)), noise, rng)
    return {"reason": _reason(person.modest, answer, rng), "rating": on_scale(share, *scale(request.prompt))}


def opinions(request: FormRequest, person: Person, options: SocietyOptions, rng: random.Random) -> dict[str, Any]:
    """Approve what asks for more of what the person wants than minds, and object to the contrary, beyond a threshold.

    For people of a condition that the person does not have, only minded themes count. How clearly a voter sees its
    own wishes varies by `misjudgement`.
    """
    least = _NOTICED * math.exp(rng.gauss(0.0, options.misjudgement))
    ballot = []
    for candidate in fenced(request.prompt, "candidate"):
        condition, text = split_rule(candidate.text)
        promise, harm = _worth(person, text, options) if _ASKS.match(text) else _promise(person, text)
        cases = {"me": promise, "condition": promise, "everyone": promise}
        if condition is not None and not known_to(person.conditions)(condition) and not person.demand:
            cases["condition"] = harm
        words = {case: _stance(rng.uniform(-1, 1) if person.random_ratings else v, least) for case, v in cases.items()}
        ballot.append({"rule": candidate.attributes.get("letter", ""), **words})
    return {"ballot": ballot}


def _promise(person: Person, text: str) -> tuple[float, float]:
    """Return how much more of what a person wants a rule asks for, and of that what harms by a minded theme."""
    asked = requested(text)
    wanted = person.standard
    promise = sum(sign * wanted.get(trait, 0.0) for trait, sign in asked.items())
    promise -= sum(max(0.0, wanted.get(TRAITS[t].excludes or "", 0.0)) for t, sign in asked.items() if sign > 0)
    harm = sum(min(0.0, wanted.get(t, 0.0)) for t, sign in asked.items() if sign > 0 and TRAITS[t].kind == "substance")
    return promise, harm


def _worth(person: Person, text: str, options: SocietyOptions) -> tuple[float, float]:
    """Return what it is worth to be asked about a trait, less the annoyance; nothing to those who do not want it."""
    trait, wanted = topic(text), person.standard
    worth = max(0.0, wanted.get(trait or "", 0.0)) / 2 + wanted.get("asks_back", 0.0) - options.annoyance
    return worth, min(0.0, worth)


def _stance(value: float, least: float) -> str:
    return "approve" if value > least else "object" if value < -least else "indifferent"


def _share(person: Person, opinion: float, noise: float, rng: random.Random) -> float:
    """Return the rating as a share of the scale."""
    return rng.random() if person.random_ratings else opinion + rng.gauss(0.0, noise)


def _feedback(person: Person, answer: str, share: float, rng: random.Random) -> str:
    """Return the remarks, and before them the demand for a rule if its trait was not shown."""
    if person.demand is None:
        return _remarks(person.preferences, answer, share, rng)
    demanded = [demand(person.demand, rng)] if observe_cached(answer)[person.demand] < _LIKED else []
    return " ".join([*demanded, _remarks(person.modest, answer, share, rng)])


def _remarks(preferences: Mapping[str, float], answer: str, share: float, rng: random.Random) -> str:
    """Name one or two traits that were missed or minded, the worst first, and often one that was liked.

    A remark on a liked or minded trait quotes its sentence. Praise or often a neutral sentence comes before the rest.
    """
    observed = observe_cached(answer)
    named = _worst(preferences, observed)[: rng.choice((1, 2, 2))]
    high = share >= _HIGH
    absent = "wished" if high else "missed"
    kinds = ["minded" if preferences[name] < 0 else "more" if observed[name] else absent for name in named]
    remarks = [_remark(name, kind, answer, rng) for name, kind in zip(named, kinds, strict=True)]
    liked = [name for name, w in preferences.items() if w > 0 and observed.get(name, 0.0) >= _LIKED]
    thanks = [name for name in liked if name not in named]
    if thanks and rng.random() < _THANKFUL:
        remarks.insert(0, _remark(rng.choice(thanks), "liked", answer, rng))
    elif remarks and not high and rng.random() < _FAIR:
        remarks[0] = after_quote(remarks[0], answer, rng)
    praise = [rng.choice(PRAISE)] if high else []
    return " ".join([*praise, *(remarks or [after_quote(rng.choice(CONTENT), answer, rng)])])


def _remark(trait: str, kind: str, answer: str, rng: random.Random) -> str:
    said = remark(trait, kind, rng)
    return with_quote(said, trait, answer) if kind in ("minded", "liked") else said


def _worst(preferences: Mapping[str, float], observed: Mapping[str, float]) -> list[str]:
    """Return the traits by their loss, |w| (1 - o) or |w| o, the greatest first, without small ones."""
    loss = {
        name: abs(w) * ((1 - observed.get(name, 0.0)) if w > 0 else observed.get(name, 0.0))
        for name, w in preferences.items()
    }
    return sorted((name for name, lost in loss.items() if lost > _NOTED), key=lambda name: -loss[name])


def _reason(preferences: Mapping[str, float], answer: str, rng: random.Random) -> str:
    observed = observe_cached(answer)
    themes = {name: w * observed.get(name, 0.0) for name, w in preferences.items() if TRAITS[name].kind == "substance"}
    minded = min(themes, key=themes.__getitem__, default="")
    liked = max(themes, key=themes.__getitem__, default="")
    if minded and themes[minded] < -0.1:
        return _remark(minded, "minded", answer, rng)
    if liked and themes[liked] > 0.1:
        return _remark(liked, "liked", answer, rng)
    return rng.choice(HARMLESS)


def _mean(weights: Mapping[str, float], observed: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(w * observed.get(name, 0.0) for name, w in weights.items()) / total if total else 0.0
