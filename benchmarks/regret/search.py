"""Search the best nameless constitution for known people, within the runs' own limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from benchmarks.regret.societies import JUDGED, Cell
from benchmarks.regret.truth import met, shown_under
from scai_cli.experiment.constitution_start import ConstitutionStart
from scai_cli.experiment.personas import Persona
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import CONDITIONS, named
from scai_cli.messages import rough_tokens
from scai_cli.models.simulated.options import SocietyOptions
from scai_cli.models.simulated.wordings import BAN, BAN_THEME, RULE, RULE_THEME

Rule = tuple[str, str, float]
"""A condition, empty for a principle; a trait; and whether it is asked for (1) or against (-1)."""

_LIMITS = ConstitutionStart()
_RECOGNISED = SocietyOptions().recognition
_PRINCIPLES, _PER_CONDITION = 12, 5
"""The traits that are tried for everyone, and for each condition: those with the largest sums of weights."""
_SEEDS = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Plan:
    """Rules of a nameless constitution, for these people in a cell."""

    people: tuple[Persona, ...]
    cell: Cell
    rules: frozenset[Rule]

    def welfare(self) -> float:
        """Return the expected mean utility: a condition shows and is recognised, or not; false alarms are left out."""
        plain = frozenset((trait, sign) for condition, trait, sign in self.rules if not condition)
        total = 0.0
        for person in self.people:
            condition = _condition(person)
            own = frozenset((trait, sign) for c, trait, sign in self.rules if c == condition)
            known = self.cell.shows * _RECOGNISED if own else 0.0
            total += known * _value(person, plain | own) if known else 0.0
            total += (1 - known) * _value(person, plain)
        return total / len(self.people)

    def text(self) -> str:
        """Return the constitution as anybody can paste it."""
        principles = [words(trait, sign) for condition, trait, sign in sorted(self.rules) if not condition]
        clauses = [
            f"When the user {CONDITIONS[c].label}: {words(trait, sign)}" for c, trait, sign in sorted(self.rules) if c
        ]
        return "\n".join(f"- {line}" for line in (*principles, *clauses))

    def fits(self) -> bool:
        """Return whether the rules are within both limits."""
        principles = sum(not condition for condition, _, _ in self.rules)
        return principles <= _LIMITS.max_principles and rough_tokens(len(self.text())) <= _LIMITS.max_tokens

    def moves(self, useful: Sequence[Rule]) -> Iterator[Plan]:
        """Yield the plans with one rule more, less, or exchanged for another one with its trait."""
        for rule in useful:
            yield Plan(self.people, self.cell, self.rules ^ {rule})
            for old in self.rules:
                if old != rule and old[1] == rule[1] and rule not in self.rules:
                    yield Plan(self.people, self.cell, self.rules - {old} | {rule})


def best(people: Sequence[Persona], cell: Cell) -> str:
    """Return the text of the best nameless constitution that a greedy search finds, from nothing.

    Each step makes the most helpful change that fits, until none helps.
    """
    useful = list(_useful(people))
    plan = Plan(tuple(people), cell, frozenset())
    while True:
        better = max((move for move in plan.moves(useful) if move.fits()), key=Plan.welfare)
        if better.welfare() <= plan.welfare() + 1e-9:
            return plan.text()
        plan = better


@lru_cache
def words(trait: str, sign: float) -> str:
    """Return the shortest wording of a rule that the simulated meta model knows."""
    style, theme = (RULE, RULE_THEME) if sign > 0 else (BAN, BAN_THEME)
    return min((text.format(label=TRAITS[trait].label) for text in style.get(trait, theme)), key=len)


def _useful(people: Sequence[Persona]) -> Iterator[Rule]:
    groups: dict[str, list[Persona]] = defaultdict(list)
    for person in people:
        groups[_condition(person)].append(person)
    for condition, some, most in (("", people, _PRINCIPLES), *((c, g, _PER_CONDITION) for c, g in groups.items())):
        sums: dict[str, float] = defaultdict(float)
        for person in some:
            for trait, weight in person.preferences.items():
                sums[trait] += weight
        for trait in sorted(sums, key=lambda trait: -abs(sums[trait]))[:most]:
            yield condition, trait, 1.0 if sums[trait] > 0 else -1.0


def _condition(person: Persona) -> str:
    return next(iter(named(str(person.attributes["situation"]))))


def _value(person: Persona, rules: frozenset[tuple[str, float]]) -> float:
    return met(person.preferences, _seen(rules))


@lru_cache(maxsize=200_000)
def _seen(rules: frozenset[tuple[str, float]]) -> list[float]:
    text = "\n".join(f"- {words(trait, sign)}" for trait, sign in sorted(rules))
    rows = [shown_under(text, task, _SEEDS) for task in JUDGED]
    return [float(sum(column)) / len(rows) for column in zip(*rows, strict=True)]
