"""Read a constitution file, written by `scai export --format system` in any style or by hand."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from scai_cli.errors import ConfigError
from scai_cli.experiment.constitution import Constitution, RuleText
from scai_cli.experiment.constitution_start import TEXT_ALONE, StartClause, StartPrinciple, numbered
from scai_cli.experiment.input_files import read_text
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.yaml_source import explain, read_yaml
from scai_cli.text.characters import hidden
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import USERS_FILE, Value

SUFFIXES: Final = (".md", ".txt", ".json", ".yaml", ".yml")
"""The suffixes of constitution files, as opposed to ids of runs."""

_LARGEST: Final = 2**20
_ITEM: Final = re.compile(r"\s{0,3}(?:\d{1,3}[.)]|[-*+•])\s+(?P<text>\S.*)")
_FOR: Final = re.compile(r"When you talk with (?P<who>.+?): (?P<text>.+)", re.DOTALL)
_RULE_TEXT: Final = TypeAdapter[str](RuleText)
_SEPARATOR: Final = re.compile(r", | and ")


class _Principle(StartPrinciple):
    model_config = ConfigDict(extra="ignore")


class _Clause(StartClause):
    model_config = ConfigDict(extra="ignore")

    users: Annotated[tuple[str, ...], Field(alias="for")] = ()


class _Written(Value):
    run_id: str = ""
    version: int = 0
    system_message: str = ""
    principles: tuple[Annotated[_Principle, TEXT_ALONE], ...] = ()
    contract: tuple[Annotated[_Clause, TEXT_ALONE], ...] = ()


def read_constitution(path: Path, personas: Iterable[Persona], *, strict: bool = True) -> Constitution:
    """Read a constitution; raises ConfigError if it has no rule, or if `strict` a clause is for an unknown persona.

    JSON and YAML have the keys `principles` and `contract`. In Markdown and plain text every item of a list is a rule,
    or every paragraph if there is no list; a clause starts with `When you talk with NAME:`.
    """
    known = {name: persona.id for persona in personas for name in (persona.called, persona.id)}
    if path.suffix in (".json", ".yaml", ".yml"):
        return _from_data(path, known, strict)
    rules = list(_rules(read_text(path, _LARGEST)))
    if not rules:
        raise ConfigError(f"{path}: contains no rule; write one per line, each after `- `")
    return _from_text(path, rules, known, strict)


def _from_data(path: Path, known: Mapping[str, str], strict: bool) -> Constitution:
    source = read_yaml(path)
    if not isinstance(source.data, dict):
        raise source.error((), "a constitution must be a mapping with `principles:` and `contract:`")
    if "personas" in source.data or "tasks" in source.data:
        raise source.error((), "this is an experiment, not a constitution; run it first with `scai run`")
    try:
        written = _Written.model_validate(source.data, context=USERS_FILE)
    except ValidationError as error:
        raise explain(error, source, _Written) from None
    if not written.principles and not written.contract:
        raise source.error((), "contains no rule; write `principles:`, a list of sentences")
    for n, rule in enumerate(written.contract):
        if not rule.users:
            raise source.error(("contract", n), "a clause needs `for:`, a list of persona ids")
        for user in rule.users:
            if strict and user not in known:
                raise source.error(("contract", n, "for"), _unknown(user, known))
    contract = [
        rule.model_copy(update={"users": tuple(known.get(user, user) for user in rule.users)})
        for rule in written.contract
    ]
    return numbered(written.principles, contract).model_copy(update={"version": written.version})


def _from_text(path: Path, rules: Iterable[tuple[int, str]], known: Mapping[str, str], strict: bool) -> Constitution:
    principles: list[StartPrinciple] = []
    contract: list[StartClause] = []
    for line, written in rules:
        if codes := hidden(written):
            raise ConfigError.at(str(path), line, None, f"this rule has hidden characters ({codes}); remove them")
        try:
            text = _RULE_TEXT.validate_python(written)
        except ValidationError:
            raise ConfigError.at(str(path), line, None, "this rule is too long; write one or two sentences") from None
        clause = _FOR.fullmatch(text)
        if clause is None:
            principles.append(StartPrinciple(text=text))
            continue
        # The whole text first: a name may itself hold a comma or "and".
        names = [clause["who"]] if clause["who"] in known else _SEPARATOR.split(clause["who"])
        for name in names:
            if strict and name not in known:
                raise ConfigError.at(str(path), line, None, _unknown(name, known))
        contract.append(StartClause(text=clause["text"], users=tuple(known.get(name, name) for name in names)))
    return numbered(principles, contract)


def _unknown(name: str, known: Mapping[str, str]) -> str:
    remedy = did_you_mean(name, known) if known else "; give the personas with --personas"
    return f"unknown persona {name!r} in a clause{remedy}"


def _rules(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every rule: the items of lists, or the paragraphs if there is no list."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if not line.startswith("#")]
    listed = any(_ITEM.match(line) for _, line in lines)
    at, rule = 0, ""
    for number, line in [*lines, (0, "")]:
        item = _ITEM.match(line)
        if rule and (item or not line.strip()):
            yield at, rule
            rule = ""
        if item:
            at, rule = number, item["text"].strip()
        elif line.strip() and (rule or not listed):
            at, rule = (at, f"{rule}\n{line.strip()}") if rule else (number, line.strip())
