"""Frozen: `rewrite` + `always` as of commit 3f8c0ba, with its flaw rates: the baseline of the benchmark.

How the strategy and the simulated author choose and word rules is kept here, so that neither later strategies nor a
later author changes it. Left out are that commit's instructions to the author, its critique and reasons, locked rules
and the selection of conversations for long prompts, so that it spends about one per cent fewer tokens. The people,
their openings and ratings, the reading of remarks and the checks of candidates are today's.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field

from benchmarks.baseline import revision
from benchmarks.baseline.evidence import Evidence, Rule, read_evidence
from scai_cli.experiment.constitution import Add, Clause, Constitution, Edit, Modify, Principle, Remove
from scai_cli.measures.catalogue import TRAITS
from scai_cli.messages import ChatRequest, Completion, Message, Usage, rough_tokens
from scai_cli.models.base import ChatModel
from scai_cli.models.simulated.portrait import draws
from scai_cli.models.simulated.wordings import rule
from scai_cli.prompts.fences import fence
from scai_cli.runs.records import Candidate
from scai_cli.simulation.prompts import rated_transcript
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.values import Value

FORGETS: Final = 0.03
INVENTS: Final = 0.03
OBEYS_ONE: Final = 0.03
OVER_GENERALISES: Final = 0.03
TRUNCATES: Final = 0.02
PURPOSE: Final = "baseline"


class WrittenRule(Value):
    """A rule of the rewritten constitution: a principle, or with `for` a clause."""

    id: str | None = None
    text: str
    users: Annotated[tuple[str, ...], Field(alias="for")] = ()


class Rewritten(Value):
    """The whole constitution anew."""

    rules: tuple[WrittenRule, ...]


class Baseline:
    """The simulated model, with the frozen author for the baseline's revisions."""

    def __init__(self, model: ChatModel, seed: int) -> None:
        """Wrap the model that plays the users and the assistant."""
        self._model, self._seed = model, seed

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer a revision with the frozen author, everything else with the model."""
        if request.purpose != PURPOSE:
            return await self._model.complete(request)
        rng = draws(self._seed, request.digest())
        text = json.dumps({"rules": [*_written(request.messages[-1].content, rng)]})
        is_cut = rng.random() < TRUNCATES
        prompt = sum(len(message.content) for message in request.messages)
        usage = Usage(rough_tokens(prompt), rough_tokens(len(text)))
        return Completion("" if is_cut else text, "length" if is_cut else "stop", usage, model="simulated")

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


async def rewrite(context: RevisionContext) -> Sequence[Candidate]:
    """Propose the whole constitution anew from all conversations of the epoch."""
    bounds = context.config.constitution
    prompt = "\n\n".join(
        [
            f"At most {bounds.max_principles} principles, and at most {bounds.max_tokens} tokens. The ratings go "
            f"from {context.config.ratings.scale[0]:g} to {context.config.ratings.scale[1]:g}.",
            *(rated_transcript(conversation) for conversation in context.conversations),
            fence("constitution", "\n".join(_lines(context.constitution)) or "(empty)"),
        ]
    )
    answer = await context.agents.meta.say(context.id, PURPOSE, [Message("user", prompt)])
    candidate = Candidate(id=context.id, critique="", objection=None, left_out=0)
    if answer.ended == "cut":
        return [candidate.model_copy(update={"objection": "truncated: the answer was cut off"})]
    written = Rewritten.model_validate_json(answer.text)
    return [candidate.model_copy(update={"edits": _edits(context.constitution, written.rules)})]


def _lines(constitution: Constitution) -> list[str]:
    return [
        *(f"{rule.id}: {rule.text}" for rule in constitution.principles),
        *(f"{rule.id} (for {', '.join(rule.users)}): {rule.text}" for rule in constitution.contract),
    ]


def _edits(old: Constitution, new: Sequence[WrittenRule]) -> tuple[Edit, ...]:
    """Return the edits to a rewritten constitution; a rule with the same text keeps its id."""
    edits: list[Edit] = []
    kept: set[str] = set()
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for part, is_clause in ((old.principles, False), (old.contract, True)):
        rules: Sequence[Principle | Clause] = part
        by_id, by_text = {rule.id: rule for rule in rules}, {rule.text: rule for rule in reversed(rules)}
        for written in (one for one in new if bool(one.users) == is_clause):
            before = by_id.get(written.id or "") or by_text.get(written.text)
            if not written.text or (written.text, written.users) in seen:
                continue
            seen.add((written.text, written.users))
            if before is None or before.id in kept:
                edits.append(Add(text=written.text, users=written.users))
                continue
            kept.add(before.id)
            if written.text != before.text or (isinstance(before, Clause) and written.users != before.users):
                edits.append(Modify(id=before.id, text=written.text, users=written.users))
    return (*(Remove(id=rule.id) for rule in old.rules if rule.id not in kept), *edits)


def _written(prompt: str, rng: random.Random) -> list[dict[str, object]]:
    evidence = read_evidence(prompt)
    rules, _, _ = revision.revise_rules(evidence, rng)
    rules = _apply_flaws(rules, evidence, rng)
    return [{"id": rule.id, "text": rule.text, "for": list(rule.users)} for rule in rules]


def _apply_flaws(rules: list[Rule], evidence: Evidence, rng: random.Random) -> list[Rule]:
    """Apply each flaw at its rate; the rules stay within the limits."""
    free = [rule for rule in rules if not rule.locked]
    if rng.random() < FORGETS and free:
        gone = free[rng.randrange(len(free))]
        rules = [rule for rule in rules if rule is not gone]
    if rng.random() < INVENTS:
        rules = _with(rules, _invented(evidence, rng), evidence)
    if rng.random() < OBEYS_ONE:
        rules = _with(rules, _obeyed(evidence, rng), evidence)
    clauses = [rule for rule in rules if rule.users]
    if rng.random() < OVER_GENERALISES and clauses:
        clause = rng.choice(clauses)
        general = replace(clause, id=None, users=(), merges=(), reason="It would do everybody good.")
        wider = [*(rule for rule in rules if rule is not clause), general]
        rules = wider if revision.fits(wider, evidence) else rules
    return rules


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
