"""The simulated meta: reads what happened, writes a critique and the constitution anew, with flaws."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

from scai_cli.models.simulated.evidence import Evidence, Rule, read
from scai_cli.models.simulated.flaws import Flaws
from scai_cli.models.simulated.forms import Asked
from scai_cli.models.simulated.revising import Wish, fits, revised, wishes
from scai_cli.models.simulated.wordings import rule
from scai_cli.traits import TRAITS

_BADLY: Final = 0.5


def rewrite(asked: Asked, flaws: Flaws, rng: random.Random) -> dict[str, Any]:
    """Critique and constitution in the form that the prompt asks for."""
    evidence = read(asked.prompt)
    rules, dropped, taken = revised(evidence, rng)
    rules = _flawed(rules, evidence, flaws, rng)
    return {
        "critique": _critique(evidence, dropped, taken),
        "no_change": rules == evidence.rules,
        "principles": [{"id": rule.id, "text": rule.text} for rule in rules if not rule.users],
        "contract": [{"id": rule.id, "text": rule.text, "for": list(rule.users)} for rule in rules if rule.users],
    }


def cut_off(text: str, flaws: Flaws, rng: random.Random) -> str | None:
    """The text broken off in its second half, at the rate of that flaw; None where it is whole."""
    if rng.random() >= flaws.truncates:
        return None
    return text[: int(len(text) * rng.uniform(0.5, 0.95))]


def _flawed(rules: list[Rule], evidence: Evidence, flaws: Flaws, rng: random.Random) -> list[Rule]:
    """The rules after the flaws that chance has it this time; the limits hold all the same."""
    if rng.random() < flaws.forgets and rules:
        gone = rng.randrange(len(rules))
        rules = [*rules[:gone], *rules[gone + 1 :]]
    if rng.random() < flaws.invents:
        rules = _with(rules, _invented(evidence, rng), evidence)
    if rng.random() < flaws.obeys_one:
        rules = _with(rules, _obeyed(evidence, rng), evidence)
    clauses = [rule for rule in rules if rule.users]
    if rng.random() < flaws.over_generalises and clauses:
        clause = rng.choice(clauses)
        wider = [*(rule for rule in rules if rule is not clause), Rule.of(None, clause.text)]
        rules = wider if fits(wider, evidence) else rules
    return rules


def _with(rules: list[Rule], text: str | None, evidence: Evidence) -> list[Rule]:
    """The rules and one principle more, if there is one and the limits allow it."""
    more = [*rules, Rule.of(None, text)] if text else rules
    return more if fits(more, evidence) else rules


def _invented(evidence: Evidence, rng: random.Random) -> str | None:
    unasked = [trait for trait in TRAITS if trait not in evidence.wants]
    return rule(rng.choice(unasked), True, rng) if unasked else None


def _obeyed(evidence: Evidence, rng: random.Random) -> str | None:
    single = [wish for wish in wishes(evidence) if len(wish.supporters) == 1]
    if not single:
        return None
    wish = rng.choice(single)
    return rule(wish.trait, wish.sign > 0, rng)


def _critique(evidence: Evidence, dropped: list[Rule], taken: list[Wish]) -> str:
    """Two to four sentences: who is served badly, what is asked for, what is contested, what goes."""
    means = {user: sum(shares) / len(shares) for user, shares in evidence.shares.items() if shares}
    badly = sorted((user for user, mean in means.items() if mean < _BADLY), key=means.__getitem__)[:4]
    said = [f"The answers serve {_listed(badly)} badly." if badly else "Nobody is served badly as a whole."]
    said += [_told(wish) for wish in taken[:2]] or ["Nothing that is asked for speaks for a new rule."]
    if dropped:
        said.append(f"More people mind than want what {_listed([rule.id or '' for rule in dropped])} asks for.")
    return " ".join(said)


def _told(wish: Wish) -> str:
    """Who asks for what, against whom: "ann and bob mind humour, against the wish of cat"."""
    verb = "ask for" if wish.sign > 0 else "mind"
    if len(wish.supporters) == 1:
        verb = "asks for" if wish.sign > 0 else "minds"
    but = f", against the wish of {_listed(wish.opponents)}" if wish.opponents else ""
    return f"{_listed(wish.supporters)} {verb} {TRAITS[wish.trait].label}{but}."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
