"""Search the best constitution for a society with known preferences, within the runs' own limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from benchmarks.regret.societies import Society
from benchmarks.regret.truth import SEARCHED, worth
from scai_cli.experiment.constitution import Add, Constitution
from scai_cli.experiment.constitution_start import ConstitutionStart
from scai_cli.experiment.personas import Persona
from scai_cli.measures.catalogue import TRAITS
from scai_cli.messages import rough_tokens
from scai_cli.models.simulated.wordings import BAN, BAN_THEME, RULE, RULE_THEME

Rule = tuple[str, float]
"""A trait, and whether it is asked for (1) or against (-1)."""
Sets = dict[str, frozenset[Rule]]
"""The rules in force for each person."""

_LIMITS = ConstitutionStart()


def best(society: Society) -> Constitution:
    """Search each person's best set of rules; if together they are too long, drop or merge the cheapest ones.

    A person's set is grown and pruned greedily, with swaps, over all rules that could help the person. The constitution
    of all sets is then reduced to `max_principles` and `max_tokens` by the moves that cost the least welfare per saved
    token: a rule becomes a principle, a person leaves a clause, a clause is dropped. Finally, each rule that still fits
    and helps is added.
    """
    ideal = {person.id: _own_best(person) for person in society.people}
    plan = _Plan(society, frozenset(), ideal)
    while not plan.fits():
        plan = plan.slimmer()
    return plan.polished().constitution()


def bound(society: Society) -> Constitution:
    """Return each person's best set as clauses, of any length: a limit that no constitution can exceed."""
    return _Plan(society, frozenset(), {person.id: _own_best(person) for person in society.people}).constitution()


def _own_best(person: Persona) -> frozenset[Rule]:
    useful = [(trait, 1.0 if weight > 0 else -1.0) for trait, weight in person.preferences.items()]
    useful += [rule for rule in (("detailed", 1.0), ("concise", 1.0), ("plain_words", 1.0)) if rule not in useful]
    rules: frozenset[Rule] = frozenset()
    while True:
        moves = [rules ^ {rule} for rule in useful]
        moves += [rules - {old} | {new} for old in rules for new in useful if new not in rules]
        better = max(moves, key=lambda move: _value(person, move))
        if _value(person, better) <= _value(person, rules) + 1e-9:
            return rules
        rules = better


def _value(person: Persona, rules: frozenset[Rule]) -> float:
    return _valued(person.id, tuple(person.preferences.items()), rules)


@lru_cache(maxsize=200_000)
def _valued(name: str, preferences: tuple[tuple[str, float], ...], rules: frozenset[Rule]) -> float:
    person = Persona(id=name, preferences=dict(preferences))
    return worth(person, "\n".join(f"- {words(rule)}" for rule in sorted(rules)), SEARCHED)


@lru_cache
def words(rule: Rule) -> str:
    """Return the shortest wording of a rule that the simulated meta model knows."""
    trait, sign = rule
    style, theme = (RULE, RULE_THEME) if sign > 0 else (BAN, BAN_THEME)
    return min((text.format(label=TRAITS[trait].label) for text in style.get(trait, theme)), key=len)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Principles, and for each person the rules of their clauses."""

    society: Society
    principles: frozenset[Rule]
    clauses: Sets

    def welfare(self) -> float:
        """Return the mean utility."""
        people = self.society.people
        return sum(_value(person, self.principles | self.clauses[person.id]) for person in people) / len(people)

    def constitution(self) -> Constitution:
        """Return the plan as a constitution."""
        asked = sorted({rule for rules in self.clauses.values() for rule in rules})
        adds = [Add(text=words(rule)) for rule in sorted(self.principles)]
        adds += [
            Add(text=words(rule), users=tuple(user for user, rules in self.clauses.items() if rule in rules))
            for rule in asked
        ]
        return Constitution().apply(adds, epoch=0)

    def size(self) -> int:
        """Return the tokens, counted as the engine counts them."""
        return rough_tokens(len(self.constitution().render()))

    def fits(self) -> bool:
        """Return whether the plan is within both limits."""
        return len(self.principles) <= _LIMITS.max_principles and self.size() <= _LIMITS.max_tokens

    def slimmer(self) -> _Plan:
        """Return the plan after the move that saves tokens at the least cost."""
        size, welfare = self.size(), self.welfare()
        moves = [(move, size - move.size()) for move in self._moves()]
        return min(
            ((move, saved) for move, saved in moves if saved > 0),
            key=lambda pair: (welfare - pair[0].welfare()) / pair[1],
        )[0]

    def polished(self) -> _Plan:
        """Return the plan with every rule that still fits and helps, one by one, the most helpful first."""
        plan = self
        while True:
            better = [move for move in plan._additions() if move.fits()]
            best = max(better, key=_Plan.welfare, default=plan)
            if best.welfare() <= plan.welfare() + 1e-9:
                return plan
            plan = best

    def _moves(self) -> Iterator[_Plan]:
        for rule in {rule for rules in self.clauses.values() for rule in rules}:
            without = {user: rules - {rule} for user, rules in self.clauses.items()}
            yield _Plan(self.society, self.principles, without)
            if len(self.principles) < _LIMITS.max_principles:
                yield _Plan(self.society, self.principles | {rule}, without)
            for user, rules in self.clauses.items():
                if rule in rules:
                    yield _Plan(self.society, self.principles, {**self.clauses, user: rules - {rule}})

    def _additions(self) -> Iterator[_Plan]:
        for person in self.society.people:
            own = self.clauses[person.id]
            for trait, weight in person.preferences.items():
                rule = (trait, 1.0 if weight > 0 else -1.0)
                yield _Plan(self.society, self.principles, {**self.clauses, person.id: own ^ {rule}})
                if rule not in self.principles and len(self.principles) < _LIMITS.max_principles:
                    without = {user: rules - {rule} for user, rules in self.clauses.items()}
                    yield _Plan(self.society, self.principles | {rule}, without)
        for rule in self.principles:
            yield _Plan(self.society, self.principles - {rule}, self.clauses)
