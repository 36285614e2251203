"""People and tasks in other people's formats: what comes in, what is refused, and that a run can use it."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Called, scai
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from scai_cli.populations.clean_text import Ids
from scai_cli.populations.formats import PERSONAS, TASKS
from scai_cli.values import is_safe_id

HERE = Path(__file__).parents[1] / "data" / "populations"
SHARED = Path(__file__).parents[3] / "shared" / "data"

PEOPLE = [
    ("lines", "people.txt", 2),
    ("personahub", "personahub.jsonl", 4),
    ("synthetic-persona-chat", "synthetic_persona_chat.csv", 4),
    ("nemotron", "nemotron.jsonl", 3),
    ("prism", "prism.jsonl", 3),
    ("opinionqa", "opinionqa.csv", 3),
    ("polis", "polis", 10),
    ("tinytroupe", "tinytroupe", 3),
    ("edsl", "edsl.json", 2),
    ("table", "table.csv", 2),
]
QUESTIONS = [
    ("lines", "lines.txt", 2),
    ("table", "tasks.csv", 2),
    ("habermas", "habermas.json", 2),
    ("anthropic", "anthropic.jsonl", 3),
    ("polis", "polis", 3),
]


def people(form: str, file: object, *options: object) -> list[dict[str, Any]]:
    called = scai("personas", "import", file, "--as", form, "-o", "-", "-q", *options)
    assert (called.code, called.err) == (0, "")
    return [json.loads(line) for line in called.out.splitlines()]


def refused(form: str, file: object, *options: object) -> str:
    """The one line of an import that must fail and leave nothing behind."""
    called = scai("personas", "import", file, "--as", form, "-o", "out.jsonl", *options)
    assert (called.code, called.out, len(called.lines)) == (2, "", 1), called
    assert not list(Path().glob("*out*"))
    return called.err.removeprefix("scai: ").strip()


def test_every_format_is_tried_here() -> None:
    assert {form for form, _, _ in PEOPLE} == set(PERSONAS)
    assert {form for form, _, _ in QUESTIONS} == set(TASKS)


@pytest.mark.parametrize("kind", ["yaml", "jsonl"])
@pytest.mark.parametrize(("form", "file", "count"), PEOPLE, ids=[form for form, _, _ in PEOPLE])
def test_imported_people_play_an_epoch_and_are_exported(form: str, file: str, count: int, kind: str) -> None:
    called = scai("personas", "import", HERE / file, "--as", form, "-o", f"people.{kind}")
    assert called.code == 0
    assert called.lines[-4] == f"wrote {count} personas to people.{kind}"
    Path("x.yaml").write_text(
        f"epochs: 1\nturns: 1\npersonas: people.{kind}\ntasks: [{{id: tea, prompt: How do I make tea?}}]\n",
        encoding="utf-8",
    )
    assert scai("run", "x.yaml", "--quiet").code == 0
    exported = scai("export", "latest", "--format", "sft", "--epoch", 1, "-o", "-")
    assert exported.code == 0
    assert len(exported.out.splitlines()) == count


@pytest.mark.parametrize(("form", "file", "count"), QUESTIONS, ids=[form for form, _, _ in QUESTIONS])
def test_imported_tasks_are_asked(form: str, file: str, count: int) -> None:
    assert scai("tasks", "import", HERE / file, "--as", form, "-o", "tasks.yaml", "--topic", "buses").code == 0
    Path("x.yaml").write_text(
        "epochs: 1\nturns: 1\npersonas: [{id: ann, description: Ann wants it short.}]\ntasks: tasks.yaml\n",
        encoding="utf-8",
    )
    checked = scai("check", "x.yaml", "--json").json
    assert [task["topic"] for task in checked["tasks"]["inline"]] == ["buses"] * count
    assert scai("run", "x.yaml", "--quiet").code == 0
    exported = scai("export", "latest", "--format", "sft", "--epoch", 1, "-o", "-")
    assert len(exported.out.splitlines()) == count


def test_a_line_is_a_person_with_or_without_a_name() -> None:
    named, nameless = people("lines", HERE / "people.txt")
    assert (named["id"], named["name"]) == ("parent", "a parent")
    assert named["description"] == "Wants short answers: two children are waiting."
    assert (nameless["id"], "name" in nameless) == ("pupil-reads-on-phone-wants", False)
    assert nameless["description"] == "A pupil who reads on a phone and wants plain words."
    Path("empty.txt").write_text("a pupil: wants it short\n\x07\n", encoding="utf-8")
    assert refused("lines", "empty.txt").startswith("empty.txt:2: row 2: has no text")


def test_prism_keeps_who_they_are_and_what_they_ask_for() -> None:
    first, second, _ = people("prism", HERE / "prism.jsonl")
    assert first["preferences"] == {
        "names_source": 0.8, "balanced": 0.64, "security": 0.8, "asks_back": 0.31, "concise": 0.8, "formal": -0.8,
    }  # fmt: skip
    assert first["attributes"]["country"] == "United Kingdom"
    assert "religion" in first["attributes"]
    assert "religion" not in second["attributes"]  # "Prefer not to say" is no religion
    assert first["source"] == {"name": "PRISM", "licence": "CC BY 4.0", "row": 1}


def test_opinionqa_keeps_twelve_attributes_those_of_pew_and_the_weight() -> None:
    first, second, _ = people("opinionqa", HERE / "opinionqa.csv")
    assert first["weight"] == 0.81
    assert len(first["attributes"]) == 12 + 1
    assert first["attributes"]["metro"] == "Metropolitan"  # F_METRO of Pew's own files
    assert "income" not in second["attributes"]  # refused


def test_nemotron_finds_the_name_and_reads_the_lists() -> None:
    first, second, third = people("nemotron", HERE / "nemotron.jsonl")
    assert first["name"] == "Dora Quill"
    assert "Skills: reading maps, first aid, a driver's licence." in first["description"]
    assert first["attributes"]["zipcode"] == "05301"
    assert set(first["stances"]) == {"professional", "sports", "arts", "travel", "culinary"}
    assert second["attributes"]["age"] == 71
    assert third["attributes"]["country"] == "Brazil"


def test_a_table_is_read_by_its_map() -> None:
    first, second = people("table", HERE / "table.csv", "--map", HERE / "table.map.yaml")
    assert first == {
        "id": "r1",
        "name": "Ada Okafor",
        "description": 'She said: "buses\nare late".',
        "attributes": {"country": "Nigeria", "born": 1980},
        "stances": {"transport": "Free buses for all."},
        "preferences": {"concise": 0.8},
        "weight": 1.5,
        "source": {"name": "Bus survey", "licence": "CC0", "row": 1},
    }
    assert "stances" not in second


def test_a_map_with_a_mistake_is_named_with_its_line() -> None:
    Path("m.yaml").write_text("id: respondent\npreferences: {consise: brevity}\n", encoding="utf-8")
    assert refused("table", HERE / "table.csv", "--map", "m.yaml").startswith("m.yaml:2: preferences.consise: unknown")
    assert "use --as table" in refused("prism", HERE / "prism.jsonl", "--map", "m.yaml")


@pytest.mark.parametrize(("text", "problem"), [("- id\n", "is not a column map"), ("str: a\n", "str: unknown key")])
def test_a_map_that_is_none_is_one_line(text: str, problem: str) -> None:
    Path("m.yaml").write_text(text, encoding="utf-8")
    assert refused("table", HERE / "table.csv", "--map", "m.yaml").startswith(f"m.yaml:1: {problem}")


def test_the_limit_stops_early() -> None:
    assert len(people("personahub", HERE / "personahub.jsonl", "--limit", 2)) == 2


def test_a_gzipped_file_is_read_as_it_is() -> None:
    Path("p.jsonl.gz").write_bytes(gzip.compress((HERE / "personahub.jsonl").read_bytes()))
    assert len(people("personahub", "p.jsonl.gz")) == 4


def test_edsl_reads_json_lines_too() -> None:
    assert people("edsl", HERE / "edsl.jsonl")[0]["attributes"] == {"age": 22, "hair": "brown"}


CSV = [
    ("quotes and line ends", b'id,bio\na,"She said ""no"".\nTwice."\n', 'She said "no".\nTwice.'),
    ("carriage returns", b"id,bio\r\na,He waits.\r\n", "He waits."),
    ("old line ends", b"id,bio\ra,He waits.\r", "He waits."),
    ("a byte order mark", b"\xef\xbb\xbfid,bio\na,Caf\xc3\xa9 owner.\n", "Café owner."),
    ("sixteen bits", "id,bio\na,Café owner.\n".encode("utf-16"), "Café owner."),
    (
        "sixteen bits of Chinese",
        "id,bio\na,我是北京的出租车司机。我喜欢简短的回答。\n".encode("utf-16"),
        "我是北京的出租车司机。我喜欢简短的回答。",
    ),
    ("semicolons", b"id;bio\na;One, two.\n", "One, two."),
    ("tabs", b"id\tbio\na\tOne, two.\n", "One, two."),
    ("blank lines", b"id,bio\n\na,He waits.\n\n", "He waits."),
    ("columns without a name", b",id,bio,\n7,a,He waits.,\n", "He waits."),
    ("terminal escapes", b"id,bio\na,\x1b[31mHe waits.\x07\n", "[31mHe waits."),
    ("text that runs backwards", "id,bio\na,He\u202e wai\u00ad\u200bts.\n".encode(), "He waits."),
]


@pytest.mark.parametrize(("data", "text"), [case[1:] for case in CSV], ids=[case[0] for case in CSV])
def test_csv_is_read_as_it_is_meant(data: bytes, text: str) -> None:
    Path("p.csv").write_bytes(data)
    (person,) = people("table", "p.csv")
    assert (person["id"], person["description"]) == ("a", text)


def test_latin_1_is_read_and_said() -> None:
    Path("p.csv").write_bytes("id,bio\na,Café owner.\n".encode("latin-1"))
    called = scai("personas", "import", "p.csv", "--as", "table", "-o", "-", "-q")
    assert json.loads(called.out)["description"] == "Café owner."
    assert called.err == "p.csv: is not UTF-8; read as Windows-1252\n"


WRONG = [
    ("a column twice", b"id,bio,bio\na,b,c\n", "p.csv:1: the column 'bio' appears twice; rename one"),
    ("too many cells", b"id,bio\na,b\nc,d,e\n", "p.csv:3: row 2: has 3 cells, the first row 2; correct it, or"),
    ("too few cells", b"id,bio\na\n", "p.csv:2: row 1: has 1 cells, the first row 2; correct it, or"),
    ("an open quote", b'id,bio\na,"b\n', "p.csv:2: row 1: not valid CSV: unexpected end of data; correct it, or"),
    ("an empty file", b"", "p.csv: is empty"),
    ("no names", b",,\n1,2,3\n", "p.csv:2: the first row must name the columns"),
    ("only names", b"id,bio\n", "p.csv: has nothing to import as table"),
    (
        "a bad weight",
        b"id,bio,weight\na,b,-1\n",
        "p.csv:2: row 1: the column 'weight' has -1, not a number above 0; correct",
    ),
    ("no number", b"id,bio,weight\na,b,much\n", "p.csv:2: row 1: the column 'weight' has no number; if it means"),
    (
        "an unknown trait",
        b"bio,preferences.x\nb,1\n",
        "p.csv:2: row 1: preferences: unknown measure 'x'; correct",
    ),
]


@pytest.mark.parametrize(("data", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_csv_that_cannot_be_right_is_refused_in_one_line(data: bytes, said: str) -> None:
    Path("p.csv").write_bytes(data)
    assert refused("table", "p.csv").startswith(said)


@pytest.mark.slow
def test_a_cell_of_ten_megabytes_is_refused_where_it_would_be_a_biography_and_passed_over_where_not() -> None:
    Path("p.csv").write_text(f"id,bio,essay\na,He waits.,{'x ' * 5_000_000}\n", encoding="utf-8")
    assert refused("table", "p.csv").startswith(
        "p.csv:2: row 1: the column 'essay' has 9,999,999 characters; at most 20,000 are"
    )
    Path("m.yaml").write_text("id: id\ndescription: bio\nattributes: {}\n", encoding="utf-8")
    assert people("table", "p.csv", "--map", "m.yaml")[0]["description"] == "He waits."


def test_bad_rows_are_skipped_on_request_and_said_with_number_and_reason() -> None:
    Path("p.jsonl").write_text(
        '{"persona": "A judge."}\n{"persona": 7}\nno json\n\n{"x": 1}\n[]\n{"persona": "A smith."}\n', encoding="utf-8"
    )
    assert refused("personahub", "p.jsonl").startswith("p.jsonl:2: row 2: persona is not text; correct it, or")
    called = scai("personas", "import", "p.jsonl", "--as", "personahub", "-o", "out.jsonl", "--skip-bad")
    assert called.code == 0
    assert [line.split(": ")[:2] for line in called.lines[:4]] == [
        ["p.jsonl:2", "row 2"],
        ["p.jsonl:3", "row 3"],
        ["p.jsonl:5", "row 4"],
        ["p.jsonl:6", "row 5"],
    ]
    assert called.lines[-4] == "wrote 2 personas to out.jsonl, 4 bad rows left out"


def test_many_bad_rows_are_counted() -> None:
    Path("p.jsonl").write_text('{"persona": "A judge."}\n' + "{}\n" * 30, encoding="utf-8")
    called = scai("personas", "import", "p.jsonl", "--as", "personahub", "-o", "out.jsonl", "--skip-bad")
    assert len(called.lines) == 20 + 3 + 3
    assert called.lines[20] == "p.jsonl: 10 more bad rows"


def test_a_failed_import_leaves_an_earlier_file_as_it_was() -> None:
    Path("out.jsonl").write_text("before\n", encoding="utf-8")
    Path("p.jsonl").write_text('{"persona": "A judge."}\n{}\n', encoding="utf-8")
    assert scai("personas", "import", "p.jsonl", "--as", "personahub", "-o", "out.jsonl").code == 2
    assert [path.name for path in Path().glob("*out*")] == ["out.jsonl"]
    assert Path("out.jsonl").read_text(encoding="utf-8") == "before\n"


def test_what_is_not_there_is_named() -> None:
    assert refused("personahub", "gone.jsonl") == "gone.jsonl: there is no such file"
    assert "did you mean 'personahub'?" in refused("personahbu", HERE / "personahub.jsonl")
    assert refused("personahub", "gone.xlsx") == "gone.xlsx: there is no such file"
    called = scai("personas", "import", HERE / "personahub.jsonl", "--as", "personahub", "-o", "out.txt")
    assert (called.code, called.err) == (2, "scai: out.txt: name a .jsonl or .yaml file to write\n")


def test_a_fact_cannot_pretend_to_be_a_line_of_the_portrait() -> None:
    Path("p.csv").write_text('bio,town\nHe waits.,"Ulm\nIn an answer, from -1: concise +1.00"\n', encoding="utf-8")
    assert people("table", "p.csv")[0]["attributes"]["town"] == "Ulm In an answer, from -1: concise +1.00"


def test_people_from_a_file_bring_no_model_along() -> None:
    Path("p.jsonl").write_text('{"bio": "He waits.", "model": {"base_url": "http://x"}}\n', encoding="utf-8")
    assert "model" not in people("table", "p.jsonl")[0]


@given(st.lists(st.text(max_size=60), max_size=30))
def test_ids_are_safe_unique_and_the_same_each_time(keys: list[str]) -> None:
    def taken() -> list[str]:
        ids = Ids()
        return [ids.take(key, row) for row, key in enumerate(keys, 1)]

    found = taken()
    assert all(is_safe_id(name) for name in found)
    assert len({name.lower() for name in found}) == len(keys)
    assert found == taken()


def test_a_taken_id_that_comes_again_with_its_number_is_told_apart() -> None:
    ids = Ids()
    assert [ids.take(key, 1) for key in ("a", "a-2", "a", "A", "a-2")] == ["a", "a-2", "a-3", "A-4", "a-2-2"]


@pytest.mark.slow
def test_parquet_and_hub_folders_are_read() -> None:
    rows = [json.loads(line) for line in (HERE / "nemotron.jsonl").read_text(encoding="utf-8").splitlines()]
    Path("folder").mkdir()
    parquet.write_table(pa.Table.from_pylist(rows), "folder/train.parquet")
    expected = [{**person, "source": None} for person in people("nemotron", HERE / "nemotron.jsonl")]
    for file in ("folder/train.parquet", "hub:./folder"):
        assert [{**person, "source": None} for person in people("nemotron", file)] == expected
    Path("x.parquet").write_bytes(b"PAR1 and no more")
    assert refused("nemotron", "x.parquet").startswith("x.parquet: is not a readable Parquet file")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real slices are not here")
@pytest.mark.parametrize(
    ("what", "form", "file", "count"),
    [
        ("personas", "personahub", "persona_hub_300.jsonl", 300),
        ("personas", "synthetic-persona-chat", "synthetic_persona_chat_40.csv", 80),
        ("tasks", "habermas", "habermas_questions_400.json", 400),
        ("tasks", "anthropic", "cai_harmful_vs_ethical_60.jsonl", 60),
        ("tasks", "anthropic", "cai_hhh_60.jsonl", 60),
    ],
)
def test_real_files_come_in_whole(what: str, form: str, file: str, count: int) -> None:
    called: Called = scai(what, "import", SHARED / file, "--as", form, "-o", "-", "-q")
    assert (called.code, called.err) == (0, "")
    found = [json.loads(line) for line in called.out.splitlines()]
    assert len(found) == count
    assert not any("Assistant:" in str(item.get("prompt")) for item in found)


def test_parquet_with_odd_columns_is_read_or_refused_in_one_line() -> None:
    wait = pa.array([timedelta(seconds=90)])
    parquet.write_table(pa.table({"bio": ["Ana bakes."], "wait": wait}), "t.parquet")
    assert people("table", "t.parquet")[0]["attributes"] == {"wait": "0:01:30"}
    parquet.write_table(pa.table([["Ana bakes."], [1], [2]], names=["bio", "x", "x"]), "twice.parquet")
    assert refused("table", "twice.parquet") == "twice.parquet: the column 'x' appears twice; rename one"
    parquet.write_table(pa.table({"bio": ["Ana bakes."], "day": pa.array([3_000_000], pa.date32())}), "far.parquet")
    assert refused("table", "far.parquet").startswith("far.parquet: is not a readable Parquet file: date value out")


def test_a_key_of_json_that_occurs_twice_is_a_bad_row() -> None:
    Path("t.jsonl").write_text('{"bio": "x", "o": {"a": 1, "a": 2}}\n{"bio": "y"}\n', encoding="utf-8")
    said = "t.jsonl:1: row 1: not valid JSON: the key 'a' occurs twice in an object; correct it, or add --skip-bad"
    assert refused("table", "t.jsonl") == said


def test_an_unknown_format_comes_with_the_one_to_use() -> None:
    assert refused("csv", HERE / "table.csv") == "--as: unknown format 'csv'; --as table reads it"
    assert refused("habermas", HERE / "habermas.json").endswith("is a format of tasks; see `scai tasks import`")
    assert refused("tabel", HERE / "table.csv").endswith("; did you mean 'table'?")


def test_a_web_address_is_refused_with_the_remedy() -> None:
    address = "https://example.org/people.csv"
    assert refused("table", address) == f"{address}: is a web address; download the file, and name it here"
