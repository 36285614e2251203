"""The first version of the constitution: rules of the experiment, of an earlier run or file, and locked rules."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_serializer, model_validator

from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.constitution import (
    Clause,
    Condition,
    Constitution,
    Principle,
    RuleKind,
    RuleText,
    unbound,
)
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.revision_settings import Count
from scai_cli.experiment.yaml_source import KeyPath, YamlSource
from scai_cli.messages import rough_tokens
from scai_cli.text.characters import hidden
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import Value

_ID: Final = re.compile(r"\s*[PC]\d+\s*", re.IGNORECASE)
_brief: Final = Field(exclude_if=lambda value: not value)
"""A field left out of JSON and YAML while it is not given, as runs of 0.1 do not have it."""
TEXT_ALONE: Final = BeforeValidator(lambda rule: {"text": rule} if isinstance(rule, str) else rule)
"""Reads a rule that is written as its text alone."""


class StartPrinciple(Value):
    """A principle at the start: its text alone, or a mapping as `scai export --format system --as json` writes it."""

    id: str | None = None
    """Its id; the next free one if it is null, taken or not of the form `P1`."""
    text: RuleText
    """The text of the principle."""
    locked: bool = False
    """Whether no revision may change, merge or remove it."""

    @model_serializer
    def _short(self) -> Any:
        return {key: value for key, value in self if value} if self.id or self.locked else self.text


class StartClause(Value):
    """A clause of the starting contract, under a condition or for some users."""

    model_config = ConfigDict(populate_by_name=True)

    id: Annotated[str | None, _brief] = None
    """Its id; the next free one if it is null, taken or not of the form `C1`."""
    text: RuleText
    """The text of the clause."""
    when: Annotated[Condition | None, _brief] = None
    """The condition under which it applies, in words that complete "When ...", e.g. `the user is in a hurry`."""
    users: Annotated[tuple[str, ...], Field(alias="for"), _brief] = ()
    """The ids of the personas that it is for, in place of a condition; the assistant learns their ids."""
    kind: Annotated[RuleKind, Field(exclude_if=lambda kind: kind == "rule")] = "rule"
    """`ask` for a question that the assistant puts to the user, with or without a condition."""

    @model_validator(mode="after")
    def _is_bound(self) -> Self:
        if problem := unbound(self.when, self.users, self.kind):
            raise ValueError(problem)
        return self


class ConstitutionStart(Value):
    """The first version of the constitution, and the limits on its size."""

    source: Annotated[str | None, Field(alias="from", min_length=1), _brief] = None
    """Start from an earlier constitution: of a run (id, unique prefix of an id, path or `latest`), of a run after an
    epoch (`RUN@2`; `RUN@0` for its start), or in a file written by `scai export --format system` in any style. Rules
    of a run or a JSON file keep their ids and locks, those of a text do not. Paths are relative to the experiment
    file."""
    drop: Annotated[tuple[str, ...], _brief] = ()
    """Ids of rules of `from` to leave out."""
    locked: Annotated[tuple[RuleText, ...], _brief] = ()
    """Principles that no revision may change, merge or remove. Each entry is an id, or a text; a text that is not a
    principle yet is added before the others."""
    principles: tuple[Annotated[StartPrinciple, TEXT_ALONE], ...] = ()
    """Principles (rules for everyone) of the first version, each a text or `{id, text, locked}`. They follow the rules
    of `from`; a text that `from` has already is not added again."""
    contract: tuple[StartClause, ...] = ()
    """Clauses (rules under a condition or for some users, questions) of the first version, after those of `from`."""
    max_principles: Count = 10
    """The maximal number of principles after a revision."""
    max_tokens: Count = 400
    """The maximal length of the constitution in the system message, in tokens (characters / 4)."""
    earlier: Annotated[Constitution | None, _brief] = None
    """The constitution of `from` at the start of the run, with the `since` and `evidence` that its rules have there;
    written by `scai run`, so that a resume needs no look-up."""
    earlier_run: Annotated[str, _brief] = ""
    """The id of the run that `earlier` is from; empty for a file."""

    @model_validator(mode="before")
    @classmethod
    def _no_reference_alone(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"must be a mapping; to start from a run or a file, set constitution.from={value[:80]}")
        return value

    @property
    def label(self) -> str:
        """The source of `from` in words: "run a (version 1)", or a file's name; empty without `from`."""
        return f"run {self.earlier_run} (version {self.base.version})" if self.earlier_run else self.source or ""

    @property
    def base(self) -> Constitution:
        """The whole constitution of `from`; empty without `from`."""
        return self.earlier or Constitution()

    @property
    def dropped(self) -> tuple[Principle | Clause, ...]:
        """The rules of `from` that are left out."""
        return tuple(rule for rule in self.base.rules if rule.id in self.drop)


FindEarlier = Callable[[str, Path, Sequence[Persona]], tuple[Constitution, str]]
"""Resolves `from`, given the experiment's folder and the personas, to a constitution and the id of its run.

Raises RunError for an unknown run or file, ConfigError for an invalid file.
"""


def start_from(
    start: ConstitutionStart, personas: Sequence[Persona], source: YamlSource, find: FindEarlier | None
) -> ConstitutionStart:
    """Return the start with the constitution of `from`; raises ConfigError for keys that contradict each other."""
    is_new = start.earlier is None or ("constitution", "from") in source.overridden
    if start.source is not None and find is not None and is_new:
        try:
            earlier, run = find(start.source, Path(source.name).parent, personas)
        except RunError as error:
            raise source.error(("constitution", "from"), str(error)) from None
        start = start.model_copy(update={"earlier": earlier, "earlier_run": run})
    known = {persona.id for persona in personas}
    for clause in start.base.contract:
        if clause.id not in start.drop and (strangers := [user for user in clause.users if user not in known]):
            problem = f"{clause.id} of {start.label} is for {strangers[0]!r}, who is not in this experiment"
            remedy = f"leave it out with `drop: [{clause.id}]`, or add the persona"
            raise source.error(("constitution", "from"), f"{problem}; {remedy}")
    for rule in start.base.rules:
        if rule.id not in start.drop and (codes := hidden(f"{rule.text}{getattr(rule, 'when', None) or ''}")):
            problem = (
                f"{rule.id} of {start.label} has hidden characters ({codes}); leave it out with `drop: [{rule.id}]`"
            )
            raise source.error(("constitution", "from"), problem)
    for path, problem in _problems(start):
        raise source.error(("constitution", *path), problem)
    return start


def check_contract(contract: Iterable[StartClause], personas: Sequence[str], source: YamlSource) -> None:
    """Refuse clauses for people whom the experiment does not have; raises ConfigError."""
    for n, clause in enumerate(contract):
        for user in clause.users:
            if user not in personas:
                problem = f"unknown persona {user!r} in the contract{did_you_mean(user, personas)}"
                raise source.error(("constitution", "contract", n, "for"), problem)


def check_conditions(start: ConstitutionStart, source: YamlSource) -> None:
    """Refuse clauses for single people, whom the assistant does not know with conditions; raises ConfigError."""
    remedy = "write `revision: {clauses: people}` for an experiment among known people"
    for n, clause in enumerate(start.contract):
        if clause.users:
            raise source.error(("constitution", "contract", n, "for"), f"the assistant knows nobody by an id; {remedy}")
    if named := [clause.id for clause in start.base.contract if clause.users and clause.id not in start.drop]:
        problem = f"{', '.join(named)} of {start.label}: for single people, and the assistant knows nobody by an id"
        raise source.error(("constitution", "from"), f"{problem}; {remedy}, or `drop: [{', '.join(named)}]`")


def initial_constitution(start: ConstitutionStart) -> Constitution:
    """Return version 0: new locked rules first, then the others; raises ConfigError for contradictory keys."""
    for (key, *_), problem in _problems(start):
        raise ConfigError(f"constitution.{key}: {problem}")
    return _initial(start)


def _problems(start: ConstitutionStart) -> Iterator[tuple[KeyPath, str]]:
    """Yield (key, problem) for keys of a start that contradict each other."""
    first, base = _initial(start), start.base
    ids, clauses = [rule.id for rule in first.principles], [rule.id for rule in first.contract]
    if start.source is not None and start.earlier is None:
        yield ("from",), "is not looked up here; load the experiment with `scai_cli.load_experiment`"
    for n, name in enumerate(start.drop):
        if base.rule(name) is None:
            where = f"in {start.label}{did_you_mean(name, [rule.id for rule in base.rules])}"
            yield ("drop", n), f"there is no rule {name!r} {where if start.source else 'without a `from`'}"
    for n, name in enumerate(start.locked):
        if name in clauses:
            yield ("locked", n), f"{name} is a clause, and only principles can be locked"
        elif _ID.fullmatch(name) and name not in ids:
            yield ("locked", n), f"there is no principle {name!r} to lock{did_you_mean(name, ids)}"
    size = rough_tokens(first.size)
    if (start.source or first.locked) and (len(ids) > start.max_principles or size > start.max_tokens):
        limits = f"`max_principles` ({start.max_principles}) or `max_tokens` ({start.max_tokens})"
        sizes = f"{len(ids)} principles and {size} tokens in all"
        yield ("max_principles",), f"the start has {sizes}: raise {limits}, or drop some"


def _initial(start: ConstitutionStart) -> Constitution:
    base = start.base
    principles: list[Principle | StartPrinciple] = [p for p in base.principles if p.id not in start.drop]
    # The rules that an experiment began with are often among those that it led to.
    old = {rule.text for rule in principles}
    principles += [rule for rule in start.principles if rule.text not in old]
    texts = {rule.text for rule in principles}
    new = [StartPrinciple(text=t) for t in dict.fromkeys(start.locked) if t not in texts and not _ID.fullmatch(t)]
    kept = [clause for clause in base.contract if clause.id not in start.drop]
    first = numbered([*principles, *new], [*kept, *start.contract], base)
    rules = [
        rule.model_copy(update={"locked": rule.locked or rule.id in start.locked or rule.text in start.locked})
        for rule in first.principles
    ]
    return first.model_copy(update={"principles": (*rules[len(principles) :], *rules[: len(principles)])})


def numbered(
    principles: Sequence[Principle | StartPrinciple],
    contract: Sequence[Clause | StartClause],
    base: Constitution | None = None,
) -> Constitution:
    """Return version 0 with these rules; those without a free id of the right form get ids that `base` never used."""
    last_principle, last_clause = (base.last_principle, base.last_clause) if base else (0, 0)
    ids = _ids("P", [rule.id for rule in principles], last_principle)
    clause_ids = _ids("C", [rule.id for rule in contract], last_clause)
    return Constitution(
        principles=tuple(Principle(id=n, text=p.text, locked=p.locked) for n, p in zip(ids, principles, strict=True)),
        contract=tuple(
            Clause(id=n, text=c.text, when=c.when, users=c.users, kind=c.kind)
            for n, c in zip(clause_ids, contract, strict=True)
        ),
        last_principle=max([last_principle, *(int(name[1:]) for name in ids)]),
        last_clause=max([last_clause, *(int(name[1:]) for name in clause_ids)]),
    )


def _ids(letter: str, given: Sequence[str | None], last: int) -> list[str]:
    valid = [n if n and re.fullmatch(rf"{letter}[1-9]\d{{0,8}}", n) else None for n in given]
    free = count(1 + max([last, *(int(name[1:]) for name in valid if name)]))
    return [n if n and n not in valid[:at] else f"{letter}{next(free)}" for at, n in enumerate(valid)]
