"""Maps of columns: paths, joined columns, labels, words for not known, conditions, several rows per person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Called, scai

SURVEY = """\
Worker,Age,Sex,Religion,item,rating,why
w1,34,2,None,tea,4,"I like it, hot."
w1,34,2,None,bus,1,
w2,61,1,Quaker,tea,2,Too sweet.
w3,NA,8,Refused,tea,3,It warms me.
"""


@pytest.fixture(autouse=True)
def _files() -> None:
    Path("survey.csv").write_text(SURVEY, encoding="utf-8")


def mapped(text: str, file: str = "survey.csv", what: str = "personas") -> Called:
    """Import a file with a map of this text; the account as JSON, and the items beside it."""
    Path("map.yaml").write_text(text, encoding="utf-8")
    return scai(what, "import", file, "--as", "table", "--map", "map.yaml", "-o", "out.jsonl", "--json")


def written() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()]


def refused(text: str, file: str = "survey.csv", what: str = "personas") -> str:
    called = mapped(text, file, what)
    assert (called.code, called.out, len(called.lines)) == (2, "", 1)
    assert not Path("out.jsonl").exists()
    return called.err.removeprefix("scai: ").strip()


def test_several_rows_of_a_person_become_one_persona() -> None:
    account = mapped(
        "person: worker\nattributes: {age: Age, sex: Sex}\nvalues: {sex: {1: man, 2: woman, 8: null}}\n"
        "per_row: {topic: item, stance: [rating, why]}\n"
    ).json
    one, two, three = written()
    assert one["attributes"] == {"age": 34, "sex": "woman"}
    assert one["stances"] == {"tea": "rating: 4; why: I like it, hot.", "bus": "rating: 1"}
    assert (two["id"], two["stances"]) == ("w2", {"tea": "rating: 2; why: Too sweet."})
    assert "attributes" not in three  # NA in a column of numbers, and a code that the map calls not known
    assert account["rows"]["merged"] == 1
    assert account["fields"]["Sex"]["not_known"] == {"8": 1}
    assert account["fields"]["Age"]["not_known"] == {"NA": 1}
    assert account["fields"]["Religion"]["left_out"] == {"not used": 4}


def test_attributes_that_differ_between_the_rows_of_any_person_are_left_out_for_all() -> None:
    account = mapped("person: Worker\n").json
    assert [sorted(person["attributes"]) for person in written()] == [
        ["Age", "Religion", "Sex", "why"],
        ["Age", "Religion", "Sex", "why"],
        ["Sex", "why"],
    ]
    assert account["fields"]["rating"] == {
        "values": 4, "empty": 0, "left_out": {"different in the rows of one person": 4},
    }  # fmt: skip


def test_labels_can_be_given_by_column_or_attribute_and_a_code_without_one_is_named() -> None:
    for key in ("Sex", "gender"):
        account = mapped(f"id: why\nattributes: {{gender: Sex}}\nvalues: {{{key}: {{1: man, 2: yes}}}}\n").json
        assert [person["attributes"]["gender"] for person in written()] == ["yes", "yes", "man", 8]
        assert account["fields"]["Sex"]["no_label"] == {"8": 1}
    assert account["perhaps_codes"] == []


@pytest.mark.parametrize(
    ("missing", "known"),
    [
        ("", ["None", "None", "Quaker", None]),
        ("missing: [None]\n", [None, None, "Quaker", "Refused"]),
        ("missing: {Religion: [quaker]}\n", ["None", "None", None, "Refused"]),
        ("missing: {faith: []}\n", ["None", "None", "Quaker", "Refused"]),
    ],
)
def test_which_words_are_not_known_is_the_map_s_to_say(missing: str, known: list[str | None]) -> None:
    mapped(f"description: item\nattributes: {{faith: Religion}}\n{missing}")
    assert [person.get("attributes", {}).get("faith") for person in written()] == known


def test_rows_are_chosen_by_what_is_written() -> None:
    account = mapped("where: {ITEM: [tea, coffee], sex: 1}\ndescription: why\n").json
    assert [person["description"] for person in written()] == ["Too sweet."]
    left_out = {"`where:` of the map": 3}
    assert account["rows"] == {"read": 4, "bad": 0, "merged": 0, "left_out": left_out}
    Path("out.jsonl").unlink()
    assert refused("where: {item: coffee}\n").endswith(
        "nothing to import as table; left out, `where:` of the map: 4 rows; 'item' is 'tea' (3), 'bus' (1)"
    )


def test_columns_are_joined_and_found_whatever_their_case() -> None:
    mapped("name: [WORKER, Item]\ndescription: [why, religion]\nattributes: {both: [age, sex]}\n")
    first = written()[0]
    assert (first["name"], first["description"]) == ("w1 tea", "I like it, hot. None.")
    assert first["attributes"] == {"both": "34, 2"}


def test_a_path_goes_into_objects_and_lists() -> None:
    rows = [
        {"who": {"Name": "Ada", "seen": [{"town": "Ulm"}, {"town": "Bern"}]}, "a.b": "dotted"},
        {"who": {"Name": "Bo"}},
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    account = mapped("name: who.name\ndescription: a.b\nattributes: {town: who.seen.1.town}\n", "rows.jsonl")
    assert account.code == 2  # the second has neither
    called = mapped(
        "name: who.name\ndescription: who.name\nattributes: {town: who.seen.1.town, x: a.b}\n", "rows.jsonl"
    )
    assert written()[0]["attributes"] == {"town": "Bern", "x": "dotted"}
    assert called.json["fields"]["who.seen"]["left_out"] == {"other items of the list": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("description: whyy\n", "map.yaml:1: description: survey.csv has no column 'whyy'; did you mean 'why'?"),
        ("id: why\nattributes: {a: [Age, Beruf]}\n", "map.yaml:2: attributes.a: survey.csv has no column 'Beruf'"),
        ("values: {Sex: man}\n", "map.yaml:1: values.Sex: must be a mapping of keys"),
        ("values: {Gender: {1: man}}\n", "map.yaml:1: values.Gender: survey.csv has no column 'Gender'"),
        ("per_row: {topic: item, stance: why}\n", "map.yaml:1: per_row: needs `person:`"),
        ("where: {item: {a: b}}\n", "map.yaml:1: where.item"),
        ("name: []\n", "map.yaml:1: name: must"),
        ("id: item\nattributes: {}\n", "survey.csv:2: row 1: has neither a description nor attributes; write `descr"),
    ],
)
def test_a_map_that_does_not_fit_is_one_line(text: str, said: str) -> None:
    assert refused(text).startswith(said)


CHATS: list[tuple[str, dict[str, Any], str]] = [
    (
        "messages",
        {"conversation": [{"role": "user", "content": "Plan it."}, {"role": "assistant", "content": "No."}]},
        "",
    ),
    ("turns", {"conversations": [{"from": "system", "value": "S"}, {"from": "human", "value": "Plan it."}]}, ""),
    ("a prompt of messages", {"prompt": [{"role": "user", "content": "Plan it."}], "chosen": []}, ""),
    ("parts", {"messages": [{"role": "user", "content": [{"type": "text", "text": "Plan it."}]}]}, ""),
    ("an evaluation", {"input": [{"role": "system", "content": "S"}, {"role": "user", "content": "Plan it."}]}, ""),
    ("annotations", {"id": 7, "data": {"text": "Plan it."}, "annotations": []}, ""),
    (
        "a tree",
        {"prompt": {"text": "Plan it.", "role": "prompter", "replies": [{"text": "No.", "role": "assistant"}]}},
        "",
    ),
    ("a transcript", {"chosen": "\n\nHuman: Plan it.\n\nAssistant: No.", "rejected": "x"}, ""),
    ("messages as text", {"messages": '[{"role": "user", "content": "Plan it."}]'}, ""),
    ("a path", {"a": {"b": "Plan it."}, "prompt": "other"}, "prompt: a.b\n"),
    ("a mapped list", {"said": [{"role": "user", "content": "Plan it."}]}, "prompt: SAID\n"),
    ("a capital", {"Question": "Plan it."}, ""),
]


@pytest.mark.parametrize(("row", "text"), [case[1:] for case in CHATS], ids=[case[0] for case in CHATS])
def test_what_a_user_asks_is_found_in_rows_of_chats(row: dict[str, Any], text: str) -> None:
    Path("rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    options = ["--map", "map.yaml"] if text else []
    Path("map.yaml").write_text(text, encoding="utf-8")
    called = scai("tasks", "import", "rows.jsonl", "--as", "table", "-o", "-", *options)
    assert called.code == 0, called.err
    assert json.loads(called.out)["prompt"] == "Plan it."
    for field in row:
        assert field in called.err, f"{field} is not in the account"


def test_answers_and_replies_are_no_tasks() -> None:
    rows = [
        {"text": "Why?", "role": "prompter", "parent_id": None},
        {"text": "Because.", "role": "assistant", "parent_id": "1"},
        {"text": "Shorter.", "role": "prompter", "parent_id": "2"},
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    called = scai("tasks", "import", "rows.jsonl", "--as", "table", "-o", "-")
    assert [json.loads(line)["prompt"] for line in called.out.splitlines()] == ["Why?"]
    assert "left out, answers and system messages (by their role): 1 row" in called.lines
    assert "left out, replies to another message (parent_id): 1 row" in called.lines
    mapped("prompt: text\nwhere: {role: prompter}\n", "rows.jsonl", "tasks")
    assert [task["prompt"] for task in written()] == ["Why?", "Shorter."]


def test_a_list_without_a_user_is_one_line() -> None:
    Path("rows.jsonl").write_text('{"messages": [{"role": "system", "content": "S"}]}\n', encoding="utf-8")
    called = scai("tasks", "import", "rows.jsonl", "--as", "table", "-o", "out.jsonl")
    assert (called.code, len(called.lines)) == (2, 1)
    assert "the list of messages in 'messages' has none of a user" in called.err


def test_the_account_goes_to_stdout_only_if_nothing_else_does() -> None:
    called = scai("personas", "import", "survey.csv", "--as", "table", "-o", "-", "--json")
    assert (called.code, called.out, len(called.lines)) == (2, "", 1)


def folded(*rows: dict[str, Any], text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Import rows of people with a map; the people and the fields of the account."""
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    account = mapped(f"person: p\n{text}", "rows.jsonl").json
    return written(), account["fields"]


def test_of_a_person_the_first_weight_name_and_split_count_and_others_are_left_out() -> None:
    people, fields = folded(
        {"p": "a", "n": "", "age": 1},
        {"p": "a", "n": "Ann", "age": 1, "w": 2, "s": "test", "c": 0.5},
        {"p": "a", "n": "Bo", "age": 1, "w": 3, "s": "dev", "c": 0.4},
        text="name: n\nattributes: [age]\nweight: w\nsplit: s\npreferences: {concise: c}\n",
    )
    (ann,) = people
    assert (ann["name"], ann["weight"], ann["split"], ann["preferences"]) == ("Ann", 2.0, "test", {"concise": 0.5})
    for field in ("n", "w", "s", "c"):
        assert fields[field]["left_out"] == {"other than in an earlier row of the person": 1}


def test_a_topic_without_a_stance_and_a_stance_without_a_topic_are_left_out() -> None:
    people, fields = folded(
        {"p": "a", "t": "T1", "r": 3, "s": "Hello."},
        {"p": "a", "t": "", "r": 4},
        {"p": "a", "t": "T2", "r": ""},
        text="description: p\nattributes: []\nstances: {T1: s}\nper_row: {topic: t, stance: r}\n",
    )
    assert people[0]["stances"] == {"T1": "Hello.; 3"}
    assert fields["r"]["left_out"] == {"a stance without a topic": 1}
    assert fields["t"]["left_out"] == {"a topic without a stance": 1}


def test_a_bad_row_of_a_person_is_not_part_of_the_person() -> None:
    Path("rows.csv").write_text("p,w,age\na,-1,3\na,2,3\n", encoding="utf-8")
    Path("map.yaml").write_text("person: p\nweight: w\n", encoding="utf-8")
    options = ("--as", "table", "--map", "map.yaml", "-o", "out.jsonl", "--skip-bad", "--json")
    called = scai("personas", "import", "rows.csv", *options)
    assert called.json["fields"]["age"]["into"] == {"attributes.age": 1}
    assert written()[0]["weight"] == 2.0


def test_two_attributes_with_one_name_are_refused() -> None:
    said = "map.yaml:1: attributes: the name 'x' occurs twice; change one"
    assert refused("attributes: {x: Age, 'x ': Sex}\n") == said


def test_a_map_has_fields_of_its_kind_only() -> None:
    assert refused("prompt: why\n") == (
        "map.yaml:1: prompt: personas do not have this field; known are id, name, description, attributes, stances, "
        "preferences, weight, split, where, values, missing, person, per_row, source, licence"
    )
    assert refused("prompt: why\ndescription: why\n", what="tasks").startswith(
        "map.yaml:2: description: tasks do not have this field; known are id, split, prompt, kind, topic, where"
    )
    assert refused("age: Age\n").endswith("; write an attribute as `attributes: {NAME: COLUMN}`")
    assert refused("", what="tasks").endswith(
        "is not a column map; write lines of FIELD: COLUMN, e.g. `prompt: question`"
    )


def test_the_beginning_of_a_column_is_enough_to_suggest_it() -> None:
    names = ["Q1 Age", *(f"Q{n} How often?" for n in range(2, 30))]
    Path("wide.csv").write_text(",".join(names) + "\n" + ",".join(["x"] * len(names)) + "\n", encoding="utf-8")
    assert refused("description: q3\n", "wide.csv").endswith("has no column 'q3'; did you mean 'Q3 How often?'?")
    assert "; it has 29 columns: Q1 Age, Q2 How often?, " in refused("description: story\n", "wide.csv")


def test_the_account_asks_about_codes_and_about_several_rows_of_a_person() -> None:
    called = scai("personas", "import", "survey.csv", "--as", "table", "-o", "out.jsonl")
    assert "perhaps several rows per person; a map with `person: Worker` makes one persona of them" in called.lines
    assert mapped("person: Worker\n").json["perhaps_person"] == ""
    account = mapped("id: Worker\n").json
    assert (account["repeated_ids"], account["perhaps_person"]) == (1, "Worker")
    assert [person["id"] for person in written()] == ["w1", "w1-2", "w2", "w3"]
    Path("p.csv").write_text("user,trust,born in,Alter\nu1,5,61,34\nu2,99,33,52\nu3,1,41,19\n", encoding="utf-8")
    account = scai("personas", "import", "p.csv", "--as", "table", "-o", "out.jsonl", "--json").json
    assert account["perhaps_codes"] == ["trust"]
    assert account["perhaps_person"] == ""


def account_of(data: str) -> dict[str, Any]:
    Path("p.csv").write_text(data, encoding="utf-8")
    called = scai("personas", "import", "p.csv", "--as", "table", "-o", "out.jsonl", "--json")
    assert called.code == 0, called.err
    return dict(called.json)


def test_rows_with_the_id_of_another_are_perhaps_of_one_person() -> None:
    assert account_of("ID,age\na,3\na,4\nb,5\n")["perhaps_person"] == "ID"
    assert account_of("ID,age\na,3\nb,4\n")["perhaps_person"] == ""


def test_a_word_that_is_not_known_among_numbers_is_named_where_it_is_kept() -> None:
    data = "age,vote,town\n34,NA,Ulm\nNA,yes,Lima\n61,NA,NO\n"
    account = account_of(data)
    assert account["fields"]["age"]["not_known"] == {"NA": 1}
    assert account["perhaps_not_known"] == {"vote": {"NA": 2}}
    assert [person.get("attributes", {}).get("vote") for person in written()] == ["NA", "yes", "NA"]
    Path("map.yaml").write_text("missing: [NA]\n", encoding="utf-8")
    called = scai("personas", "import", "p.csv", "--as", "table", "-o", "o.jsonl", "--json", "--map", "map.yaml")
    assert called.json["perhaps_not_known"] == {}


def test_codes_are_asked_about_though_some_are_not_known() -> None:
    assert account_of("q1,q2\n1,2\nNA,refused\n2,\n")["perhaps_codes"] == ["q1", "q2"]


def test_few_numbers_among_words_for_not_known_are_numbers_but_none_is_an_answer() -> None:
    account_of("hours,pets\nNA,none\nNA,none\n8,2\n")
    assert [person["attributes"] for person in written()] == [
        {"pets": "none"},
        {"pets": "none"},
        {"hours": 8, "pets": 2},
    ]


def test_a_person_of_whom_nothing_is_known_is_left_out_and_counted() -> None:
    account = account_of("id,age,job\na,34,nurse\nb,NA,\nc,61,\n")
    assert (account["personas"], account["rows"]["left_out"]) == (2, {"nothing known": 1})


def test_weight_beside_height_is_that_of_the_body() -> None:
    account_of("Height (cm),weight\n170,82\n")
    assert written()[0]["attributes"] == {"Height (cm)": 170, "weight": 82}
    account_of("age,weight\n34,0.5\n")
    assert written()[0]["weight"] == 0.5


def test_a_first_and_a_last_name_are_the_name() -> None:
    account_of("First Name,Last Name,age\nAda,Byron,34\n")
    assert (written()[0]["name"], written()[0]["attributes"]) == ("Ada Byron", {"age": 34})
    account_of("full_name,first name\nAda Byron,Ada\n")
    assert (written()[0]["name"], written()[0]["attributes"]) == ("Ada Byron", {"first name": "Ada"})


def test_a_bad_row_is_said_before_a_column_that_only_later_rows_have() -> None:
    Path("rows.jsonl").write_text('{"story": "She waits.", "weight": "much"}\n{"age": 3}\n', encoding="utf-8")
    said = refused("description: story\nattributes: [age]\nweight: weight\n", "rows.jsonl")
    assert said.startswith("rows.jsonl:1: row 1: the column 'weight' has no number")
