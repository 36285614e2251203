"""The simulated meta: proposes rules from the evidence in its prompt, with the flaws of a real model."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from scai_cli.experiment.constitution import listed
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import CONDITIONS, named
from scai_cli.models.simulated import revision
from scai_cli.models.simulated.evidence import Evidence, Rule, read_evidence
from scai_cli.models.simulated.forms import FormRequest
from scai_cli.models.simulated.options import Flaws
from scai_cli.models.simulated.wordings import rule

_BADLY: Final = 0.5
_HIDDEN: Final = ("the user would be glad of it", "it suits the user's character", "the user has always liked it so")


@dataclass(frozen=True, slots=True)
class ProposedRules:
    """The answer of the meta before it has a form: a critique, and the rules to replace those in the evidence."""

    evidence: Evidence
    critique: str
    rules: list[Rule]
    conditional: bool = False
    """Whether its clauses have conditions in place of users."""

    def as_rewrite(self) -> dict[str, Any]:
        """Return the answer as a whole constitution; new and removed rules have a reason and evidence."""
        kept = {rule.id for rule in self.rules}
        merged = {id_: rule.id for rule in self.rules for id_ in rule.merges}
        gone = [rule for rule in self.evidence.rules if rule.id not in kept]
        return {
            "critique": self.critique,
            "no_change": self.rules == self.evidence.rules,
            "principles": [
                {"id": rule.id, "text": rule.text, **_grounds(rule)} for rule in self.rules if rule.is_principle
            ],
            "contract": [
                {"id": rule.id, "text": rule.text, **self._bound(rule), **_grounds(rule)}
                for rule in self.rules
                if not rule.is_principle
            ],
            "removed": [
                {"id": rule.id, "reason": f"{merged[rule.id]} asks for the same."}
                if rule.id in merged
                else _removal(rule, self.evidence)
                for rule in gone
            ],
        }

    def _bound(self, rule: Rule) -> dict[str, Any]:
        """Return what a rule is bound to: a condition and its kind, or users."""
        has_condition = self.conditional or rule.when or rule.kind == "ask"
        return {"when": rule.when or None, "ask": rule.kind == "ask"} if has_condition else {"for": list(rule.users)}

    def as_edits(self) -> dict[str, Any]:
        """Return the answer as edits, each with its reason and evidence."""
        stay = {id_ for rule in self.rules for id_ in (rule.id, *rule.merges)}
        old = {rule.id: rule for rule in self.evidence.rules}
        edits: list[dict[str, Any]] = [
            {"op": "remove", **_removal(gone, self.evidence)} for id_, gone in old.items() if id_ not in stay
        ]
        for new in self.rules:
            grounds, bound = _grounds(new), self._bound(new)
            if new.id is None:
                edits.append({"op": "add", "text": new.text, **bound, **grounds})
                continue
            if new.merges:
                edits.append({"op": "merge", "ids": [new.id, *new.merges], "text": new.text, **grounds})
            if _differs(new, old):
                edits.append({"op": "modify", "id": new.id, "text": new.text, **bound, **grounds})
        return {"critique": self.critique, "edits": edits}


def propose_rules(request: FormRequest, flaws: Flaws, rng: random.Random) -> ProposedRules:
    """Read a revision's prompt and propose rules, flaws included."""
    evidence, clauses = read_evidence(request.prompt), request.form.get("contract", request.form.get("edits"))
    keys = {key for clause in clauses for key in clause} if isinstance(clauses, list) else set()
    conditional, evidence.may_ask = "when" in keys, "ask" in keys
    rules, dropped, granted = revision.revise_rules(evidence, rng, conditional=conditional)
    rules = _apply_flaws(rules, evidence, flaws, rng)
    if conditional:
        rules = _blur_conditions(rules, evidence, flaws, rng)
    return ProposedRules(evidence, _critique(evidence, dropped, granted), rules, conditional)


def cut_off(text: str, flaws: Flaws, rng: random.Random) -> str | None:
    """Break the text off in its second half, at the rate of that flaw; None if it stays whole."""
    if rng.random() >= flaws.truncates:
        return None
    return text[: int(len(text) * rng.uniform(0.5, 0.95))]


def _differs(rule: Rule, old: Mapping[str | None, Rule]) -> bool:
    """Whether a rule differs in text or users from the old rules that it continues."""
    before = [old[id_] for id_ in (rule.id, *rule.merges)]
    users = {user for former in before for user in former.users}
    return rule.text != before[0].text or set(rule.users) != users


def _grounds(rule: Rule) -> dict[str, Any]:
    return {"reason": rule.reason, "evidence": list(rule.evidence)}


def _removal(rule: Rule, evidence: Evidence) -> dict[str, Any]:
    """Return the rule's id with the reason for its removal and what that rests on."""
    if not revision.is_minded(rule, evidence):
        return {"id": rule.id, "reason": "It is not needed any more.", "evidence": []}
    against = [
        source
        for trait, sign in rule.asks.items()
        for source in evidence.sources(trait, -sign, tuple(evidence.opposition(trait, sign, rule.users)))
    ]
    return {"id": rule.id, "reason": "More people mind it than want it.", "evidence": list(dict.fromkeys(against))}


def _apply_flaws(rules: list[Rule], evidence: Evidence, flaws: Flaws, rng: random.Random) -> list[Rule]:
    """Apply each flaw at its rate; the rules stay within the limits."""
    free = [rule for rule in rules if not rule.locked]
    if rng.random() < flaws.forgets and free:
        gone = free[rng.randrange(len(free))]
        rules = [rule for rule in rules if rule is not gone]
    if rng.random() < flaws.invents:
        rules = _with(rules, _invented(evidence, rng), evidence)
    if rng.random() < flaws.obeys_one:
        rules = _with(rules, _obeyed(evidence, rng), evidence)
    clauses = [rule for rule in rules if rule.users or (rule.when and rule.kind == "rule")]
    if rng.random() < flaws.over_generalises and clauses:
        clause = rng.choice(clauses)
        general = replace(clause, id=None, users=(), when="", merges=(), reason="It would do everybody good.")
        wider = [*(rule for rule in rules if rule is not clause), general]
        rules = wider if revision.fits(wider, evidence) else rules
    return rules


def _blur_conditions(rules: list[Rule], evidence: Evidence, flaws: Flaws, rng: random.Random) -> list[Rule]:
    """Make one new condition too broad, too narrow or unrecognisable, each at its rate."""
    for rate, blur in ((flaws.too_broad, _broad), (flaws.too_narrow, _narrow), (flaws.unrecognisable, _hidden)):
        new = [rule for rule in rules if rule.when and rule.id is None]
        if rng.random() < rate and new:
            sharp = rng.choice(new)
            changed = [blur(rule, rng) if rule is sharp else rule for rule in rules]
            rules = changed if revision.fits(changed, evidence) else rules
    return rules


def _broad(sharp: Rule, rng: random.Random) -> Rule:  # noqa: ARG001 - one of three
    return replace(sharp, when="")


def _narrow(sharp: Rule, rng: random.Random) -> Rule:
    others = sorted(CONDITIONS.keys() - named(sharp.when))
    return replace(sharp, when=f"{sharp.when} and {CONDITIONS[rng.choice(others)].label}")


def _hidden(sharp: Rule, rng: random.Random) -> Rule:
    return replace(sharp, when=rng.choice(_HIDDEN))


def _with(rules: list[Rule], more: Rule | None, evidence: Evidence) -> list[Rule]:
    """Return the rules with one more, if there is one and the limits allow it."""
    longer = [*rules, more] if more else rules
    return longer if revision.fits(longer, evidence) else rules


def _invented(evidence: Evidence, rng: random.Random) -> Rule | None:
    unasked = [trait for trait in TRAITS if trait not in evidence.wants]
    if not unasked:
        return None
    return replace(Rule.of(None, rule(rng.choice(unasked), True, rng)), reason="It is good advice in general.")


def _obeyed(evidence: Evidence, rng: random.Random) -> Rule | None:
    """Return a principle for one user's demand, or without demands, for a request of a single user."""
    single = [(r.trait, r.sign, r.supporters[0]) for r in revision.trait_requests(evidence) if len(r.supporters) == 1]
    wanted = [(demand.trait, demand.weight, demand.user) for demand in evidence.demands] or single
    if not wanted:
        return None
    trait, sign, user = rng.choice(wanted)
    obeying = Rule.of(None, rule(trait, sign > 0, rng))
    return replace(obeying, reason=f"{user} asks for it.", evidence=evidence.sources(trait, sign, (user,)))


def _critique(evidence: Evidence, dropped: list[Rule], granted: list[revision.TraitRequest]) -> str:
    """Write two to four sentences about unsatisfied users, new rules, contested requests and removed rules."""
    means = {user: sum(shares) / len(shares) for user, shares in evidence.shares.items() if shares}
    badly = sorted((user for user, mean in means.items() if mean < _BADLY), key=means.__getitem__)[:4]
    sentences = [f"The answers serve {listed(badly)} badly." if badly else "Nobody is served badly as a whole."]
    reasons = [revision.describe_request(request) for request in granted[:2]]
    sentences += reasons or ["Nothing that is asked for speaks for a new rule."]
    if dropped:
        sentences.append(f"More people mind than want what {listed([rule.id or '' for rule in dropped])} asks for.")
    return " ".join(sentences)
