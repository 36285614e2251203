"""Leave-one-out: plan the conversations to play with and without each rule, and tell its effects from luck."""

import operator
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean, variance
from typing import Any, Final, Literal

from pydantic import Field

from scai_cli.analysis.rule_measures import Values
from scai_cli.analysis.rule_origins import Wording
from scai_cli.errors import RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.history.history import History
from scai_cli.runs.records import Estimate, UtilityTable
from scai_cli.simulation.dialogue_lines import lines_of
from scai_cli.simulation.utilities import mean
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.stats.significance import holm
from scai_cli.stats.student import quantile, tail
from scai_cli.values import Value

ALPHA: Final = 0.05
"""The chance that any effect at all is named if no rule has one."""
_FEWEST_ROUNDS, _ROUNDS = 2, 8
"""The rounds that tell luck from effects, and the rounds without a limit on calls."""

_NO_LUCK: Final = 1e-12
"""The largest variance that rounding can explain."""

PersonaTask = tuple[Persona, Task]
"""The persona and the task of a conversation to play."""


class Quote(Value):
    """A piece of evidence: the id of a message or rating, its author, and its text or an empty one."""

    id: str
    who: str
    text: str


class PersonEffect(Value):
    """A rule's effect on one person: utility (0 to 1) with it minus without it.

    `p` is the chance of an effect this large by luck alone, adjusted for all rules and people (Holm); None if nothing
    varied from round to round.
    """

    effect: float
    p: float | None

    @property
    def verdict(self) -> Literal["gains", "loses", "cannot tell"]:
        """The effect, if it is beyond luck."""
        if self.p is None or self.p > ALPHA:
            return "cannot tell"
        return "gains" if self.effect > 0 else "loses"


class RuleEffect(Value):
    """One rule with its evidence and its effects on the declared welfare and on every person that it can reach."""

    rule: Principle | Clause
    evidence: tuple[Quote, ...]
    welfare: Estimate | None
    people: Mapping[str, PersonEffect]
    wording: Wording | None = None
    """None for a rule with its text from the start."""
    measured: Mapping[str, Estimate] = Field(default={}, exclude_if=operator.not_)
    """Declared measure -> the rule's effect on its mean over the final answers."""

    def named(self, verdict: Literal["gains", "loses"]) -> dict[str, float]:
        """Return the people who gain or lose beyond luck with their effects, the largest first."""
        found = {person: one.effect for person, one in self.people.items() if one.verdict == verdict}
        return dict(sorted(found.items(), key=lambda item: -abs(item[1])))

    @property
    def asked(self) -> list[str]:
        """The people whose words it rests on."""
        return list(dict.fromkeys(quote.who for quote in self.evidence if quote.who not in ("", "assistant")))

    @property
    def hurt(self) -> list[str]:
        """The people who lose by a rule that is for them, or that they asked for."""
        addressed = {*self.asked, *(self.rule.users if isinstance(self.rule, Clause) else ())}
        return [person for person in self.named("loses") if person in addressed]

    def as_object(self) -> dict[str, Any]:
        """Return the rule's part of the object that `--json` prints."""
        return {
            "id": self.rule.id,
            "kind": "clause" if isinstance(self.rule, Clause) else "principle",
            "text": self.rule.text,
            "for": list(self.rule.users) if isinstance(self.rule, Clause) else None,
            "when": self.rule.when if isinstance(self.rule, Clause) else None,
            "asks": isinstance(self.rule, Clause) and self.rule.kind == "ask",
            "since": self.rule.since,
            "reworded": {"epoch": self.wording.epoch, "before": self.wording.before}
            if self.wording and self.wording.before
            else None,
            "asked": self.asked,
            "evidence": [quote.model_dump() for quote in self.evidence],
            "effect": None if self.welfare is None else self.welfare.model_dump(mode="json"),
            "people": {who: {"effect": e.effect, "p": e.p, "verdict": e.verdict} for who, e in self.people.items()},
            "measured": {name: each.model_dump(mode="json") for name, each in self.measured.items()},
            "gains": list(self.named("gains")),
            "loses": list(self.named("loses")),
            "hurts_its_own": self.hurt,
        }


class Explanation(Value):
    """The explanation of a constitution; `played` of `conversations` fitted into the limit, each in `rounds` rounds."""

    run_id: str
    version: int
    function: str
    welfare: float | None
    rules: tuple[RuleEffect, ...]
    rounds: int
    played: int
    conversations: int
    failed: int
    budget: int | None
    """The limit on calls, None for no limit."""
    calls: int
    """The paid calls of its conversations, in all sessions."""

    def apart(self, users: tuple[str, str]) -> list[RuleEffect]:
        """Return the rules by which one of two people gains and the other loses."""
        pair = set(users)
        return [rule for rule in self.rules if pair & rule.named("gains").keys() and pair & rule.named("loses").keys()]

    def as_object(self, users: tuple[str, str] | None = None) -> dict[str, Any]:
        """Return the object of `scai explain --json`."""
        explanation: dict[str, Any] = {
            "run_id": self.run_id,
            "version": self.version,
            "welfare": {"function": self.function, "value": self.welfare},
            "rounds": self.rounds,
            "played": {"conversations": self.played, "of": self.conversations, "failed": self.failed},
            "budget": self.budget,
            "calls": self.calls,
            "rules": [rule.as_object() for rule in self.rules],
        }
        if users is not None:
            rules = [{"id": r.rule.id, **{u: r.people[u].effect for u in users}} for r in self.apart(users)]
            explanation["apart"] = {"users": list(users), "rules": rules}
        return explanation


@dataclass(frozen=True, slots=True)
class Plan:
    """The conversations to play with and without each rule, in how many rounds, and the calls that they take."""

    pairs: Sequence[PersonaTask]
    rounds: int
    calls: int


def plan(config: ExperimentConfig, constitution: Constitution) -> Plan:
    """Plan what fits into the limit on calls: all conversations in as many rounds as fit, two at least.

    If two rounds do not fit, fewer conversations, shared evenly among the personas. Raises RunError if not one fits.
    """
    pairs, limit = list(_in_rounds(config)), config.limits.calls
    costs = [_calls_each_round(config, constitution, persona) for persona, _ in pairs]
    rounds = _ROUNDS if limit is None else max(_FEWEST_ROUNDS, limit // sum(costs))
    if not constitution.rules:
        rounds = 1  # for the welfare alone
    if limit is not None and rounds * sum(costs) > limit:
        used = 0
        for count, cost in enumerate(costs):
            used += rounds * cost
            if used > limit:
                pairs, costs = pairs[:count], costs[:count]
                break
        if not pairs:
            raise RunError(
                f"--set limits.calls={limit}: one conversation with and without each rule, twice, takes {used} calls"
            )
    return Plan(pairs, rounds, rounds * sum(costs))


@dataclass(slots=True)
class RuleRounds:
    """The utilities with and without one rule, round by round."""

    rule: Principle | Clause
    reached: frozenset[str]
    """The people whose own answers it can change; the others only rate those."""
    whole: list[UtilityTable] = field(default_factory=list)
    without: list[UtilityTable] = field(default_factory=list)
    measured: list[tuple[Values, Values]] = field(default_factory=list)

    def differences(self, row: int) -> Iterator[list[float]]:
        """Yield a person's differences in all rounds, task by task."""
        for column in zip(
            *(zip(a[row], b[row], strict=True) for a, b in zip(self.whole, self.without, strict=True)), strict=True
        ):
            yield [a - b for a, b in column if a is not None and b is not None]

    def effect(self, function: WelfareFunction, weights: Sequence[float], rules: int) -> Estimate | None:
        """Return the rule's effect on welfare in a round; the intervals of all `rules` are valid together.

        The mean is the sum of what each task adds, and the rounds show the luck of each: its interval has degrees of
        freedom by Satterthwaite (1946). Of another function the rounds themselves are compared.
        """
        rounds = list(zip(self.whole, self.without, strict=True))
        if function.is_mean:
            added = [_by_task(*tables, weights) for tables in rounds]
        else:
            sides = ([function([mean(row) for row in table], weights) for table in tables] for tables in rounds)
            added = [[a - b] for a, b in sides if a is not None and b is not None]
        if not added:
            return None
        parts = list(zip(*added, strict=True))
        variances = [variance(part) / len(part) if len(part) > 1 else 0.0 for part in parts]
        estimate, total = sum(map(fmean, parts)), sum(variances)
        half = None
        if total > _NO_LUCK:
            freedom = total**2 * (len(added) - 1) / sum(each**2 for each in variances)
            half = quantile(1 - ALPHA / rules, freedom) * sqrt(total)
        known = [[cell is not None for cell in row] for row in _means(self.without)]
        return Estimate(
            estimate=estimate,
            low=None if half is None else estimate - half,
            high=None if half is None else estimate + half,
            level=1 - ALPHA,
            estimand="these people and tasks again",
            people=sum(map(any, known)),
            tasks=sum(map(any, zip(*known, strict=True))),
        )


def person_effects(rules: Sequence[RuleRounds], people: Sequence[str]) -> list[dict[str, PersonEffect]]:
    """Return the effects of each rule on each person that it reaches, with Holm's correction over all of them.

    Noise is how much a difference varies from round to round in the same conversation: each person's own, pooled over
    the rules that reach the person's answers, and apart over those that do not.
    """
    spread: dict[tuple[str, bool], tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    measured: dict[tuple[int, str], tuple[float, int]] = {}
    for number, rule in enumerate(rules):
        for row, person in enumerate(people):
            tasks = [values for values in rule.differences(row) if values]
            flat = [value for values in tasks for value in values]
            is_reached = person in rule.reached
            if not flat or not (is_reached or any(flat)):
                continue
            measured[number, person] = sum(flat) / len(flat), len(flat)
            squares, freedom = spread[person, is_reached]
            squares += sum((v - sum(values) / len(values)) ** 2 for values in tasks for v in values)
            spread[person, is_reached] = squares, freedom + len(flat) - len(tasks)
    p_values = {
        key: _p_value(effect, count, *spread[key[1], key[1] in rules[key[0]].reached])
        for key, (effect, count) in measured.items()
    }
    known = {key: p for key, p in p_values.items() if p is not None}
    adjusted = dict(zip(known, holm(list(known.values())), strict=True))
    found: list[dict[str, PersonEffect]] = [{} for _ in rules]
    for key, (effect, _) in measured.items():
        found[key[0]][key[1]] = PersonEffect(effect=round(effect, 9), p=adjusted.get(key))
    return found


def _p_value(effect: float, count: int, squares: float, freedom: int) -> float | None:
    if freedom < 1 or squares < _NO_LUCK:
        return None
    return tail(abs(effect) / sqrt(squares / freedom / count), freedom)


def _by_task(whole: UtilityTable, without: UtilityTable, weights: Sequence[float]) -> list[float]:
    """Return what each task adds to the difference of the weighted means of two tables."""
    changes = [
        [None if a is None or b is None else a - b for a, b in zip(*rows, strict=True)]
        for rows in zip(whole, without, strict=True)
    ]
    counts = [sum(change is not None for change in row) for row in changes]
    total = sum(weight for weight, count in zip(weights, counts, strict=True) if count)
    worth = [weight / total / count if count else 0.0 for weight, count in zip(weights, counts, strict=True)]
    return [
        sum(share * (change or 0.0) for share, change in zip(worth, column, strict=True))
        for column in zip(*changes, strict=True)
    ]


def welfare_of(rounds: Sequence[UtilityTable], function: WelfareFunction, weights: Sequence[float]) -> float | None:
    """Return the welfare of the utilities' means over all rounds."""
    return function([mean(row) for row in _means(rounds)], weights)


def _means(rounds: Sequence[UtilityTable]) -> list[list[float | None]]:
    return [[mean(cells) for cells in zip(*rows, strict=True)] for rows in zip(*rounds, strict=True)]


def quotes(history: History, rule: Principle | Clause) -> tuple[Quote, ...]:
    """Return the evidence of a rule with its authors and texts."""
    texts: dict[str, tuple[str, str]] = {}
    for epoch in history.epochs:
        for messages in epoch.conversations.values():
            texts |= {m.id: (m.persona if m.role == "user" else "assistant", m.content) for m in messages}
        texts |= {rating.id: (rating.rater, rating.comment) for rating in epoch.ratings}
    found = ((evidence, *texts.get(evidence, ("", ""))) for evidence in rule.evidence)
    return tuple(Quote(id=evidence, who=who, text=text) for evidence, who, text in found)


def concerns(rule: Principle | Clause, persona: Persona) -> bool:
    """Return whether leaving out a rule can change a conversation, as clauses with users apply to these only."""
    return not isinstance(rule, Clause) or not rule.users or persona.id in rule.users


def without(constitution: Constitution, rule_id: str) -> Constitution:
    """Return the constitution without a rule."""
    return constitution.model_copy(
        update={
            "principles": tuple(rule for rule in constitution.principles if rule.id != rule_id),
            "contract": tuple(rule for rule in constitution.contract if rule.id != rule_id),
        }
    )


def _calls_each_round(config: ExperimentConfig, constitution: Constitution, persona: Persona) -> int:
    """Return the calls of a conversation with its ratings, with all and without each rule; all have one opening."""
    others, wanted = len(config.train_personas) - 1, config.ratings.cross_raters
    raters = others if wanted == "all" else min(wanted, others)
    played = 1 + sum(concerns(rule, persona) for rule in constitution.rules)
    opening, *turns = (len(line.calls) for line in lines_of(config))
    return (opening if not persona.human else 0) + played * (sum(turns) + raters)


def _in_rounds(config: ExperimentConfig) -> Iterator[PersonaTask]:
    """Yield every persona with every task; each persona has its first before any has its second, in seeded order."""
    rng, given = random.Random(f"{config.seed}/explain"), config.train_tasks
    tasks = {persona.id: rng.sample(given, len(given)) for persona in config.train_personas}
    personas = rng.sample(config.train_personas, len(config.train_personas))
    return ((persona, tasks[persona.id][n]) for n in range(len(given)) for persona in personas)
