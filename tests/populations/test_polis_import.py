"""Exports of Polis: participants and groups with their votes as stances, statements as tasks, and that both meet."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import scai

EXPORT = Path(__file__).parents[1] / "data" / "populations" / "polis"


@pytest.fixture(autouse=True)
def _export() -> None:
    shutil.copytree(EXPORT, "export")


def imported(*options: object, file: object = "export", what: str = "personas") -> list[dict[str, Any]]:
    called = scai(what, "import", file, "--as", "polis", "-o", "-", "-q", *options)
    assert (called.code, called.err) == (0, "")
    return [json.loads(line) for line in called.out.splitlines()]


def refused(*options: object, file: object = "export") -> str:
    called = scai("personas", "import", file, "--as", "polis", "-o", "out.jsonl", *options)
    assert (called.code, called.out, len(called.lines)) == (2, "", 1)
    return called.err.removeprefix("scai: ").strip()


def rewrite(name: str, change: dict[str, str], *, more: dict[str, str] | None = None) -> None:
    """Rename columns of a file, and add columns with the same cell in every row."""
    path = Path("export") / name
    with path.open(encoding="utf-8", newline="") as content:
        header, *rows = csv.reader(content)
    with path.open("w", encoding="utf-8", newline="") as content:
        writer = csv.writer(content)
        writer.writerow([*(change.get(column, column) for column in header), *(more or {})])
        writer.writerows([*row, *(more or {}).values()] for row in rows)


def test_each_participant_is_a_person_with_votes_as_stances() -> None:
    people = imported()
    assert [person["id"] for person in people] == [f"participant-{n}" for n in range(10)]
    assert people[4]["stances"] == {
        "0": "Agrees that “Buses should be free, at any hour.”",
        "1": "Neither agrees nor disagrees that “Parking in the old town should cost more than a bus ticket.”",
        "3": 'Agrees that “The "ring road" needs a cycle lane”',
    }
    assert people[5]["attributes"]["opinion_group"] == "B"
    assert people[9]["description"].startswith("Voted on 1 statement of a public deliberation. ")
    assert "opinion_group" not in people[9]["attributes"]  # a person without a group is a person too


def test_groups_are_weighted_by_their_members() -> None:
    one, other = imported("--groups")
    assert (one["weight"], other["weight"]) == (5.0, 4.0)
    assert one["stances"]["0"] == "Agrees (5 of 5) that “Buses should be free, at any hour.”"
    assert other["stances"]["1"].startswith("Disagrees (4 of 4)")
    assert other["stances"]["3"].startswith("Is divided (2 for, 2 against")
    assert "2" not in one["stances"]  # rejected by the moderators


def test_the_account_counts_who_is_left_out() -> None:
    account = scai("personas", "import", "export", "--as", "polis", "--groups", "-o", "o.jsonl", "--json").json
    assert account["rows"]["left_out"] == {
        "statements that the moderators rejected, or without text": 1,
        "participants without an opinion group": 1,
    }
    assert account["rows"]["merged"] == 7
    assert account["fields"]["votes on accepted statements"]["into"] == {"stances": 26}
    assert account["fields"]["votes on other statements"]["values"] == 4


def test_participants_without_votes_are_left_out() -> None:
    with Path("export/participants-votes.csv").open("a", encoding="utf-8") as content:
        content.write("10,,0,0,0,0,,,1,\n")  # a vote on a rejected statement alone
    assert len(imported()) == 10


@pytest.mark.parametrize("tasks", ["--as polis export", "--as table --map map.yaml export/comments.csv"])
def test_the_stances_of_people_meet_the_tasks_of_the_same_export(tasks: str) -> None:
    Path("map.yaml").write_text("prompt: comment-body\nid: comment-id\nwhere: {moderated: 1}\n", encoding="utf-8")
    Path("x.yaml").write_text("epochs: 1\nturns: 1\npersonas: p.jsonl\ntasks: t.yaml\n", encoding="utf-8")
    assert scai("personas", "import", "export", "--as", "polis", "-o", "p.jsonl").code == 0
    assert scai("tasks", "import", *tasks.split(), "-o", "t.yaml").code == 0
    requests = scai("check", "x.yaml", "--json", "--prompts").json["requests"]
    assert "On this task: Agrees that “Buses should be free, at any hour.”" in json.dumps(requests, ensure_ascii=False)
    assert not any("no task has" in line for line in scai("check", "x.yaml", "--json").json["warnings"])


def test_tasks_are_the_accepted_statements() -> None:
    assert [task["id"] for task in imported(what="tasks")] == ["0", "1", "3"]
    assert imported(what="tasks", file="export/comments.csv") == imported(what="tasks")


def test_names_of_files_and_columns_vary() -> None:
    expected = imported()
    rewrite("comments.csv", {"comment-id": "comment_id", "comment-body": "Comment_Body", "moderated": "Moderated"})
    rewrite("participants-votes.csv", {"group-id": "group_id"}, more={"xid": "x7f3c9k2m4p8q1z5"})
    Path("export/comments.csv").rename("export/2031-01-buses-comments.csv")
    Path("export/participants-votes.csv").rename("export/2031-01-buses-participant-votes.csv")
    assert imported() == expected
    assert imported(file="export/2031-01-buses-participant-votes.csv") == expected
    account = scai("personas", "import", "export", "--as", "polis", "-o", "o.jsonl", "--json").json
    assert account["fields"]["xid"]["left_out"] == {"identifies a participant": 10}
    assert account["fields"]["comment_id"]["into"] == {"stances": 3}


def test_what_is_wrong_is_one_line() -> None:
    assert "name the folder, or participants-votes.csv" in refused(file="export/comments.csv")
    Path("survey.csv").write_text("age\n34\n", encoding="utf-8")
    assert refused(file="survey.csv") == (
        "survey.csv: has no comments.csv of a Polis export beside it; name the folder of the export"
    )
    shutil.copy("export/comments.csv", "export/a-comments.csv")
    shutil.move("export/comments.csv", "export/b-comments.csv")
    assert refused() == "export: comments.csv: has several: a-comments.csv, b-comments.csv; name one"
    for file in Path("export").glob("*comments.csv"):
        file.unlink()
    assert refused() == "export: comments.csv: has no such file of a Polis export"


def test_a_vote_that_is_none_names_its_file_and_line() -> None:
    with Path("export/participants-votes.csv").open("a", encoding="utf-8") as content:
        content.write("10,0,0,1,1,0,yes,,,\n")
    assert refused().startswith(
        "export/participants-votes.csv:12: row 11: the vote on statement 0 is 'yes', not -1, 0 or 1; correct it, or"
    )


def test_other_formats_have_no_groups() -> None:
    Path("p.txt").write_text("a nurse\n", encoding="utf-8")
    called = scai("personas", "import", "p.txt", "--as", "lines", "--groups", "-o", "o.jsonl")
    assert (called.code, called.err) == (
        2,
        "scai: --groups: the format lines has no opinion groups; leave --groups out\n",
    )


def test_votes_that_are_too_few_for_a_group_are_left_out() -> None:
    path = Path("export/participants-votes.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("7,1.0,0,3,1,2,-1,", "7,1.0,0,3,1,2,,"), encoding="utf-8")
    called = scai("personas", "import", "export", "--as", "polis", "--groups", "-o", "out.jsonl", "--json", "-q")
    votes = called.json["fields"]["votes on accepted statements"]
    people = [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert votes["left_out"] == {"fewer than 3 votes of a group on a statement": 2}
    assert votes["into"]["stances"] == votes["values"] - 2
    assert list(people[1]["stances"]) == ["1", "3"]


def test_a_statement_that_occurs_twice_is_refused() -> None:
    path = Path("export/comments.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    assert refused().endswith("the comment-id '0' occurs twice; correct it, or add --skip-bad")


def test_a_limit_counts_the_people_beyond_it() -> None:
    called = scai("personas", "import", "export", "--as", "polis", "-o", "out.jsonl", "--json", "-q", "--limit", 3)
    assert called.json["rows"]["left_out"]["people beyond --limit"] == 7
