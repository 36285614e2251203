"""Frozen: new rules from evidence, as the simulated meta of commit 3f8c0ba wrote them."""

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.baseline.evidence import Evidence, Rule
from scai_cli.experiment.constitution import listed
from scai_cli.measures.catalogue import TRAITS
from scai_cli.messages import rough_tokens
from scai_cli.models.simulated.wordings import rule

_CLEAR: Final = 0.25
"""An opinion of less weight is not counted."""

_SAME: Final = "They ask for the same."


@dataclass(frozen=True, slots=True)
class TraitRequest:
    """A trait asked for (sign 1) or against (-1), its supporters and opponents, and the balance of their weights."""

    trait: str
    sign: float
    supporters: tuple[str, ...]
    opponents: tuple[str, ...]
    balance: float


def revise_rules(evidence: Evidence, rng: random.Random) -> tuple[list[Rule], list[Rule], list[TraitRequest]]:
    """Return the new rules, those dropped, and the requests that were granted, in the order of their weight."""
    kept = [rule for rule in evidence.rules if not is_minded(rule, evidence)]
    dropped = [rule for rule in evidence.rules if rule not in kept]
    kept = _merge_equal(kept)
    granted: list[TraitRequest] = []
    most = rng.choice((2, 3))
    for request in trait_requests(evidence):
        if len(granted) == most:
            break
        after = _grant(request, kept, evidence, rng)
        if after is not None and fits(after, evidence):
            kept = after
            granted.append(request)
    return kept, dropped, granted


def is_minded(rule: Rule, evidence: Evidence) -> bool:
    """Whether a rule should go: more weight is against it than for it, and of two users if it is a principle."""
    if rule.locked:
        return False
    for trait, sign in rule.asks.items():
        against = _clear(evidence.opposition(trait, sign, rule.users))
        support = evidence.support(trait, sign, rule.users)
        if len(against) >= (1 if rule.users else 2) and sum(against.values()) > sum(support.values()):
            return True
    return False


def trait_requests(evidence: Evidence) -> list[TraitRequest]:
    """Return the requests of clear weight, the greatest balance first."""
    requests = []
    for trait in TRAITS:
        for sign in (1.0, -1.0):
            support, against = evidence.support(trait, sign), evidence.opposition(trait, sign)
            if clear := _clear(support):
                balance = sum(support.values()) - sum(against.values())
                requests.append(TraitRequest(trait, sign, tuple(clear), tuple(_clear(against)), balance))
    return sorted(requests, key=lambda request: (-request.balance, -len(request.supporters)))


def _merge_equal(rules: Sequence[Rule]) -> list[Rule]:
    """Merge rules of a kind with one request into the first, for all their users; a clause yields to a principle."""
    merged: dict[object, Rule] = {}
    for n, this in enumerate(rules):
        key: object = (bool(this.users), tuple(sorted(this.asks.items()))) if this.asks and not this.locked else n
        first = merged.setdefault(key, this)
        if first is not this and this.id:
            users = tuple(dict.fromkeys((*first.users, *this.users)))
            merged[key] = replace(first, users=users, merges=(*first.merges, this.id), reason=_SAME)
    general = [rule.asks for rule in merged.values() if not rule.users]
    return [rule for rule in merged.values() if not (rule.users and rule.asks in general)]


def fits(rules: Iterable[Rule], evidence: Evidence) -> bool:
    """Whether the rules stay within both limits."""
    rules = list(rules)
    tokens = sum(rough_tokens(len(rule.text)) for rule in rules)
    return tokens <= evidence.max_tokens and sum(not rule.users for rule in rules) <= evidence.max_principles


def describe_request(request: TraitRequest) -> str:
    """Name the supporters, the trait and the opponents: "ann and bob mind humour, against the wish of cat."."""
    verb = "ask for" if request.sign > 0 else "mind"
    if len(request.supporters) == 1:
        verb = "asks for" if request.sign > 0 else "minds"
    but = f", against the wish of {listed(request.opponents)}" if request.opponents else ""
    return f"{listed(request.supporters)} {verb} {TRAITS[request.trait].label}{but}."


def _is_universal(request: TraitRequest, evidence: Evidence) -> bool:
    """Whether a request is for everyone: of two users or more, a third of all, and three times its opponents."""
    several = max(2, math.ceil(len(evidence.shares) / 3))
    return len(request.supporters) >= several and 3 * len(request.opponents) <= len(request.supporters)


def _grant(request: TraitRequest, rules: list[Rule], evidence: Evidence, rng: random.Random) -> list[Rule] | None:
    """Return the rules with the request granted; None if they grant it already or a principle contradicts it."""
    same = [rule for rule in rules if rule.asks.get(request.trait) == request.sign]
    if any(not rule.users for rule in same) or any(_contradicts(rule, request) for rule in rules if not rule.users):
        return None
    if _is_universal(request, evidence):
        others = [rule for rule in rules if not (rule in same and len(rule.asks) == 1)]
        return [*others, _new_rule(request, (), evidence, rng)]
    uncovered = tuple(user for user in request.supporters if not any(user in clause.users for clause in same))
    if not uncovered:
        return None
    if same:
        sources = evidence.sources(request.trait, request.sign, uncovered)
        users = (*same[0].users, *uncovered)
        wider = replace(same[0], users=users, reason=describe_request(request), evidence=sources)
        return [wider if clause is same[0] else clause for clause in rules]
    return [*rules, _new_rule(request, uncovered, evidence, rng)]


def _new_rule(request: TraitRequest, users: tuple[str, ...], evidence: Evidence, rng: random.Random) -> Rule:
    sources = evidence.sources(request.trait, request.sign, users or request.supporters)
    new = Rule.of(None, rule(request.trait, request.sign > 0, rng), users)
    return replace(new, reason=describe_request(request), evidence=sources)


def _contradicts(rule: Rule, request: TraitRequest) -> bool:
    excluded = TRAITS[request.trait].excludes
    return rule.asks.get(request.trait) == -request.sign or bool(
        request.sign > 0 and excluded and rule.asks.get(excluded) == 1.0
    )


def _clear(weights: dict[str, float]) -> dict[str, float]:
    return {user: weight for user, weight in weights.items() if weight >= _CLEAR}
