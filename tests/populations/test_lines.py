"""Lines of a list lose its numbers and bullets; other lines stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import scai

WITHOUT = [
    ("numbers", "1. Bake.\n2. Fish.\n10. Swim.\n", ["Bake.", "Fish.", "Swim."]),
    ("numbers and a bullet apart", "1. Bake.\n2. Fish.\n\n- Swim.\n", ["Bake.", "Fish.", "Swim."]),
    ("a blank line between", "1) Bake.\n\n2) Fish.\n\n3) Swim.\n", ["Bake.", "Fish.", "Swim."]),
    ("brackets", "(1) Bake.\n(2) Fish.\n", ["Bake.", "Fish."]),
    ("square brackets", "[1] Bake.\n[2] Fish.\n", ["Bake.", "Fish."]),
    ("letters", "a) Bake.\nb) Fish.\n", ["Bake.", "Fish."]),
    ("colons", "1: Bake.\n2: Fish.\n", ["Bake.", "Fish."]),
    ("ones", "1. Bake.\n1. Fish.\n", ["Bake.", "Fish."]),
    ("from zero", "0. Bake.\n1. Fish.\n2. Swim.\n", ["Bake.", "Fish.", "Swim."]),
    ("dashes", "- Bake.\n- Fish.\n", ["Bake.", "Fish."]),
    ("stars, indented", "  * Bake.\n  * Fish.\n", ["Bake.", "Fish."]),
    ("bullets", "• Bake.\n• Fish.\n", ["Bake.", "Fish."]),
    ("boxes", "- [ ] Bake.\n- [x] Fish.\n", ["Bake.", "Fish."]),
    ("numbers with bullets below", "1. Bake.\n- Fish.\n2. Swim.\n", ["Bake.", "Fish.", "Swim."]),
    ("Japanese", "1、パンを焼く。\n2、釣りをする。\n", ["パンを焼く。", "釣りをする。"]),
    ("full width", "１．パンを焼く。\n２．釣りをする。\n", ["パンを焼く。", "釣りをする。"]),
    ("circles", "①パンを焼く。\n②釣りをする。\n", ["パンを焼く。", "釣りをする。"]),
    ("Arabic digits", "١. اخبز الخبز\n٢. اصطد السمك\n", ["اخبز الخبز", "اصطد السمك"]),
    ("Hindi digits", "१. रोटी बनाओ\n२. मछली पकड़ो\n", ["रोटी बनाओ", "मछली पकड़ो"]),
    (
        "numbers that go on in another block",
        "1. Bake.\n2. Fish.\n\n3. Swim.\n4. Run.\n",
        ["Bake.", "Fish.", "Swim.", "Run."],
    ),
]
AS_THEY_ARE = [
    ("a year", "2024 was hot. Why?\n2025 was hot. Why?\n"),
    ("a year with a stop", "2024. What a year!\n2025. What a year!\n"),
    ("numbers of the text", "3.5 is what in binary?\n4.5 is what in binary?\n"),
    ("a time", "12:30 is lunch. Why?\n13:30 is tea. Why?\n"),
    ("below zero", "-5 degrees: how cold is it?\n-9 degrees: how cold is it?\n"),
    ("initials", "A. Smith wrote what?\nB. Jones wrote what?\n"),
    ("a line without", "1. Bake.\nFish.\n2. Swim.\n"),
    ("numbers in no order", "7. Bake.\n3. Fish.\n"),
    ("one block of one line", "Bake.\n\n1. Fish?\n\nSwim.\n"),
    ("two people who speak", "— Bake!\n— Fish!\n"),
    ("stars around", "*Bake* the bread.\n*Fish* for carp.\n"),
]


def read(text: str, kind: str = "tasks") -> tuple[list[str], list[str]]:
    Path("p.txt").write_text(text, encoding="utf-8")
    called = scai(kind, "import", "p.txt", "--as", "lines", "-o", "-", "-q")
    assert called.code == 0, called
    return [
        json.loads(line)["prompt" if kind == "tasks" else "description"] for line in called.out.splitlines()
    ], called.lines


@pytest.mark.parametrize(("text", "prompts"), [case[1:] for case in WITHOUT], ids=[case[0] for case in WITHOUT])
def test_the_marks_of_a_list_are_left_out_and_said(text: str, prompts: list[str]) -> None:
    assert read(text) == (prompts, [f"p.txt: left out the numbers or bullets at the start of {len(prompts)} lines"])


@pytest.mark.parametrize("text", [case[1] for case in AS_THEY_ARE], ids=[case[0] for case in AS_THEY_ARE])
def test_other_lines_stay_as_they_are(text: str) -> None:
    assert read(text) == ([line for line in text.split("\n") if line], [])


def test_only_the_blocks_that_are_lists_lose_their_marks() -> None:
    prompts, said = read("What do you like?\n\n- Bread.\n- Fish.\n\n- Why?\n")
    assert prompts == ["What do you like?", "Bread.", "Fish.", "- Why?"]
    assert said == ["p.txt: left out the numbers or bullets at the start of 2 lines"]


def test_people_in_a_list_have_no_number_in_their_names() -> None:
    descriptions, _ = read("1. a parent: wants it short\n2. a pupil: wants it long\n", "personas")
    assert descriptions == ["Wants it short.", "Wants it long."]


def test_rows_of_json_are_no_lines() -> None:
    Path("p.txt").write_text('{"prompt": "Bake."}\n{"prompt": "Fish."}\n', encoding="utf-8")
    called = scai("tasks", "import", "p.txt", "--as", "lines", "-o", "out.jsonl")
    assert called.lines == ["scai: p.txt: is not a text of plain lines (jsonl); use --as table"]


def test_transcripts_are_read_under_any_name() -> None:
    text = "Human: Where do bees sleep?\n\nAssistant: In hives.\n\nHuman: Why is dough sticky?\n\nAssistant: Gluten.\n"
    for name in ("p.txt", "p.log"):
        Path(name).write_text(text, encoding="utf-8")
        called = scai("tasks", "import", name, "--as", "anthropic", "-o", "-", "-q")
        assert [json.loads(line)["prompt"] for line in called.out.splitlines()] == [
            "Where do bees sleep?",
            "Why is dough sticky?",
        ]


TABLES = [
    ("t.csv", 'name,story\nAda,"Sells lemons, limes"\nBo,Mends nets\n', 2),
    ("t.txt", "id;age;sex;land\na;34;1;NO\nb;61;2;PE\n", 4),
]


@pytest.mark.parametrize(("file", "text", "columns"), TABLES, ids=[case[0] for case in TABLES])
def test_a_table_is_refused(file: str, text: str, columns: int) -> None:
    Path(file).write_text(text, encoding="utf-8")
    called = scai("tasks", "import", file, "--as", "lines", "-o", "out.jsonl")
    problem = f"is not a text of plain lines but a table of {columns} columns; use --as table"
    assert (called.code, called.err) == (2, f"scai: {file}: {problem}\n")


def test_commas_do_not_make_a_table_of_prose() -> None:
    text = "Bread, salt, and what else?\nTea, milk, or both?\nRed,green or blue?\n"
    Path("t.csv").write_text(text, encoding="utf-8")
    assert scai("tasks", "import", "t.csv", "--as", "lines", "-o", "out.jsonl").code == 0
