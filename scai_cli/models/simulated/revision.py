"""From evidence to rules: what several mind goes, what is wanted comes, within the limits."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.models.simulated.evidence import Evidence, Rule
from scai_cli.models.simulated.wordings import rule

_CLEAR: Final = 0.25
"""A wish weaker than this is not counted."""

_SAME: Final = "They ask for the same."


@dataclass(frozen=True, slots=True)
class TraitRequest:
    """A trait asked for (sign 1) or against (-1), by whom, against whom, and the balance of their weights."""

    trait: str
    sign: float
    supporters: tuple[str, ...]
    opponents: tuple[str, ...]
    balance: float


def revised(evidence: Evidence, rng: random.Random) -> tuple[list[Rule], list[Rule], list[TraitRequest]]:
    """The new rules, those dropped, and the wishes that were taken up, in the order of their weight."""
    kept = [rule for rule in evidence.rules if not minded(rule, evidence)]
    dropped = [rule for rule in evidence.rules if rule not in kept]
    kept = consolidated(kept)
    taken: list[TraitRequest] = []
    most = rng.choice((2, 3))
    for wish in wishes(evidence):
        if len(taken) == most:
            break
        after = _with(wish, kept, evidence, rng)
        if after is not None and fits(after, evidence):
            kept = after
            taken.append(wish)
    return kept, dropped, taken


def minded(rule: Rule, evidence: Evidence) -> bool:
    """Whether a rule should go: more weight is against it than for it, and not of one alone if universal."""
    for trait, sign in rule.asks.items():
        against = _clear(evidence.opposition(trait, sign, rule.users))
        support = evidence.support(trait, sign, rule.users)
        if len(against) >= (1 if rule.users else 2) and sum(against.values()) > sum(support.values()):
            return True
    return False


def wishes(evidence: Evidence) -> list[TraitRequest]:
    """What is clearly wished for, the heaviest balance first."""
    found = []
    for trait in TRAITS:
        for sign in (1.0, -1.0):
            support, against = evidence.support(trait, sign), evidence.opposition(trait, sign)
            if clear := _clear(support):
                balance = sum(support.values()) - sum(against.values())
                found.append(TraitRequest(trait, sign, tuple(clear), tuple(_clear(against)), balance))
    return sorted(found, key=lambda wish: (-wish.balance, -len(wish.supporters)))


def consolidated(rules: Sequence[Rule]) -> list[Rule]:
    """The rules without repetition: those of one kind that ask for the same become the first of them.

    A merged clause is for the users of all; a clause that asks for what a principle asks of everybody goes.
    """
    found: dict[object, Rule] = {}
    for n, this in enumerate(rules):
        key: object = (bool(this.users), tuple(sorted(this.asks.items()))) if this.asks else n
        first = found.setdefault(key, this)
        if first is not this and this.id:
            users = tuple(dict.fromkeys((*first.users, *this.users)))
            found[key] = replace(first, users=users, merges=(*first.merges, this.id), reason=_SAME)
    general = [rule.asks for rule in found.values() if not rule.users]
    return [rule for rule in found.values() if not (rule.users and rule.asks in general)]


def fits(rules: Iterable[Rule], evidence: Evidence) -> bool:
    """Whether the rules keep both limits."""
    rules = list(rules)
    tokens = sum(math.ceil(len(rule.text) / 4) for rule in rules)
    return tokens <= evidence.max_tokens and sum(not rule.users for rule in rules) <= evidence.max_principles


def universal(wish: TraitRequest, evidence: Evidence) -> bool:
    """Whether a wish is for everyone: two or more want it, a third of all, three times those who mind it."""
    several = max(2, math.ceil(len(evidence.shares) / 3))
    return len(wish.supporters) >= several and 3 * len(wish.opponents) <= len(wish.supporters)


def told(wish: TraitRequest) -> str:
    """Who asks for what, against whom: "ann and bob mind humour, against the wish of cat."."""
    verb = "ask for" if wish.sign > 0 else "mind"
    if len(wish.supporters) == 1:
        verb = "asks for" if wish.sign > 0 else "minds"
    but = f", against the wish of {listed(wish.opponents)}" if wish.opponents else ""
    return f"{listed(wish.supporters)} {verb} {TRAITS[wish.trait].label}{but}."


def listed(words: Sequence[str]) -> str:
    """Words in a row: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _with(wish: TraitRequest, rules: list[Rule], evidence: Evidence, rng: random.Random) -> list[Rule] | None:
    """The rules with the wish granted; None where they grant it already or a principle stands against it."""
    same = [rule for rule in rules if rule.asks.get(wish.trait) == wish.sign]
    if any(not rule.users for rule in same) or any(_contradicts(rule, wish) for rule in rules if not rule.users):
        return None
    if universal(wish, evidence):
        others = [rule for rule in rules if not (rule in same and len(rule.asks) == 1)]
        return [*others, _granting(wish, (), evidence, rng)]
    uncovered = tuple(user for user in wish.supporters if not any(user in clause.users for clause in same))
    if not uncovered:
        return None
    if same:
        sources = evidence.sources(wish.trait, wish.sign, uncovered)
        wider = replace(same[0], users=(*same[0].users, *uncovered), reason=told(wish), evidence=sources)
        return [wider if clause is same[0] else clause for clause in rules]
    return [*rules, _granting(wish, uncovered, evidence, rng)]


def _granting(wish: TraitRequest, users: tuple[str, ...], evidence: Evidence, rng: random.Random) -> Rule:
    sources = evidence.sources(wish.trait, wish.sign, users or wish.supporters)
    return replace(Rule.of(None, rule(wish.trait, wish.sign > 0, rng), users), reason=told(wish), evidence=sources)


def _contradicts(rule: Rule, wish: TraitRequest) -> bool:
    excluded = TRAITS[wish.trait].excludes
    return rule.asks.get(wish.trait) == -wish.sign or bool(
        wish.sign > 0 and excluded and rule.asks.get(excluded) == 1.0
    )


def _clear(wishes: dict[str, float]) -> dict[str, float]:
    return {user: weight for user, weight in wishes.items() if weight >= _CLEAR}
