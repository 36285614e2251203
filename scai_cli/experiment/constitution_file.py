"""Read a constitution file, written by `scai export --format system` in any style or by hand."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from pydantic import ConfigDict, Field, ValidationError

from scai_cli.errors import ConfigError
from scai_cli.experiment.constitution import (
    ASK,
    CONDITIONS,
    OF_SOME,
    PRINCIPLES,
    QUESTIONS,
    WHEN,
    Constitution,
    listed,
)
from scai_cli.experiment.constitution_start import TEXT_ALONE, StartClause, StartPrinciple, numbered
from scai_cli.experiment.constitution_text import BY_HAND, parts
from scai_cli.experiment.input_files import read_text
from scai_cli.experiment.personas import Persona, names_of
from scai_cli.experiment.wordings import ChatLine, FewShot, RecipePair, Wording, WrittenPrinciple, refuse_order
from scai_cli.experiment.yaml_source import explain, read_yaml
from scai_cli.measures.conditions import split_rule
from scai_cli.prompts.instructions import as_rule
from scai_cli.text.characters import hidden, one_line
from scai_cli.text.counts import counted
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import USERS_FILE, Value

SUFFIXES: Final = (".md", ".txt", ".json", ".yaml", ".yml")
"""The suffixes of constitution files, as opposed to ids of runs."""

_LARGEST: Final = 2**20
_TALK: Final = re.compile(r"When you talk with (?P<who>.+?): (?P<text>.+)", re.DOTALL)
_SEPARATOR: Final = re.compile(r", | and ")
_MOST_NAMED: Final = 5


class _Clause(StartClause):
    model_config = ConfigDict(extra="ignore")

    users: Annotated[tuple[str, ...], Field(alias="for")] = ()


class _Written(Value):
    run_id: str = ""
    version: int = 0
    system_message: str = ""
    principles: tuple[Annotated[WrittenPrinciple, TEXT_ALONE], ...] = ()
    contract: tuple[Annotated[_Clause, TEXT_ALONE], ...] = ()
    constitutions: tuple[RecipePair, ...] = ()
    system_chat: FewShot = ()


class ConstitutionFile(NamedTuple):
    """The constitution of a file, and a line for each part of the file that is not read as a rule."""

    constitution: Constitution
    not_read: tuple[str, ...] = ()
    """`FILE:3: not read: ...`; after the first few, their number."""


class GenerateFile(NamedTuple):
    """The constitution of a file with what only `scai generate` uses."""

    constitution: Constitution
    not_read: tuple[str, ...] = ()
    """As in `ConstitutionFile`."""
    wordings: Mapping[str, Wording] = {}
    """The wordings of a principle by its id; also of those without a text, which `constitution` lacks."""
    few_shot: tuple[ChatLine, ...] = ()


def read_constitution(path: Path, personas: Iterable[Persona], *, strict: bool = True) -> ConstitutionFile:
    """Read a constitution as `read_generate_file` does; raises ConfigError also for a principle without a text."""
    found = read_generate_file(path, personas, strict=strict)
    if textless := sum(found.constitution.rule(name) is None for name in found.wordings):
        raise ConfigError(
            f"{path}: {counted(textless, 'principle')} of it {'is a pair' if textless == 1 else 'are pairs'} of "
            "requests without a text, which only `scai generate` can use; add a `text` for the system message to each"
        )
    return ConstitutionFile(found.constitution, found.not_read)


def read_generate_file(path: Path, personas: Iterable[Persona], *, strict: bool = True) -> GenerateFile:
    """Read a constitution; raises ConfigError if it has no rule, or if `strict` a clause is for an unknown persona.

    JSON and YAML have the keys `principles` and `contract`, or those of Hugging Face's recipe. In a text that `scai`
    wrote, the headings say what a line is. In another text, every item of a list is a rule, or without a list every
    paragraph: a clause if it starts with `When you talk with NAME:` or `When the user ...:`, else a principle.
    """
    people = _People.of(personas, strict=strict)
    if path.suffix in (".json", ".yaml", ".yml"):
        return _from_data(path, people)
    principles: list[WrittenPrinciple] = []
    contract: list[StartClause] = []
    not_read: list[str] = []
    for line, heading, text in parts(read_text(path, _LARGEST)):
        try:
            rule = None if heading is None else _rule(heading, text, people)
        except ValidationError as error:
            raise ConfigError.at(str(path), line, None, f"this rule {_problem(error)}") from None
        except ValueError as error:
            raise ConfigError.at(str(path), line, None, str(error)) from None
        if rule is None:
            not_read.append(f"{path}:{line}: not read: {one_line(text, 80)}")
        elif isinstance(rule, WrittenPrinciple):
            principles.append(rule)
        else:
            contract.append(rule)
    if not principles and not contract:
        raise ConfigError(f"{path}: contains no rule; write one per line, each after `- `")
    if left := len(not_read) - _MOST_NAMED:
        not_read[_MOST_NAMED:] = [f"{path}: not read: {left} more"] * (left > 0)
    return _built(principles, contract)._replace(not_read=tuple(not_read))


def _built(principles: Sequence[WrittenPrinciple], contract: Sequence[StartClause]) -> GenerateFile:
    """Number all rules; those without a text keep their numbers, and the constitution lacks them."""
    starts = [StartPrinciple(id=p.id, text=as_rule(p.text or "-"), locked=p.locked) for p in principles]
    whole = numbered(starts, contract)
    pairs = list(zip(whole.principles, principles, strict=True))
    wordings = {rule.id: written.wording for rule, written in pairs if written.wording is not None}
    kept = tuple(rule for rule, written in pairs if written.text is not None)
    return GenerateFile(whole.model_copy(update={"principles": kept}), wordings=wordings)


class _People(NamedTuple):
    """The personas by their ids and names."""

    ids: Mapping[str, set[str]]
    """An id or a name -> the ids of those who are called so."""
    strict: bool

    @classmethod
    def of(cls, personas: Iterable[Persona], *, strict: bool) -> "_People":
        """Return the personas by id, by name, and by name with an attribute or the id.

        A name that `names_of` gives them here comes first; a file may have been written for more or fewer people.
        """
        personas = list(personas)
        ids: dict[str, set[str]] = defaultdict(set)
        for persona in personas:
            marked = map(persona.with_mark, (persona.id, *persona.attributes.values()))
            for name in (persona.called, *marked):
                ids[name].add(persona.id)
        written = {name: {persona_id} for persona_id, name in names_of(personas).items()}
        return cls({**ids, **written, **{persona.id: {persona.id} for persona in personas}}, strict)

    def find(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the ids for names; raises ValueError for a name of several, and if strict for an unknown one."""
        found = []
        for name in names:
            ids = sorted(self.ids.get(name, ()))
            if len(ids) > 1:
                more = [f"{len(ids) - _MOST_NAMED} more"] if len(ids) > _MOST_NAMED else []
                raise ValueError(f"{name!r} is the name of {listed([*ids[:_MOST_NAMED], *more])}; write the id")
            if not ids and self.strict:
                remedy = did_you_mean(name, self.ids) if self.ids else "; give the personas with --personas"
                raise ValueError(f"unknown persona {name!r} in a clause{remedy}")
            found.append(ids[0] if ids else name)
        return tuple(found)

    def split(self, text: str, *, by_hand: bool) -> tuple[str, ...]:
        """Return the ids for "Ann, Bob and Cid"; by hand, a name may itself have a comma or "and" in it."""
        names = _SEPARATOR.split(text)
        if text not in self.ids or len(names) == 1:
            return self.find(names)
        if all(name in self.ids for name in names):
            if by_hand:
                raise ValueError(f"{text!r} may be one persona or {len(names)}; write ids")
            return self.find(names)
        return self.find([text])


def _from_data(path: Path, people: _People) -> GenerateFile:
    source = read_yaml(path)
    if not isinstance(source.data, dict):
        raise source.error((), "a constitution must be a mapping with `principles:` and `contract:`")
    if "personas" in source.data or "tasks" in source.data:
        raise source.error((), "this is an experiment, not a constitution; run it first with `scai run`")
    try:
        written = _Written.model_validate(source.data, context=USERS_FILE)
    except ValidationError as error:
        raise explain(error, source, _Written) from None
    try:
        refuse_order(written.system_chat)
    except ValueError as error:
        raise source.error(("system_chat",), str(error)) from None
    principles = (*written.principles, *(pair.principle for pair in written.constitutions))
    if not principles and not written.contract:
        raise source.error((), "contains no rule; write `principles:`, a list of sentences")
    contract = []
    for n, rule in enumerate(written.contract):
        try:
            contract.append(rule.model_copy(update={"users": people.find(rule.users)}))
        except ValueError as error:
            raise source.error(("contract", n, "for"), str(error)) from None
    built = _built(principles, contract)
    constitution = built.constitution.model_copy(update={"version": written.version})
    return built._replace(constitution=constitution, few_shot=written.system_chat)


def _rule(heading: str, text: str, people: _People) -> WrittenPrinciple | StartClause | None:
    """Return the rule on a line below a heading; None if it does not belong there. Raises ValueError."""
    if codes := hidden(text):
        raise ValueError(f"this rule has hidden characters ({codes}); remove them")
    by_hand, talk, condition = heading == BY_HAND, _TALK.fullmatch(text), WHEN.fullmatch(text)
    when, rest = split_rule(text) if by_hand else condition.groups() if condition else (None, text)
    if heading in (OF_SOME, BY_HAND) and talk:
        return StartClause(text=talk["text"], users=people.split(talk["who"], by_hand=by_hand))
    if heading == QUESTIONS:
        return StartClause(text=rest if when else text.removeprefix(ASK), when=when, kind="ask")
    if heading in (CONDITIONS, BY_HAND) and when:
        return StartClause(text=rest, when=when)
    return WrittenPrinciple(text=text) if heading in (PRINCIPLES, BY_HAND) else None


def _problem(error: ValidationError) -> str:
    (first, *_) = error.errors()
    is_long = first["type"] in ("string_too_long", "too_long")
    return "is too long; write one or two sentences" if is_long else first["msg"].removeprefix("Value error, ")
