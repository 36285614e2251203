"""Rows hold what they depend on: an answer made under one user's clauses is exported with them, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, calls, events, scai

from scai_cli import api

ONLY_KEEP = "No row is left; add --system keep to write those made under one user's clauses"


@pytest.fixture(scope="session")
def made(finished: Path) -> Path:
    """A set generated from the run of known people."""
    called = scai("generate", finished, "--n", "12", "--run-id", "own", "--runs-dir", finished.parent, "-q")
    assert called.code == 0, called.err
    return finished.parent / "own"


def exported(path: Path, form: str, *options: str) -> list[dict[str, Any]]:
    called = scai("export", path, "--format", form, *options)
    assert called.code == 0, called.err
    return [json.loads(line) for line in called.out.splitlines()]


def origins(path: Path, form: str, *options: str) -> list[dict[str, Any]]:
    return [json.loads(row["provenance"]) for row in exported(path, form, *options)]


def systems(path: Path) -> dict[str, str]:
    """Answer's id -> the system message of its call."""
    asked = {call["id"].removesuffix("/assistant"): call["request"]["messages"][0] for call in calls(path)}
    return {name: first["content"] for name, first in asked.items() if first["role"] == "system"}


def named(run: Path) -> dict[int, set[tuple[str, str]]]:
    """Version -> (clause, user) of its clauses for single users."""
    versions = [e["constitution"] for e in events(run) if e["type"] in ("run_started", "revision")]
    return {
        version["version"]: {(clause["id"], user) for clause in version["contract"] for user in clause["for"]}
        for version in versions
    }


@pytest.mark.parametrize("form", ["sft", "dpo", "kto", "hh"])
@pytest.mark.parametrize("system", ["drop", "Be kind."])
def test_without_the_system_message_no_answer_of_a_run_rests_on_its_user_s_clauses(
    finished: Path, form: str, system: str
) -> None:
    own, version = named(finished), {e["epoch"]: e["version"] for e in events(finished) if e["type"] == "epoch_started"}
    whole = scai("export", finished, "--format", form, "--system", "keep", "-o", "keep.jsonl")
    some = scai("export", finished, "--format", form, "--system", system, "-o", "some.jsonl")
    assert "made under one user's clauses" not in whole.err
    assert "made under one user's clauses" in some.err
    files = {name: Path(f"{name}.meta.jsonl" if form == "hh" else f"{name}.jsonl") for name in ("keep", "some")}
    found = {}
    for name, file in files.items():
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        found[name] = [row if form == "hh" else json.loads(row["provenance"]) for row in rows]
    users = {
        tuple(origin["messages"]): {
            clause
            for epoch, persona, *_ in (message.split("/") for message in origin["messages"])
            for clause, user in own[version[int(epoch[1:])]]
            if user == persona
        }
        for origin in found["keep"]
    }
    rest_on_rules = [messages for messages, clauses in users.items() if not clauses]
    if form != "kto":  # whose labels compare only the answers that are left
        assert [tuple(origin["messages"]) for origin in found["some"]] == rest_on_rules
    assert {tuple(origin["messages"]) for origin in found["some"]} <= set(rest_on_rules)
    assert 0 < len(found["some"]) < len(found["keep"])


def test_a_kept_system_message_is_the_one_that_the_answer_of_a_run_got(finished: Path) -> None:
    asked = systems(finished)
    for row in exported(finished, "sft", "--system", "keep"):
        (message,) = json.loads(row["provenance"])["messages"]
        assert row["messages"][0] == {"role": "system", "content": asked[message]}


def test_a_kept_system_message_is_the_one_that_each_answer_of_a_set_got(made: Path) -> None:
    asked, answers = systems(made), set()
    for row in exported(made, "kto", "--system", "keep", "--kto-threshold", "0"):
        (message,) = json.loads(row["provenance"])["messages"]
        name, _, answer = message.partition("/")
        said = row["prompt"][0]["content"]
        if answer == "s1":  # its calls have none; it revises the first answer, by a rule that may be its user's
            assert said.startswith(asked[f"{name}/initial"])
        else:
            assert said == asked[message]
        answers.add(answer)
    assert answers == {"initial", "s1", "final"}


def test_without_the_system_message_no_final_answer_of_a_set_rests_on_its_user_s_clauses(made: Path) -> None:
    (made_from,) = {json.dumps(origin["version"]) for origin in origins(made, "sft", "--system", "keep")}
    own = named(made.parent / "tiny")[int(made_from)]
    users = {user for _, user in own}
    for form in ("sft", "dpo"):
        kept, some = origins(made, form, "--system", "keep"), origins(made, form)
        assert some == [origin for origin in kept if origin["persona"] not in users or "final" not in str(origin)]
        assert len(some) < len(kept)
    assert len(exported(made, "ratings")) == len(exported(made, "ratings", "--system", "keep"))  # not for training
    assert list(api.export([made], "dpo")) == [
        {key: value for key, value in row.items() if key != "provenance"} for row in exported(made, "dpo")
    ]


def test_where_nothing_is_left_one_line_names_the_remedy(finished: Path) -> None:
    last = max(named(finished))
    (user, *_) = sorted(user for _, user in named(finished)[last])
    epoch = max(e["epoch"] for e in events(finished) if e["type"] == "epoch_started")
    options = ("--persona", user, "--epoch", str(epoch))
    called = scai("export", finished, "--format", "sft", *options)
    assert (called.code, called.out) == (0, "")
    assert [line for line in called.lines if "--system keep" in line] == [f"{ONLY_KEEP}, together with these clauses."]
    assert exported(finished, "sft", *options, "--system", "keep")


@pytest.mark.slow
def test_a_revision_by_a_user_s_clause_rests_on_it(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    rules = "principles: []\ncontract: [{id: C1, text: Say it in few words., for: [ann, bob, cid]}]\n"
    (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
    options = ("--config", "tiny.yaml", "--n", "6", "--run-id", "set", "--set", "generate.initial=none", "-q")
    called = scai("generate", "rules.yaml", *options)
    assert called.code == 0, called.err
    called = scai("export", "set", "--format", "dpo", "--labels", "revision")
    assert (called.code, called.out) == (0, "")
    assert ONLY_KEEP in called.err
    rows = exported(Path("runs/set"), "dpo", "--labels", "revision", "--system", "keep")
    assert rows
    assert all("Say it in few words." in row["prompt"][0]["content"] for row in rows)
