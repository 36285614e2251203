"""Nothing vanishes in silence: what an import does not write, its account names; the docs list the fields."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from conftest import scai
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scai_cli.display.terminal.populations import account_lines
from scai_cli.populations.formats import PERSONAS, TASKS
from scai_cli.populations.titled_texts import BEYOND, BUDGET

DATA = Path(__file__).parents[1] / "data" / "populations"
DOCS = Path(__file__).parents[2] / "docs" / "personas.md"

FIXTURES = [
    ("personas", "lines", "people.txt", ""),
    ("tasks", "lines", "lines.txt", ""),
    ("personas", "table", "table.csv", "--map"),
    ("tasks", "table", "tasks.csv", ""),
    ("personas", "personahub", "personahub.jsonl", ""),
    ("personas", "synthetic-persona-chat", "synthetic_persona_chat.csv", ""),
    ("personas", "nemotron", "nemotron.jsonl", ""),
    ("personas", "prism", "prism.jsonl", ""),
    ("personas", "opinionqa", "opinionqa.csv", ""),
    ("personas", "polis", "polis", ""),
    ("personas", "polis", "polis", "--groups"),
    ("tasks", "polis", "polis", ""),
    ("personas", "tinytroupe", "tinytroupe", ""),
    ("personas", "edsl", "edsl.json", ""),
    ("personas", "edsl", "edsl.jsonl", ""),
    ("tasks", "habermas", "habermas.json", ""),
    ("tasks", "anthropic", "anthropic.jsonl", ""),
]

Table = list[tuple[list[str], str]]
"""The patterns of a row's fields, and what the docs say they become."""


def account_of(what: str, form: str, file: object, *options: object) -> dict[str, Any]:
    """Import a file; the account, with the written items under `items`."""
    called = scai(what, "import", file, "--as", form, "-o", "out.jsonl", "--json", "-q", *options)
    assert called.code == 0, called.err
    items = [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()]
    return {**called.json, "items": items}


def documented(form: str) -> Table:
    """The table of a format in the docs."""
    _, _, rest = DOCS.read_text(encoding="utf-8").partition("## Fields of each format")
    section = rest.partition(f"\n### `{form}`\n")[2].partition("\n##")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    assert rows, form
    return [(re.findall(r"`([^`]+)`", field), becomes) for field, becomes in rows]


def is_documented(field: str, fates: set[str], table: Table) -> bool:
    """Whether the first row that matches a field says all that became of it."""
    said = next((becomes for patterns, becomes in table if any(fnmatchcase(field, one) for one in patterns)), "")
    destinations = re.findall(r"`([^`]+)`", said)
    return bool(said) and all(fate in said or any(fnmatchcase(fate, name) for name in destinations) for fate in fates)


def test_the_docs_have_a_table_for_every_format() -> None:
    assert {form for _, form, _, _ in FIXTURES} == {*PERSONAS, *TASKS}
    for form in (*PERSONAS, *TASKS):
        documented(form)


@pytest.mark.parametrize(("what", "form", "file", "option"), FIXTURES, ids=["-".join(case) for case in FIXTURES])
def test_the_docs_say_what_became_of_every_field(what: str, form: str, file: str, option: str) -> None:
    options = {"": (), "--map": ("--map", DATA / "table.map.yaml"), "--groups": ("--groups",)}[option]
    fields = account_of(what, form, DATA / file, *options)["fields"]
    table = documented(form)
    for field, one in fields.items():
        fates = {*one.get("into", {}), *(reason.split(": ")[0] for reason in one.get("left_out", {}))}
        assert is_documented(field, fates, table), (field, fates)


def test_the_docs_cannot_say_anything() -> None:
    table = [(["a", "b*"], "`name`"), (["c"], "left out: too long")]
    assert is_documented("bc", {"name"}, table)
    assert is_documented("c", {"too long"}, table)
    assert not is_documented("c", {"name"}, table)
    assert not is_documented("d", set(), table)


def test_every_value_of_a_field_has_a_fate() -> None:
    for what, form, file, option in FIXTURES:
        if not option:
            for field, one in account_of(what, form, DATA / file)["fields"].items():
                fates = [count for part in ("into", "not_known", "left_out") for count in one.get(part, {}).values()]
                assert sum(fates) == one["values"], (form, field, one)


def marked(value: Any, found: list[str]) -> Any:
    """The value with a unique word in place of each text, which is added to `found`."""
    if isinstance(value, dict):
        return {key: marked(inner, found) for key, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner, found) for inner in value]
    if not isinstance(value, str) or not value.strip():
        return value
    found.append("mark" + "".join(chr(ord("a") + int(digit)) for digit in f"{len(found):04}"))
    return found[-1]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each text with its path, in which the items of a list are one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    elif isinstance(value, str):
        yield path, value


def vanished(account: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """The paths of texts that are neither in the output nor in a field with values that are not in the output."""
    written = json.dumps(account["items"], ensure_ascii=False).casefold()
    missing = [path for path, text in leaves(row) if text.casefold() not in written]
    not_written = [field for field, one in account["fields"].items() if one.get("left_out") or one.get("not_known")]
    return [path for path in missing if not any(f"{path}.".startswith(f"{field}.") for field in not_written)]


def keep(key: str, whole: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {**row, key: whole}


JSON_ROWS: dict[str, tuple[str, str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "personahub": ("personas", "personahub.jsonl", dict),
    "nemotron": ("personas", "nemotron.jsonl", dict),
    "prism": ("personas", "prism.jsonl", dict),
    "edsl": ("personas", "edsl.json", dict),
    "tinytroupe": ("personas", "tinytroupe/Graca.agent.json", dict),
    "habermas": ("tasks", "habermas.json", keep("split", "train")),
    "anthropic": ("tasks", "anthropic.jsonl", dict),
}
"""Format -> what it imports, a file with all of its fields, and how a row with other texts stays a good one."""


def rows_of(file: Path) -> list[dict[str, Any]]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    value = json.loads(text)
    return value.get("agent_list", [value]) if isinstance(value, dict) else list(value)


@pytest.mark.parametrize("form", JSON_ROWS)
def test_each_text_of_an_object_is_written_or_in_the_account(form: str) -> None:
    what, file, repaired = JSON_ROWS[form]
    for given_row in rows_of(DATA / file):
        found: list[str] = []
        row = repaired(marked(given_row, found))
        Path("row.jsonl" if form != "tinytroupe" else "row.json").write_text(json.dumps(row), encoding="utf-8")
        account = account_of(what, form, "row.jsonl" if form != "tinytroupe" else "row.json")
        assert found
        assert vanished(account, row) == []


@pytest.mark.parametrize(
    ("form", "file"), [("opinionqa", "opinionqa.csv"), ("synthetic-persona-chat", "synthetic_persona_chat.csv")]
)
def test_each_cell_is_written_or_in_the_account(form: str, file: str) -> None:
    with (DATA / file).open(encoding="utf-8", newline="") as content:
        header, first, *_ = csv.reader(content)
    found: list[str] = []
    row = {
        name: cell if name.startswith("WEIGHT") else marked(cell, found)
        for name, cell in zip(header, first, strict=True)
    }
    with Path("row.csv").open("w", encoding="utf-8", newline="") as content:
        csv.writer(content).writerows([row.keys(), row.values()])
    row.pop("", None)
    assert len(found) > 2
    assert vanished(account_of("personas", form, "row.csv"), row) == []


ANY_TEXT = st.text(st.characters(categories=("L", "N"), max_codepoint=0x3FF), min_size=1, max_size=12)
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    more=st.dictionaries(ANY_TEXT.map("extra ".__add__), ANY_VALUE, max_size=4), form=st.sampled_from(sorted(JSON_ROWS))
)
def test_unknown_fields_are_written_or_in_the_account(more: dict[str, Any], form: str) -> None:
    what, file, _ = JSON_ROWS[form]
    row = rows_of(DATA / file)[0]
    inner = {"tinytroupe": "persona", "edsl": "traits"}.get(form)
    target = row[inner] if inner else row
    found: list[str] = []
    target.update(marked(more, found))
    Path("row.json").write_text(json.dumps([row]), encoding="utf-8")
    account = account_of(what, form, "row.json")
    assert vanished(account, {inner: more_of(target, more)} if inner else more_of(target, more)) == []
    for field, one in account["fields"].items():
        fates = [count for part in ("into", "not_known", "left_out") for count in one.get(part, {}).values()]
        assert sum(fates) == one["values"], (field, one)


def more_of(target: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {key: target[key] for key in more}


def test_texts_beyond_the_budget_are_left_out_whole_and_counted() -> None:
    beliefs = [f"Belief {n}: {'word ' * 180}end{n}." for n in range(20)]
    agent = {"type": "TinyPerson", "persona": {"name": "Ada", "other_facts": ["Short."], "beliefs": beliefs}}
    Path("ada.json").write_text(json.dumps(agent), encoding="utf-8")
    account = account_of("personas", "tinytroupe", "ada.json")
    description = account["items"][0]["description"]
    kept = [text for text in beliefs if text.rstrip(".") in " ".join(description.split())]
    assert 5 < len(kept) < 20
    assert len(description) <= BUDGET + 2
    assert "Short." in description  # what fits is kept although it weighs less
    assert not re.search(r"Belief \d+: (?:word )*(?:wor?|w)?$", description)
    assert account["fields"]["persona.beliefs"]["left_out"] == {BEYOND: 20 - len(kept)}
    assert account["fields"]["persona.beliefs"]["into"] == {"description": len(kept)}


COLUMNS = {
    "id": ["r1", "r2", "r3"],
    "Story": ["Ada sells lemons.", "Bo mends nets.", "Cy sings bass."],
    "age": ["34", "NA", "61"],
    "religion": ["None", "Quaker", "n/a"],
    "income": ["Refused", "1.10", "01234"],
    "mail": ["ada@example.org", "bo@example.org", "cy@example.org"],
    "code": ["k7x9", "m2p4", "q8z1"],
    "essay": ["so " * 200, "short", ""],
    "stances.buses": ["Free for all.", "prefer not to say", "Too few."],
    "notes": ["\x07\x08", "", " "],
}
"""A column of every sort: text, numbers, words for not known, identifiers, codes, long texts, nothing but controls."""


def test_each_cell_of_a_table_is_written_or_in_the_account() -> None:
    with Path("t.csv").open("w", encoding="utf-8", newline="") as content:
        csv.writer(content).writerows([COLUMNS, *zip(*COLUMNS.values(), strict=True)])
    account = account_of("personas", "table", "t.csv")
    for n, cells in enumerate(zip(*COLUMNS.values(), strict=True)):
        written = json.dumps(account["items"][n], ensure_ascii=False)
        for column, cell in zip(COLUMNS, cells, strict=True):
            one = account["fields"][column]
            lost = {*one.get("not_known", {}), *one.get("left_out", {})}
            assert not cell.strip() or cell.strip() in written or lost, (column, cell)
    fields = account["fields"]
    assert fields["age"]["not_known"] == {"NA": 1}
    assert fields["religion"]["into"] == {"attributes.religion": 2}  # None is a religion, n/a is none
    assert fields["mail"]["left_out"] == {"like identifiers: e-mail addresses": 3}
    assert fields["code"]["left_out"] == {"like identifiers: codes": 3}
    assert fields["notes"]["left_out"] == {"not text": 1}


def test_a_folder_names_the_file_of_a_bad_agent() -> None:
    for name, agent in (("a", {"persona": {"name": "Ada", "style": "Dry."}}), ("b", {"persona": {"age": 3}})):
        Path("agents").mkdir(exist_ok=True)
        Path(f"agents/{name}.json").write_text(json.dumps(agent), encoding="utf-8")
    called = scai("personas", "import", "agents", "--as", "tinytroupe", "-o", "out.jsonl")
    assert called.err == "scai: agents/b.json:1: row 2: has no name; correct it, or add --skip-bad\n"


def test_fragments_of_agents_are_left_out() -> None:
    agents = [{"type": "Fragment", "persona": {"beliefs": ["Order."]}}, {"persona": {"name": "Ada", "style": "Dry."}}]
    Path("a.json").write_text(json.dumps(agents), encoding="utf-8")
    account = account_of("personas", "tinytroupe", "a.json")
    assert account["rows"]["left_out"] == {"fragments, which are parts of a person": 1}


def test_older_agents_of_tinytroupe_come_in_whole() -> None:
    olinda = account_of("personas", "tinytroupe", DATA / "tinytroupe" / "Olinda.agent.json")["items"][0]
    assert olinda["attributes"] == {
        "age": 66, "nationality": "Portuguese", "residence": "Portugal", "occupation": "Bookbinder",
    }  # fmt: skip
    assert olinda["description"] == (
        "Occupation description: You bind ledgers for the harbour office. Personality traits: You are stubborn. "
        "Professional interests: Marbled paper. Personal interests: Fado. Skills: You sew a spine in an hour. "
        "Routines: You walk to the harbour at five. Relationships: Graça: Your tenant."
    )


def test_what_an_agent_list_says_of_all_agents_reaches_each() -> None:
    (agent,) = account_of("personas", "edsl", DATA / "edsl.jsonl")["items"]
    assert agent["description"] == "Answer in a few words."
    first, second = account_of("personas", "edsl", DATA / "edsl.json")["items"]
    assert first["attributes"]["born"] == "year 1990, month 2"
    assert first["description"].endswith("What the facts mean: trust: Can most people be trusted?")
    assert "persona" not in second["attributes"]


def rows_file(*rows: dict[str, Any]) -> str:
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return "rows.jsonl"


def test_columns_with_the_same_name_after_cleaning_all_come_in() -> None:
    account = account_of("personas", "table", rows_file({"bio": "t", "b": 1, "b ": 2, "": 3, " ": 4}))
    assert account["items"][0]["attributes"] == {"b": 1, "b (2)": 2, "column": 3, "column (2)": 4}
    assert account["fields"][" "]["into"] == {"attributes.column (2)": 1}


def test_items_of_a_list_are_counted_one_by_one() -> None:
    Path("map.yaml").write_text("description: l.0\nattributes: {x: L.1}\n", encoding="utf-8")
    file = rows_file({"l": ["p", "q", "r"]}, {"l": ["s", "n/a"]})
    account = account_of("personas", "table", file, "--map", "map.yaml")
    assert account["fields"]["l"] == {
        "values": 5,
        "empty": 0,
        "into": {"description": 2, "attributes.x": 1},
        "not_known": {"n/a": 1},
        "left_out": {"other items of the list": 1},
    }


def test_people_beyond_the_limit_are_not_counted_as_written() -> None:
    Path("map.yaml").write_text("person: p\nattributes: [age]\n", encoding="utf-8")
    file = rows_file({"p": "a", "age": 1}, {"p": "b", "age": 2}, {"p": "a", "age": 1})
    account = account_of("personas", "table", file, "--map", "map.yaml", "--limit", 1)
    assert account["rows"]["left_out"] == {"people beyond --limit": 1}
    assert account["fields"]["age"]["into"] == {"attributes.age": 2}


def test_the_account_keeps_the_order_of_the_file_and_both_uses_of_a_column() -> None:
    Path("t.csv").write_text("who,code,essay\nAda,ab,N/A\nBo,ab,Nets.\n", encoding="utf-8")
    Path("map.yaml").write_text(
        "description: essay\nattributes: {code: code}\nstances: {work: essay}\n", encoding="utf-8"
    )
    account = account_of("personas", "table", "t.csv", "--map", "map.yaml")
    assert list(account["fields"]) == ["who", "code", "essay"]
    assert account["fields"]["essay"]["into"] == {"description, stances.work": 1}


def test_the_account_of_a_wide_table_names_what_is_left_out_and_cuts_what_is_kept() -> None:
    names = [f"How often do you travel in the week? ({n})" for n in range(100)]
    lines = [",".join([*names, *(f"mail{n}" for n in range(100))])]
    lines += [",".join([*(("blue", "green")[r],) * 100, *(f"p{r}@example.org",) * 100]) for r in range(2)]
    Path("wide.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    called = scai("personas", "import", "wide.csv", "--as", "table", "-o", "out.jsonl")
    kept, left_out, *_ = called.lines
    assert kept.startswith(f"200 fields: {names[0]}, ")
    assert re.search(r", and \d+ more \(--json\) -> attributes$", kept)
    assert len(kept) < 800
    assert all(f"mail{n} (e-mail addresses)" in left_out for n in range(100))


def test_a_terminal_gets_the_account_in_lines_of_its_width() -> None:
    line = "left out, not used: " + ", ".join(f"column {n}" for n in range(50)) + ", " + "x" * 100
    shown = account_lines(line, 80)
    assert max(map(len, shown)) <= 80
    assert "".join(shown).replace(" ", "") == line.replace(" ", "")
    assert all(one.startswith("  ") for one in shown[1:])
    assert account_lines(line, None) == [line]


def test_two_fields_with_one_attribute_are_both_named() -> None:
    row = {"uuid": "u1", "persona": "Ada writes.", "sex": "Female", "gender": "woman"}
    (ada,) = account_of("personas", "nemotron", rows_file(row))["items"]
    assert ada["attributes"] == {"gender": "Female", "gender (2)": "woman"}
    Path("pew.csv").write_text("QKEY,AGE,F_AGE\n1,30-49,44\n", encoding="utf-8")
    account = account_of("personas", "opinionqa", "pew.csv")
    assert account["items"][0]["attributes"] == {"age": "30-49"}
    assert account["fields"]["F_AGE"]["left_out"] == {"the same as another field": 1}
