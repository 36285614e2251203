"""New rules from evidence: drop the rules that several users mind, add what users want, within the limits."""

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from scai_cli.experiment.constitution import listed
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import CONDITIONS, named
from scai_cli.messages import rough_tokens
from scai_cli.models.simulated.evidence import Evidence, Rule
from scai_cli.models.simulated.wordings import label_of, rule

_CLEAR: Final = 0.25
"""An opinion of less weight is not counted."""

_SAME: Final = "They ask for the same."
_UNASKED: Final = "Nobody has asked for it yet, and the users may judge it."


@dataclass(frozen=True, slots=True)
class TraitRequest:
    """A trait asked for (sign 1) or against (-1), its supporters and opponents, and the balance of their weights."""

    trait: str
    sign: float
    supporters: tuple[str, ...]
    opponents: tuple[str, ...]
    balance: float


def revise_rules(
    evidence: Evidence, rng: random.Random, *, conditional: bool = False
) -> tuple[list[Rule], list[Rule], list[TraitRequest]]:
    """Return the new rules, those dropped, and the requests that were granted, in the order of their weight.

    Clauses are for users, or if `conditional` for a condition that the users with the request show. From portraits
    alone, without conversations, all requests are granted at once.
    """
    kept = [rule for rule in evidence.rules if not is_minded(rule, evidence)]
    dropped = [rule for rule in evidence.rules if rule not in kept]
    kept = _merge_equal(kept)
    granted: list[TraitRequest] = []
    most = rng.choice((2, 3)) if evidence.opinions else len(TRAITS)
    grant = _grant_conditionally if conditional else _grant
    for request in trait_requests(evidence):
        if len(granted) == most:
            break
        after = grant(request, kept, evidence, rng)
        if after is not None and fits(after, evidence):
            kept = after
            granted.append(request)
    if evidence.by_ballot and conditional:
        for trait in _not_asked_for(evidence, kept, rng)[: most - len(granted)]:
            new = replace(Rule.of(None, rule(trait, True, rng)), reason=_UNASKED)
            kept = [*kept, new] if fits([*kept, new], evidence) else kept
    return kept, dropped, granted


def _not_asked_for(evidence: Evidence, rules: Sequence[Rule], rng: random.Random) -> list[str]:
    """Return the traits, in a random order, that no rule and no user has mentioned, and that no rule excludes."""
    mentioned = {trait for rule in (*rules, *evidence.rejected) for trait in rule.asks} | evidence.wants.keys()
    free = [t for t in TRAITS if t not in mentioned and TRAITS[t].excludes not in mentioned]
    return rng.sample(free, len(free))


def is_minded(rule: Rule, evidence: Evidence) -> bool:
    """Whether a rule should go: more weight is against it than for it, and of two users if it is a principle."""
    if rule.locked:
        return False
    users = rule.users or tuple(user for user, has in evidence.shown.items() if has & named(rule.when))
    if rule.when and not users:
        return False
    for trait, sign in rule.asks.items():
        against = _clear(evidence.opposition(trait, sign, users))
        support = evidence.support(trait, sign, users)
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
                opponents = (*_clear(against), *sorted(evidence.minded.get((trait, sign), ())))
                requests.append(TraitRequest(trait, sign, tuple(clear), tuple(dict.fromkeys(opponents)), balance))
    return sorted(requests, key=lambda request: (-request.balance, -len(request.supporters)))


def _merge_equal(rules: Sequence[Rule]) -> list[Rule]:
    """Merge rules of a kind with one request into the first, for all their users; a clause yields to a principle."""
    merged: dict[object, Rule] = {}
    for n, this in enumerate(rules):
        kind = bool(this.users), this.when, this.kind
        key: object = (kind, tuple(sorted(this.asks.items()))) if this.asks and not this.locked else n
        first = merged.setdefault(key, this)
        if first is not this and this.id:
            users = tuple(dict.fromkeys((*first.users, *this.users)))
            merged[key] = replace(first, users=users, merges=(*first.merges, this.id), reason=_SAME)
    general = [rule.asks for rule in merged.values() if rule.is_principle]
    return [rule for rule in merged.values() if rule.is_principle or rule.asks not in general]


def fits(rules: Iterable[Rule], evidence: Evidence) -> bool:
    """Whether the rules stay within both limits."""
    rules = list(rules)
    tokens = sum(rough_tokens(len(rule.text)) for rule in rules)
    return tokens <= evidence.max_tokens and sum(rule.is_principle for rule in rules) <= evidence.max_principles


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


def _grant_conditionally(
    request: TraitRequest, rules: list[Rule], evidence: Evidence, rng: random.Random
) -> list[Rule] | None:
    """Return the rules with a request granted to all, or to those who show a condition; None if it cannot be."""
    same = [rule for rule in rules if rule.asks.get(request.trait) == request.sign]
    principles = [rule for rule in rules if rule.is_principle]
    if any(rule in same or _contradicts(rule, request) for rule in principles):
        return None
    refused = {rule.when for rule in evidence.rejected if rule.asks.get(request.trait) == request.sign}
    if _is_universal(request, evidence) and "" not in refused:
        others = [rule for rule in rules if not (rule in same and len(rule.asks) == 1)]
        return [*others, _new_rule(request, (), evidence, rng)]
    condition = common_condition(request, evidence)
    if condition is None:
        return _with_question(request, rules, evidence)
    when = f"the user {CONDITIONS[condition].label}"
    if when in refused or any(rule.when == when for rule in same):
        return None
    new = _new_rule(request, (), evidence, rng)
    sources = (*new.evidence, *evidence.showing(condition, request.supporters))
    return [*rules, replace(new, when=when, evidence=tuple(dict.fromkeys(sources)))]


def _with_question(request: TraitRequest, rules: list[Rule], evidence: Evidence) -> list[Rule] | None:
    """Return the rules with a question about what two users or more want and as many mind; None if there is one."""
    contested = min(len(request.supporters), len(request.opponents)) >= 2
    if not evidence.may_ask or not contested or any(rule.kind == "ask" for rule in rules):
        return None
    text = f"Ask whether {label_of(request.trait)} is wanted."
    if any(rule.text == text for rule in evidence.rejected):
        return None
    sources = evidence.sources(request.trait, request.sign, request.supporters)
    return [*rules, replace(Rule.of(None, text, kind="ask"), reason=describe_request(request), evidence=sources)]


def common_condition(request: TraitRequest, evidence: Evidence) -> str | None:
    """Return the condition that most users with a request show, of two at least, if most who show it have the request.

    Nobody who minds the request may show it.
    """
    counted = {
        name: (
            sum(name in evidence.shown.get(user, ()) for user in request.supporters),
            sum(name in shown for shown in evidence.shown.values()),
        )
        for name in CONDITIONS
        if not any(name in evidence.shown.get(user, ()) for user in request.opponents)
    }
    fitting = {name: with_it for name, (with_it, all_) in counted.items() if with_it >= 2 and 2 * with_it > all_}
    return max(fitting, key=fitting.__getitem__, default=None)


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
