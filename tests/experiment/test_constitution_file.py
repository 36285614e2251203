"""A constitution file: what scai wrote is read back to the same rules, and what is not read is listed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from scai_cli.datasets.formats.format import Layout
from scai_cli.datasets.formats.system import system
from scai_cli.datasets.samples.sample import RunSample
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ExperimentConfig, PersonaSource, TaskSource
from scai_cli.experiment.constitution import (
    CONDITIONS,
    OF_SOME,
    OF_USER,
    PRINCIPLES,
    QUESTIONS,
    Clause,
    Constitution,
    Principle,
)
from scai_cli.experiment.constitution_file import read_constitution
from scai_cli.experiment.personas import Persona, names_of
from scai_cli.runs.events import RunStarted
from scai_cli.runs.history.history import History
from scai_cli.simulation.prompts import Prompts
from scai_cli.text.characters import hidden, json_bytes, visible

HEADINGS = (PRINCIPLES, CONDITIONS, QUESTIONS, OF_USER, OF_SOME)
NASTY = (
    *HEADINGS, "When the user asks: why", "When you talk with Ann: No.", "When: x", "Ask: what?", "Ask: Ask: a",
    "1. One.", "- A.\n- B.", "a\n\n2. b\n", "# A", "# Constitution of run x, version 1", "You are a helpful assistant.",
    "a: b: c", "  x \t y ", "Be kind.\n\n" + PRINCIPLES + "\n1. Be rude.", "\u3000ü\u00a0", "\x0b\x1c.\x85",
    "{{constitution}}", "x" * 4000, "\ufffe!", '"', "'", "\\n", "yes", "1", "null", "- ", "[a, b]", "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
)  # fmt: skip
NAMES = (
    "James", "James", "james", "Ann", "Bob", "Ann and Bob", "Ann, Bob", "Ann (nurse)", "James (nurse)", "Dr: No", "and",
    "Ann,", "Bob and", "and Bob", "p1", "P2", "", "Zoë", "Ann\u2028Bob", "a\x1b[1m", ", ", "When you talk with Ann",
    "Ann (a and b)",
)  # fmt: skip
CONDITIONS_OF_RULES = (
    "the user asks: why", "When the user is new.", "if if x", "When: it: is", ", if, x", "Whenever: a",
    "you talk with Ann", "x, Ask", "the user\nis old",
)  # fmt: skip

texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=12)).filter(lambda t: not hidden(t))
attributes = st.dictionaries(
    st.sampled_from(("job", "age")), st.sampled_from(("nurse", "cook", "a and b", "b  c", "x\ny", 5, True))
)


def rules(model: type[Any], **keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Valid rules that say something."""

    def made(values: dict[str, Any]) -> Any:
        try:
            rule = model(**values)
        except ValidationError:
            return None
        return rule if rule.text.strip() else None

    return st.fixed_dictionaries({"text": texts, **keys}).map(made).filter(bool)


@st.composite
def constitutions(draw: st.DrawFn) -> tuple[Constitution, tuple[Persona, ...]]:
    """A constitution with every kind of rule, and the people it may name."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
    people = tuple(Persona(id=f"p{n}", name=name, attributes=draw(attributes)) for n, name in enumerate(names, 1))
    ids = st.lists(st.sampled_from([persona.id for persona in people]), min_size=1, max_size=4).map(tuple)
    when = st.one_of(st.sampled_from(CONDITIONS_OF_RULES), st.text(max_size=9)).filter(lambda t: not hidden(t))
    clauses = st.one_of(
        rules(Clause, id=st.just("C1"), when=when),
        rules(Clause, id=st.just("C1"), kind=st.just("ask"), when=st.one_of(st.none(), when)),
        rules(Clause, id=st.just("C1"), users=ids),
    )
    principles = draw(st.lists(rules(Principle, id=st.just("P1"), locked=st.booleans()), max_size=4))
    contract = draw(st.lists(clauses, min_size=not principles, max_size=5))
    return Constitution(
        principles=tuple(p.model_copy(update={"id": f"P{2 * n}"}) for n, p in enumerate(principles, 1)),
        contract=tuple(c.model_copy(update={"id": f"C{2 * n}"}) for n, c in enumerate(contract, 1)),
    ), people


def written(constitution: Constitution, people: Sequence[Persona], name: str, audience: str) -> Path:
    """What `scai export --format system --for AUDIENCE` writes."""
    config = ExperimentConfig(
        personas=PersonaSource(inline=tuple(people)), tasks=TaskSource(inline=({"id": "t", "prompt": "?"},))
    )
    message = Prompts(config.prompts, config.ratings, config.constitution, people).system_message(constitution)
    started = RunStarted.model_construct(constitution=constitution, system_message=message)
    history = History(Path("runs/x"), "finished", started)
    history.config = config
    (row,) = system(RunSample(history), Layout(audience=audience))
    kind = {"c.txt": "text", "c.md": "markdown"}.get(name)
    if name == "c.yaml":  # by a user's script
        Path(name).write_text(yaml.safe_dump(row, allow_unicode=True), encoding="utf-8")
    else:
        Path(name).write_bytes(visible(system.texts[kind](row)).encode() if kind else json_bytes(row))  # type: ignore[index]
    return Path(name)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "audience"),
    [("c.txt", "everyone"), ("c.txt", "members"), ("c.md", "members"), ("c.json", "members"), ("c.yaml", "everyone")],
)
@settings(max_examples=25)
@given(made=constitutions())
def test_what_scai_wrote_is_read_back(name: str, audience: str, made: tuple[Constitution, tuple[Persona, ...]]) -> None:
    constitution, people = made
    given_to = [c for c in constitution.contract if audience == "members" or not c.users]
    if not constitution.principles and not given_to:
        return
    found = read_constitution(written(constitution, people, name, audience), people)
    assert found.not_read == ()
    if name in ("c.json", "c.yaml"):
        assert list(found.constitution.rules) == [*constitution.principles, *given_to]
        return
    assert [flat(p.text) for p in found.constitution.principles] == [flat(p.text) for p in constitution.principles]
    order = sorted(given_to, key=lambda c: (bool(c.users), c.kind == "ask"))
    assert [(flat(c.text), c.when, c.users, c.kind) for c in found.constitution.contract] == [
        (flat(c.text), c.when, c.users, c.kind) for c in order
    ]


@given(st.lists(st.tuples(st.sampled_from(NAMES), attributes), min_size=1, max_size=6))
@example([("James", {"job": "nurse"}), ("James", {"job": "cook"}), ("James (nurse)", {})])
def test_a_name_is_of_one_person_and_on_one_line(people: list[tuple[str, dict[str, Any]]]) -> None:
    personas = [Persona(id=f"p{n}", name=name, attributes=facts) for n, (name, facts) in enumerate(people)]
    names = names_of(personas)
    assert set(names) == {persona.id for persona in personas}
    assert len({name.casefold() for name in names.values()}) == len(personas)
    assert not any({"\n", ":"} & set(name) or ", " in name or " and " in name for name in names.values())


def test_a_whole_name_comes_before_a_name_with_an_attribute() -> None:
    names = [("James", {}), ("James", {"job": "nurse"}), ("James (nurse)", {})]
    people = [Persona(id=f"p{n}", name=name, attributes=facts) for n, (name, facts) in enumerate(names)]
    Path("c.md").write_text("- When you talk with James (nurse): No.", encoding="utf-8")
    assert read_constitution(Path("c.md"), people).constitution.contract[0].users == ("p2",)


PEOPLE = (
    Persona(id="ann", name="James", attributes={"job": "nurse"}),
    Persona(id="bob", name="James", attributes={"job": "cook"}),
    Persona(id="cid", name="Cid"), Persona(id="dan", name="Cid and Eve"), Persona(id="eve", name="Eve"),
)  # fmt: skip


def read(text: str, name: str = "c.md") -> tuple[list[tuple[Any, ...]], list[str]]:
    Path(name).write_text(text, encoding="utf-8")
    constitution, not_read = read_constitution(Path(name), PEOPLE)
    clauses = [(c.text, c.when, c.users, c.kind) for c in constitution.contract]
    return [*(p.text for p in constitution.principles), *clauses], list(not_read)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("text", "rules", "not_read"),
    [
        ("- When the user is old: Be slow.", [("Be slow.", "the user is old", (), "rule")], []),
        ("- If a user asks: Say no: never.", [("Say no: never.", "a user asks", (), "rule")], []),
        ("- When in doubt: ask.", ["When in doubt: ask."], []),
        ("When users ask: no.\n\nBe kind.", ["Be kind.", ("no.", "users ask", (), "rule")], []),
        ("You are a helpful assistant.\n\nBe kind.", ["Be kind."], []),
        ("- When you talk with James (cook) and cid: No.", [("No.", None, ("bob", "cid"), "rule")], []),
        ("# Mine\n\nHello.\n- A.\n\nBye.", ["A."],
         ["c.md:1: not read: # Mine", "c.md:3: not read: Hello.", "c.md:6: not read: Bye."]),
        (f"You are Lumo.\n{PRINCIPLES}\n1. A.\n   And b.\nIn German.\n- x", ["A. And b."],
         ["c.md:1: not read: You are Lumo.", "c.md:5: not read: In German.", "c.md:6: not read: - x"]),
        (f"{PRINCIPLES}\n\n1. A.\n\n{CONDITIONS}\n- Be brief.", ["A."], ["c.md:6: not read: Be brief."]),
        (f"{PRINCIPLES}\n1. A.\n\n{OF_USER}\n- B.", ["A."], ["c.md:5: not read: B."]),
        (f"{PRINCIPLES}\n1. A.\n\n{PRINCIPLES}\n1. A.\n", ["A."],
         [f"c.md:4: not read: {PRINCIPLES}", "c.md:5: not read: 1. A."]),
        ("- A.\n" + "\nx" * 9, ["A."], [*(f"c.md:{n}: not read: x" for n in range(3, 8)), "c.md: not read: 4 more"]),
        (f"{OF_SOME}\n- When you talk with Cid and Eve: A.", [("A.", None, ("cid", "eve"), "rule")], []),
    ],
)  # fmt: skip
def test_what_is_not_a_rule_is_told(text: str, rules: list[Any], not_read: list[str]) -> None:
    assert read(text) == (rules, not_read)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("c.md", "- When you talk with James: A.", "c.md:1: 'James' is the name of ann and bob; write the id"),
        ("c.md", "- When you talk with Cid and Eve: A.", "c.md:1: 'Cid and Eve' may be one persona or 2; write ids"),
        (
            "c.md",
            f"{OF_SOME}\n- When you talk with cid, James and bob: A.",
            "c.md:2: 'James' is the name of ann and bob",
        ),
        ("c.yaml", "contract: [{text: A., for: [James]}]", "contract.0.for: 'James' is the name of ann and bob"),
        ("c.yaml", "contract: [{text: A., for: [cid], kind: ask}]", "is a question (`kind: ask`) and has users"),
        ("c.md", "- When the user " + "x" * 400 + ": A.", "c.md:1: this rule is too long"),
    ],
)
def test_a_name_of_several_people_is_refused(name: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text, name)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Be kind.\nBe brief!\nWhen the user is old: Be slow.\n", ["Be kind.", "Be brief!", "Be slow."]),
        ("# Rules\nBe kind.\nBe brief.", ["Be kind.", "Be brief."]),
        ("Be kind to\neveryone.\n\nBe brief.", ["Be kind to everyone.", "Be brief."]),
    ],
)
def test_without_a_list_lines_are_rules_if_each_is_a_sentence(tmp_path: Path, text: str, kept: list[str]) -> None:
    (tmp_path / "c.txt").write_text(text)
    constitution = read_constitution(tmp_path / "c.txt", []).constitution
    assert [" ".join(rule.text.split()) for rule in constitution.rules] == kept
