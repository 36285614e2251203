"""The people of an experiment come from a file by what it holds, whatever it is called."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from conftest import scai

from scai_cli.experiment.item_files import items
from scai_cli.experiment.personas import Persona

TASKS = "tasks: [{id: tea, prompt: How do I make tea?}]\n"
ANA, BO = {"id": "a", "name": "Ana 😀"}, {"id": "b", "name": "Bo"}
LINES = f"{json.dumps(ANA)}\n{json.dumps(BO)}\n"
HELD = {
    "lines": LINES,
    "list": json.dumps([ANA, BO]),
    "list over lines": json.dumps([ANA, BO], indent=2),
    "list under a key": json.dumps({"personas": [ANA, BO]}),
    "list under a key over lines": json.dumps({"personas": [ANA, BO]}, indent=2),
    "YAML": "personas:\n- {id: a, name: Ana 😀}\n- {id: b, name: Bo}\n",
    "a list of YAML": "- {id: a, name: Ana 😀}\n- {id: b, name: Bo}\n",
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["p.json", "p.jsonl", "p.yaml", "p"])
@pytest.mark.parametrize("held", HELD)
def test_people_are_read_for_what_the_file_holds(held: str, name: str, packed: bool) -> None:
    if "YAML" in held and name == "p.jsonl":
        pytest.skip("a text that is not JSON is a damaged file of JSON lines there")
    data = HELD[held].encode()
    Path(name).write_bytes(gzip.compress(data) if packed else data)
    assert [person.name for person in items(Path(name), Persona)] == ["Ana 😀", "Bo"]
    if not packed:
        Path("x.yaml").write_text(f"personas: {{from: {name}}}\n{TASKS}", encoding="utf-8")
        called = scai("check", "x.yaml")
        assert called.code == 0, called


@pytest.mark.parametrize("name", ["p.json", "p.jsonl"])
def test_one_line_is_one_person(name: str) -> None:
    Path(name).write_text(json.dumps(ANA) + "\n", encoding="utf-8")
    assert [person.id for person in items(Path(name), Persona)] == ["a"]


REFUSED = {
    "p.csv": (b"id,name\na,Ana\n", "is a table (CSV); import it first: scai personas import p.csv --as table -o "),
    "p.sav": (b"$FL2@(#) SPSS", "is an SPSS file (.sav); save it as CSV"),
    "p.jsonl.gz": (gzip.compress(LINES.encode())[:-9], "is cut off, as the end of the gzip file is missing; download"),
    "cut.jsonl": (LINES.encode()[:-9], "2: not valid JSON: "),
    "cut.json": (json.dumps([ANA, BO]).encode()[:-9], "1: not valid YAML: "),
    "texts.yaml": (b"- Ana bakes.\n", "0: is a text; write {id: a-name, description: ...}, or import a file with"),
    "p.txt": (
        b"Ana bakes.\nBo fishes.\n",
        "if each line is one, import it first: scai personas import p.txt --as",
    ),
    "p.parquet": (b"PAR1 and more", "is a table (parquet); import it first: scai personas import p.parquet"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_holds_no_people_is_one_line(name: str) -> None:
    data, problem = REFUSED[name]
    Path(name).write_bytes(data)
    Path("x.yaml").write_text(f"personas: {{from: {name}}}\n{TASKS}", encoding="utf-8")
    called = scai("check", "x.yaml")
    assert (called.code, len(called.lines)) == (2, 1), called
    assert f"{name}:" in called.err
    assert problem in called.err
