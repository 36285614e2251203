"""`ratify`: the users approve or mind each proposed rule; its scope follows from the counts."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from string import ascii_uppercase
from typing import Final

from scai_cli.concurrency import for_each
from scai_cli.errors import CallFailed
from scai_cli.experiment.constitution import (
    Add,
    Clause,
    Constitution,
    Edit,
    Merge,
    Modify,
    Principle,
    Remove,
    RuleKind,
    conditional,
)
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.revision_settings import BoundTo
from scai_cli.runs.events import BallotCast
from scai_cli.runs.records import Candidate, Opinion, RatifiedRule, Scope, Stance
from scai_cli.simulation.acceptance.improves import dev_gain
from scai_cli.simulation.answer_forms import Ballot
from scai_cli.simulation.candidate_checks import checked
from scai_cli.simulation.epoch import at_once
from scai_cli.simulation.revision_context import AcceptanceResult, RevisionContext
from scai_cli.simulation.stops import stop_if_no_vote, stop_if_too_many
from scai_cli.values import Value

_FEWEST: Final = 2
"""The users who must approve a clause with a condition."""


class RatifyOptions(Value):
    """The keys of `revision` that `ratify` reads."""

    quorum: float
    clauses: BoundTo


@dataclass(frozen=True, slots=True)
class _Proposed:
    """An edit, and the rule on the ballot: as it would be, or of a removal as it is."""

    edit: Edit
    rule: Add
    deciding: tuple[str, ...] = ()
    """The users of the clauses for people that it touches, who alone decide on it; none for a rule for all."""

    @property
    def text(self) -> str:
        """The rule as voters read it."""
        is_opening = self.rule.kind == "ask" and not self.rule.when
        return f"At the beginning: {self.rule.text}" if is_opening else conditional(self.rule.text, self.rule.when)


async def ratify(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:
    """Adopt what the users approve of all candidates.

    Each user judges each rule, in an order of its own, without its author or evidence, and counts by its weight. A rule
    is a principle if its approvals for everyone minus the objections are at least `quorum` of the users, and no
    negative number among those whose words it does not cite; else, if it has a condition, a clause if two users or more
    approve it under the condition, and no more object; else, for people, a clause for those who approve it for
    themselves. A removed rule that would pass stays, and so does one on which nobody's opinion is known. With a group
    set aside (`dev`), what passed is played with it, under the text that anyone gets, and adopted only if its declared
    welfare is higher.
    """
    proposed = list(_proposed(context.constitution, candidates))
    cast = await _ballots(context, [each.text for each in proposed])
    ballots = {ballot.persona: ballot.opinions for ballot in cast}
    counts = Counter({"answers": len(cast), "unreadable": sum(not ballot.opinions for ballot in cast)})
    counts.update(mark for ballot in cast for mark in ballot.marks)
    rules, edits = [], []
    for number, each in enumerate(proposed):
        opinions = {voter: given[number] for voter, given in ballots.items() if number in given}
        rule, edit = _ratified(context, number, each, opinions)
        rules.append(rule)
        edits += [] if edit is None else [edit]
    candidate, misfit = _candidate(context, candidates, edits)
    adopted = sum(edit in candidate.edits for edit in edits)
    reason = f"the users approved {len(edits) or 'none'} of {len(proposed)} changes"
    scores: dict[str, dict[str, float | None]] = {}
    if adopted < len(edits):
        reason += f", of which {adopted or 'none'} could be adopted ({misfit or 'the rules are there already'})"
    if context.dev and candidate.constitution is not None:
        before, after = await dev_gain(context, candidate.constitution)
        scores = {candidate.id: {"welfare": after, "welfare_before": before}}
        if before is None or after is None or after <= before:
            reason += f", but the {len(context.dev)} people set aside do not gain by them"
            candidate = candidate.model_copy(update={"constitution": None})
        else:
            reason += f", and the {len(context.dev)} people set aside gain {after - before:.3f}"
    now = candidate.constitution or context.constitution
    ratified = tuple(rule.model_copy(update={"rule": _rule_id(rule, now.rules)}) for rule in rules)
    return AcceptanceResult(candidate if candidate.constitution else None, reason, scores, counts, ratified)


def _rule_id(ratified: RatifiedRule, rules: Sequence[Principle | Clause]) -> str | None:
    """Return the id of a rule that is in force, or of the principle that replaced it."""
    if ratified.scope == "dropped":
        return None
    ids = {(rule.text, *_bound(rule)): rule.id for rule in rules}
    bound = ids.get((ratified.text, ratified.when, ratified.users, ratified.kind))
    return bound or ids.get((ratified.text, None, (), ratified.kind))


def _proposed(constitution: Constitution, candidates: Sequence[Candidate]) -> Iterator[_Proposed]:
    """Yield every different edit of the candidates with its rule."""
    seen: set[str] = set()
    whole = (edit for candidate in candidates for edit in candidate.edits)
    for edit in (part for proposal in whole for part in _apart(constitution, proposal)):
        key = edit.model_dump_json(exclude={"reason", "evidence"})
        if key in seen:
            continue
        seen.add(key)
        if isinstance(edit, Add):
            yield _Proposed(edit, edit)
            continue
        named = edit.ids if isinstance(edit, Merge) else (edit.id,)
        rules = [rule for rule_id in named if (rule := constitution.rule(rule_id)) is not None]
        if len(rules) < len(named):  # one was added by an earlier edit of the candidate
            continue
        when, _, kind = _bound(rules[0])
        users = tuple(dict.fromkeys(user for rule in rules for user in _bound(rule)[1]))
        after = edit.users if isinstance(edit, Modify) and edit.users else users
        text = rules[0].text if isinstance(edit, Remove) else edit.text
        put = Add(text=text, when=when, users=after, kind=kind, evidence=edit.evidence)
        yield _Proposed(edit, put, tuple(dict.fromkeys((*users, *after))))


def _apart(constitution: Constitution, edit: Edit) -> tuple[Edit, ...]:
    """Return a clause's new condition as a removal and an addition: it is another rule, and others may want the old."""
    rule = constitution.rule(edit.id) if isinstance(edit, Modify) else None
    if not isinstance(edit, Modify) or not isinstance(rule, Clause) or edit.when in (None, rule.when):
        return (edit,)
    removal = Remove(id=rule.id, reason=edit.reason, evidence=edit.evidence)
    return removal, Add(text=edit.text, when=edit.when, kind=rule.kind, reason=edit.reason, evidence=edit.evidence)


def _bound(rule: Principle | Clause) -> tuple[str | None, tuple[str, ...], RuleKind]:
    return (rule.when, rule.users, rule.kind) if isinstance(rule, Clause) else (None, (), "rule")


def _ratified(
    context: RevisionContext, number: int, proposed: _Proposed, opinions: Mapping[str, Opinion]
) -> tuple[RatifiedRule, Edit | None]:
    """Return what becomes of a rule, and the edit that does it, if any."""
    rule, edit = proposed.rule, proposed.edit
    weights = {persona.id: persona.weight for persona in context.epoch_context.personas if persona.id in opinions}
    cited = () if isinstance(edit, Remove) else context.cited(rule.evidence)
    others = {voter: weight for voter, weight in weights.items() if voter not in cited}
    cases = {"everyone": (weights, "everyone"), "uncited": (others, "everyone")}
    cases |= {"condition": (weights, "condition")} if rule.when else {}
    counts = {
        f"{name}_{stance}": _sum(some, opinions, case, stance)
        for name, (some, case) in cases.items()
        for stance in ("approve", "object")
    }
    options = context.options(RatifyOptions)
    scope, users = _scope(options, proposed, opinions, weights, counts)
    when = rule.when if scope == "clause" or isinstance(edit, Remove) else None
    ratified = RatifiedRule(
        number=number,
        text=rule.text,
        when=when if scope != "dropped" else rule.when,
        users=users,
        kind=rule.kind,
        scope=scope,
        counts=counts,
    )
    if isinstance(edit, Remove):
        return ratified, edit if scope == "dropped" else None
    if scope == "dropped":
        return ratified, None
    if isinstance(edit, Add):
        return ratified, edit.model_copy(update={"when": when, "users": users})
    return ratified, edit


def _scope(
    options: RatifyOptions,
    proposed: _Proposed,
    opinions: Mapping[str, Opinion],
    weights: Mapping[str, float],
    counts: Mapping[str, float],
) -> tuple[Scope, tuple[str, ...]]:
    """Return the scope of a rule and the users whom it is for; `counts` and `weights` are the voters' weights."""
    rule, is_new = proposed.rule, isinstance(proposed.edit, Add)
    own = {user: weights[user] for user in proposed.deciding if user in weights}
    if isinstance(proposed.edit, Remove) and not (own if proposed.deciding else opinions):
        return ("clause" if rule.when or rule.users or rule.kind == "ask" else "principle"), rule.users
    if proposed.deciding:
        approve, object_ = (_sum(own, opinions, "me", stance) for stance in ("approve", "object"))
        return ("clause", rule.users) if approve > object_ else ("dropped", ())
    net, uncited = (counts[f"{case}_approve"] - counts[f"{case}_object"] for case in ("everyone", "uncited"))
    passes = net > 0 and net >= options.quorum * sum(weights.values()) and uncited >= 0
    if rule.kind == "ask" and not rule.when:
        return ("clause" if passes else "dropped"), ()
    if passes and rule.kind == "rule":
        return ("principle" if is_new or not rule.when else "clause"), ()
    if rule.when:
        approving = sum(opinion.condition == "approve" for opinion in opinions.values())
        is_clause = approving >= _FEWEST and counts["condition_approve"] >= counts["condition_object"]
        return ("clause" if is_clause else "dropped"), ()
    users = tuple(voter for voter, opinion in opinions.items() if opinion.me == "approve")
    return ("clause", users) if options.clauses == "people" and is_new and users else ("dropped", ())


def _sum(weights: Mapping[str, float], opinions: Mapping[str, Opinion], case: str, stance: Stance) -> float:
    return sum(weight for voter, weight in weights.items() if getattr(opinions[voter], case) == stance)


def _candidate(
    context: RevisionContext, candidates: Sequence[Candidate], edits: Sequence[Edit]
) -> tuple[Candidate, str | None]:
    """Return the first candidate with the edits that fit together, and the first objection to another.

    Each rule is in it once, and as a principle if it is one.
    """
    ratified, misfit = candidates[0].model_copy(update={"edits": (), "constitution": None}), None
    for edit in edits:
        step = _step(ratified.constitution or context.constitution, edit)
        longer = checked(context, ratified.model_copy(update={"edits": (*ratified.edits, *step)}))
        if longer.objection is None:
            ratified = longer
        misfit = misfit or longer.objection
    return ratified, misfit


def _step(now: Constitution, edit: Edit) -> tuple[Edit, ...]:
    """Return an edit after the removals of clauses that a new principle replaces; nothing for a rule that is there."""
    if not isinstance(edit, Add):
        return (edit,)
    twins = [rule for rule in now.rules if rule.text == edit.text and _bound(rule)[2] == edit.kind]
    same = [rule for rule in twins if isinstance(rule, Principle) or _bound(rule)[:2] == (edit.when, edit.users)]
    if same or edit.when or edit.users or edit.kind == "ask":
        return () if same else (edit,)
    return (*(Remove(id=rule.id, reason="It is a principle now.") for rule in twins), edit)


async def _ballots(context: RevisionContext, rules: Sequence[str]) -> list[BallotCast]:
    """Return the users' ballots, and emit them; none for a call that failed."""
    epoch, personas = context.epoch_context, context.epoch_context.personas
    # No ballot can depend on another; they count in the order of the personas.
    cast = await for_each(personas, partial(_ballot, context, rules), running=at_once(context.agents))
    failed = [error for _, error in cast if error is not None]
    stop_if_too_many(failed, len(cast), context.agents.max_failures, "ballots")
    unread = [f"{ballot.id}: {ballot.problem}" for ballot, error in cast if error is None and ballot.problem]
    stop_if_no_vote(context, unread, len(cast) - len(failed))
    for ballot, error in cast:
        epoch.emit(ballot if error is None else epoch.problem(error, ballot.id))
    return [ballot for ballot, error in cast if error is None]


async def _ballot(
    context: RevisionContext, rules: Sequence[str], persona: Persona
) -> tuple[BallotCast, CallFailed | None]:
    """Request a user's opinions, under letters in an order of its own."""
    ballot_id = f"{context.id}/ballot/{persona.id}"
    order = random.Random(f"{context.config.seed}/{ballot_id}").sample(range(len(rules)), len(rules))
    letters = {_letter(place): number for place, number in enumerate(order)}
    cast = BallotCast(id=ballot_id, epoch=context.epoch_context.epoch, persona=persona.id, opinions={})
    agent, prompts = context.agents.rater_for(persona), context.agents.prompts
    prompt = prompts.ballot(persona, {letter: rules[number] for letter, number in letters.items()})
    try:
        answer = await agent.ask_structured(ballot_id, "ballot", prompt, Ballot, frozenset(letters))
    except CallFailed as error:
        return cast, error
    cast = cast.model_copy(update={"problem": answer.problem, "marks": answer.marks})
    if answer.form is None:
        return cast, None
    opinions = {
        letters[o.rule]: Opinion(me=o.me, everyone=o.everyone, condition=o.condition) for o in answer.form.ballot
    }
    return cast.model_copy(update={"opinions": dict(sorted(opinions.items()))}), None


def _letter(place: int) -> str:
    """Return A, B, ..., Z, A2, B2, ..."""
    rounds, letter = divmod(place, len(ascii_uppercase))
    return f"{ascii_uppercase[letter]}{rounds + 1 if rounds else ''}"
