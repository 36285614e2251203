"""Measure every combination in one society: for its members and for people whom it has not met, as pasted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from benchmarks.regret.playing import BASELINE, Budget, Outcome, calls_budget, one_shot, pasted, played
from benchmarks.regret.search import best
from benchmarks.regret.societies import Society
from benchmarks.regret.truth import Judge, Recognition
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.measure_settings import MeasureSettings
from scai_cli.measures.conditions import named
from scai_cli.measures.requested import requested
from scai_cli.simulation.observed import Measures

ACCEPTANCES = ("always", "improves", "ratify")
STRATEGIES: Mapping[str, Mapping[str, Any]] = {"rewrite": {"strategy": "rewrite"}, "grounded": {"strategy": "grounded"}}
FOR_PEOPLE = "grounded + ratify, for people"
COMBINATIONS: Mapping[str, Mapping[str, Any]] = {
    BASELINE: {},
    **{f"{s} + {a}": {**STRATEGIES[s], "acceptance": a} for s in STRATEGIES for a in ACCEPTANCES},
    "grounded + ratify, 3 candidates": {"strategy": "grounded", "acceptance": "ratify", "candidates": 3},
    "grounded + ratify, quorum 0.2": {"strategy": "grounded", "acceptance": "ratify", "quorum": 0.2},
    "grounded + ratify, quorum 0.5": {"strategy": "grounded", "acceptance": "ratify", "quorum": 0.5},
    "grounded + ratify, best_so_far": {"strategy": "grounded", "acceptance": "ratify", "best_so_far": True},
    "rewrite + always, for people": {"strategy": "rewrite", "acceptance": "always", "clauses": "people"},
    FOR_PEOPLE: {"strategy": "grounded", "acceptance": "ratify", "clauses": "people"},
}
"""Name -> the experiment's `revision`."""
MAIN = (
    BASELINE, "rewrite + always", "rewrite + ratify", "grounded + always", "grounded + improves", "grounded + ratify",
    FOR_PEOPLE,
)  # fmt: skip
"""The combinations of the smaller tables."""
MINORITY_ROWS = (BASELINE, "rewrite + always", "grounded + ratify")
"""The combinations that minorities are tried on."""
ONE_SHOT, ASK, REMARKS = "one-shot, from all portraits", "empty, and ask", "the members' remarks"
OTHERS = (ONE_SHOT, ASK, REMARKS)
"""The other rows: one text from all portraits, no rules but a question for each user's wishes, and raw remarks."""

LOST = 0.02
"""The smallest loss that counts."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Job:
    """A society, the rows to measure in it, and the number of runs; `by_tokens`: with equal tokens, not calls."""

    society: Society
    names: tuple[str, ...]
    runs: int = 1
    by_tokens: bool = False
    measures: tuple[MeasureSettings, ...] = ()
    """What programs measure in the answers to members, beside their utilities."""


@dataclass(frozen=True, slots=True)
class Row:
    """One run of a combination in one society: mean utilities of a text as pasted.

    `routed`: the members' mean if each gets the clauses under its id, or of the row of remarks its own remarks alone.
    """

    society: Society
    name: str
    members: float
    routed: float | None
    newcomers: float
    strangers: float
    worst_lower: bool
    """Whether the lowest utility of a member is lower than under no rules, by more than `LOST`."""
    worst_newcomer_lower: bool
    """Whether the lowest utility of a newcomer is lower than under no rules at all."""
    losing: float
    """The share of newcomers who lose more than `LOST`."""
    recognition: Recognition | None
    ruled: bool | None
    """Whether a minority got its rule, as `_ruled` says; None without a minority."""
    calls: int = 0
    tokens: int = 0
    epochs: int = 0
    adopted: int = 0
    measured: Mapping[str, float] = field(default_factory=dict)
    """Measure -> its mean over the answers to members."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A finished job, with the mean utilities under no rules and under the best nameless text for each group."""

    society: Society
    rows: tuple[Row, ...]
    by_tokens: bool
    start: Mapping[str, float]
    best: Mapping[str, float]
    best_row: Row
    """The best text for the members, measured as the other rows."""


def judge(job: Job) -> Judged:
    """Run all combinations and measure them by the known preferences."""
    society, measure = job.society, _Measure.of(job.society, Measures(job.measures))
    groups = {"members": society.members, "newcomers": society.newcomers, "strangers": society.strangers}
    if society.minority:  # whose rules are counted, and nothing else
        groups = {}
    texts = {name: best(people, society.cell) for name, people in groups.items()}
    return Judged(
        society,
        tuple(_rows(job, measure)),
        job.by_tokens,
        {name: fmean(measure.judge.utilities(people, "")) for name, people in groups.items()},
        {name: fmean(measure.judge.utilities(people, texts[name])) for name, people in groups.items()},
        measure.row("best for the members", texts.get("members", "")),
    )


@dataclass(frozen=True, slots=True)
class _Measure:
    """Measures texts in one society, against no rules."""

    judge: Judge
    members: Sequence[float]
    held_out: Sequence[float]
    measures: Measures

    @classmethod
    def of(cls, society: Society, measures: Measures) -> _Measure:
        judge = Judge.of(society)
        return cls(judge, judge.utilities(society.members, ""), judge.utilities(society.held_out, ""), measures)

    def row(self, name: str, text: str, routed: float | None = None) -> Row:
        society = self.judge.society
        members, held_out = (self.judge.utilities(people, text) for people in (society.members, society.held_out))
        row = self.of_utilities(name, members, held_out, routed, self.judge.recognition(society.held_out, text))
        return (
            replace(row, measured=self.judge.measured(society.members, text, self.measures))
            if self.measures.weights
            else row
        )

    def of_utilities(
        self,
        name: str,
        members: Sequence[float],
        held_out: Sequence[float],
        routed: float | None = None,
        recognition: Recognition | None = None,
    ) -> Row:
        count = len(self.judge.society.newcomers)
        lost = [before - after > LOST for before, after in zip(self.held_out[:count], held_out[:count], strict=True)]
        return Row(
            society=self.judge.society,
            name=name,
            members=fmean(members),
            routed=routed,
            newcomers=fmean(held_out[:count]),
            strangers=fmean(held_out[count:]),
            worst_lower=min(self.members) - min(members) > LOST,
            worst_newcomer_lower=min(self.held_out[:count]) - min(held_out[:count]) > _ROUNDING,
            losing=fmean(lost),
            recognition=recognition,
            ruled=None,
        )


def _rows(job: Job, measure: _Measure) -> Iterator[Row]:
    society, judge = job.society, measure.judge
    for number in range(job.runs):
        budget = calls_budget(society)
        first = played(society, {}, budget, number)
        if job.by_tokens:
            budget = Budget(tokens=first.tokens)
        for name in job.names:
            if name == ASK:
                yield measure.of_utilities(name, judge.asked(society.members), judge.asked(society.held_out))
            elif name == REMARKS:
                texts = {person: _as_rules(remarks) for person, remarks in first.remarks.items()}
                own = [judge.utilities([person], texts.get(person.id, ""))[0] for person in society.members]
                yield measure.row(name, "\n".join(texts.values()), fmean(own))
            elif name == ONE_SHOT:
                yield measure.row(name, one_shot(society, number))
            else:
                outcome = first if name == BASELINE else played(society, COMBINATIONS[name], budget, number)
                yield _of_run(measure, name, outcome)


def _as_rules(remarks: Sequence[str]) -> str:
    return "\n".join(f"- {' '.join(text.split())}" for text in remarks)


def _of_run(measure: _Measure, name: str, outcome: Outcome) -> Row:
    routed = fmean(measure.judge.routed(outcome.product))
    row = measure.row(name, pasted(outcome.product), routed)
    return replace(
        row,
        ruled=_ruled(measure.judge.society, outcome.product),
        calls=outcome.calls,
        tokens=outcome.tokens,
        epochs=outcome.epochs,
        adopted=outcome.adopted,
    )


def _ruled(society: Society, product: Constitution) -> bool | None:
    """Return whether a minority got its rule.

    If it demands, for others, too: as a principle, or under a condition that somebody else has; by id only for people
    other than itself. If it wishes, as a clause under its condition or for its members.
    """
    if not society.minority:
        return None
    rules = [rule for rule in product.rules if requested(rule.text).get(society.pressed) == 1.0]
    own = named(str(society.members[0].attributes["situation"]))
    others = [p for p in society.members if p.id not in society.minority]
    theirs = [named(str(person.attributes["situation"])) for person in others]
    if not society.demands:
        clauses = [rule for rule in rules if isinstance(rule, Clause) and rule.kind == "rule"]
        return any(named(c.when or "") == own or set(society.minority) <= set(c.users) for c in clauses)
    return any(
        isinstance(rule, Principle)
        or any(named(rule.when or "") == condition for condition in theirs)
        or bool(set(rule.users) - set(society.minority))
        for rule in rules
    )
