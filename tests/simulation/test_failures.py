"""Failures in each kind of call: a refused prompt is recorded, any other failure stops the run without a trace."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import calls, events, scai
from crash import comparable, society
from loopback import FAULTS, Body, Loopback, Reply
from scripted import Line, no_form, refusing
from scripted_runs import PEOPLE, anew, experiment, revisions

from scai_cli.models import refusals
from scai_cli.text.data_files import read_data_file

EVERYTHING = """\
name: all
epochs: 1
turns: 1
personas:
  - {id: ann, name: Ann Smith, preferences: {concise: 1.0, warm: 0.5}}
  - {id: bob, name: Bob Jones, preferences: {detailed: 1.0, formal: 0.5}}
tasks:
  - {id: tea, prompt: "How do I make a pot of tea?"}
  - {id: stain, prompt: "How do I get a stain out?"}
  - {id: plant, prompt: "Why does my plant die?"}
  - {id: sleep, prompt: "What helps against bad sleep?"}
constitution: {principles: [Be kind.]}
revision: {strategy: rewrite, acceptance: ratify, clauses: people, candidates: 2}
holdout: {tasks: [sleep]}
limits: {max_retries: 0}
"""
KINDS = {
    "answer": "^e1/ann/tea/m1/assistant$",
    "feedback": "^e1/ann/tea/m2/user$",
    "cross rating": "^e1/ann/tea/cross/bob/user$",
    "rater check": "^e1/rater-check/1/laces/good/user$",
    "proposal": "^e1/revision/c2/meta$",
    "trial": "^e1/~1/ann/tea/m1/assistant$",
    "ballot": "^e1/revision/ballot/bob/user$",
    "holdout": "^holdout/~first/ann/sleep/m1/assistant$",
}
RULES = {"trial": "improves"}
"""The acceptance rule of the runs with such calls, if it is another one."""
RECORDED_AS = {"trial": "e1/~1/ann/tea", "holdout": "holdout/~first/ann/sleep"}


def everything(path: Path, kind: str, script: Sequence[Line] = (), **keys: Any) -> Path:
    """An experiment with calls of this kind and most others, at the simulated society behind a script."""
    model = {"provider": "scripted:connect", "options": {"script": list(script)}}
    data = {**yaml.safe_load(EVERYTHING), "model": model, **keys}
    data["revision"]["acceptance"] = rule_of(kind)
    file = path / "all.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    return file


def rule_of(kind: str) -> str:
    return RULES.get(kind, "ratify")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The runs that never failed, by their acceptance rule."""
    runs = {}
    for kind in ("answer", "trial"):
        folder = tmp_path_factory.mktemp("clean")
        assert scai("run", everything(folder, kind), "-q", "--runs-dir", folder).code == 0
        runs[rule_of(kind)] = folder / "all"
    made = {rule: [call["id"] for call in calls(run)] for rule, run in runs.items()}
    assert all(any(re.search(KINDS[kind], call) for call in made[rule_of(kind)]) for kind in KINDS)
    return runs


def facts(run: Path) -> list[tuple[str, str, str]]:
    """The events of a run without its first, which has digests of the script, too."""
    return [event for event in comparable(run) if event[0] != "run_started"]


def few(*fast: str) -> list[Any]:
    """The kinds of calls as parameters, all but some of them slow."""
    return [kind if kind in fast else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]


def resumed(run: Path, *options: str) -> int:
    return scai("resume", run, "--trust", "-q", *options).code


@pytest.mark.parametrize("how", ["fail", pytest.param("stop", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", few("answer", "ballot"))
def test_a_failure_outside_the_prompt_leaves_no_trace(
    tmp_path: Path, clean: dict[str, Path], kind: str, how: str
) -> None:
    well, trouble = clean[rule_of(kind)], tmp_path / "trouble"
    trouble.touch()
    file = everything(tmp_path, kind, [{"at": KINDS[kind], how: "the budget is used up", "while_there": str(trouble)}])
    failed = scai("run", file, "-q", "--json")
    lines = [line for line in failed.lines if not line.startswith("warning")]
    assert (failed.code, failed.json["status"], len(lines)) == (4, "failed", 1)
    assert "the budget is used up" in failed.err
    if how == "fail":
        (call,) = {call["id"] for call in calls(well) if re.search(KINDS[kind], call["id"])}
        assert call in failed.err
        assert "`scai resume all` makes failed calls again, `--set max_failures=" in failed.err
    run = tmp_path / "runs" / "all"
    assert set(facts(run)) <= set(facts(well))
    assert resumed(run) == 4
    trouble.unlink()
    assert resumed(run) == 0
    assert facts(run) == facts(well)
    answered = [call["id"] for call in calls(run) if call.get("source") == "model"]
    assert sorted(answered) == sorted(call["id"] for call in calls(well))


@pytest.mark.parametrize("kind", few("feedback"))
def test_a_refused_prompt_is_the_only_hole_and_a_resume_gets_past_it(tmp_path: Path, kind: str) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    file = everything(tmp_path, kind, [refusing(KINDS[kind], trouble)])
    assert scai("run", file, "-q").code == 0
    run = tmp_path / "runs" / "all"
    told = facts(run)
    (refused,) = {call["id"] for call in calls(run) if "error" in call}
    problems = [event for event in events(run) if event["type"] == "problem"]
    if kind == "rater check":  # part of the check's own event
        assert not problems
    else:
        where = RECORDED_AS.get(kind) or refused.rpartition("/")[0].removesuffix("/m1").removesuffix("/m2")
        where = where.partition("/cross/")[0]
        assert [(p["id"], p["where"], p["refused"]) for p in problems] == [(refused, where, True)]
    for folder in (
        run,
        shutil.copytree(run, tmp_path / "again" / "all"),
    ):  # at the same server, then at one that is well
        last = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "events.jsonl").write_bytes(b"".join(last[:-1]))
        assert resumed(folder) == 0
        assert facts(folder) == told
        trouble.unlink(missing_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_with_max_failures_a_failure_is_left_out_like_a_refused_prompt(tmp_path: Path, kind: str) -> None:
    file = everything(tmp_path, kind, [{"at": KINDS[kind], "fail": "gone"}], max_failures=1)
    assert scai("run", file, "-q").code == 0
    problems = [event for event in events(tmp_path / "runs" / "all") if event["type"] == "problem"]
    assert [problem.get("refused", False) for problem in problems] == [False] * (kind != "rater check")


ROWS = [
    row for row in read_data_file(refusals.__file__)["rows"] if row["error"] not in ("CallTransient", "CallAdapted")
]
PLAYED = [
    pytest.param(kind, row["error"], *row["examples"][0], id=f"{row['error']}-{kind}")
    for row, kind in zip(ROWS, cycle(KINDS))
    if row["examples"][0][0] and not row.get("sent") and not row.get("an_option")
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The runs at a server that is well, by their acceptance rule."""
    runs = {}
    for kind in ("answer", "trial"):
        folder = tmp_path_factory.mktemp("served")
        with Loopback(answer=society()) as server:
            assert scai("run", at(folder, kind, server), "-q", "--runs-dir", folder).code == 0
        runs[rule_of(kind)] = folder / "all"
    return runs


def at(path: Path, kind: str, server: Loopback) -> Path:
    model = {"provider": "openai", "name": "society", "base_url": server.base_url}
    return everything(path, kind, model=model)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "error", "status", "body"), PLAYED)
def test_each_refusal_of_the_table_then_a_server_that_is_well(
    tmp_path: Path,
    served: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    error: str,
    status: int,
    body: Any,
) -> None:
    well = served[rule_of(kind)]
    (call,) = [call for call in calls(well) if re.search(KINDS[kind], call["id"])]
    text = body if isinstance(body, str) else json.dumps(body)

    def refuse(asked: Body, good: bytes) -> Reply:
        wanted = asked["messages"] == call["request"]["messages"]
        return Reply(status, text.encode()) if wanted else Reply(body=good)

    monkeypatch.setitem(FAULTS, "refuse", refuse)
    with Loopback(script=["refuse"] * 999, answer=society()) as server:
        found = scai("run", at(tmp_path, kind, server), "-q")
        run = tmp_path / "runs" / "all"
        problems = [event for event in events(run) if event["type"] == "problem"]
        if found.code == 0:
            assert error in ("PromptRefused", "PromptTooLong", "Unexplained", "ParameterRefused")
            assert all(problem["refused"] for problem in problems)
            assert problems or kind == "rater check"
            return
        assert (found.code, problems) == (4, [])
        assert set(facts(run)) <= set(facts(well))
        server._script.clear()
        assert resumed(run) == 0
    assert facts(run) == facts(well)


def test_max_failures_is_the_share_of_conversations_that_may_fail(tmp_path: Path) -> None:
    script: list[Line] = [{"at": "^e1/(ann|bob)/tea/m1", "fail": "gone"}]
    stopped = scai("run", experiment(tmp_path, None, script, max_failures=0.66), "-q")
    assert stopped.code == 4
    assert "2 of 3 conversations of epoch 1 failed, more than max_failures allows; the first: e1/" in stopped.err
    assert "`--set max_failures=0.67` leaves them out" in stopped.err
    assert resumed(tmp_path / "runs" / "t", "--set", "max_failures=0.67") == 0


def test_an_epoch_of_refused_prompts_stops_the_run(tmp_path: Path) -> None:
    stopped = scai("run", experiment(tmp_path, None, [refusing("^e1/.*/m1/")]), "-q")
    assert (stopped.code, len(stopped.lines)) == (4, 1)
    assert "all 3 conversations of epoch 1 failed; the first: e1/ann/tea/m1/assistant: refused by script" in stopped.err
    run = tmp_path / "runs" / "t"
    assert not [event for event in events(run) if event["type"] in ("problem", "welfare")]
    assert resumed(run) == 4
    assert resumed(run, "--set", "max_failures=1") == 0


def test_an_epoch_of_refused_prompts_leaves_no_trace(tmp_path: Path, clean: dict[str, Path]) -> None:
    well, trouble = clean["ratify"], tmp_path / "trouble"
    trouble.touch()
    assert scai("run", everything(tmp_path, "answer", [refusing("^e1/", trouble)]), "-q").code == 4
    run = tmp_path / "runs" / "all"
    assert set(facts(run)) <= set(facts(well))
    trouble.unlink()
    assert resumed(run) == 0
    assert facts(run) == facts(well)


# --- revisions


LONG = "the context of 8192 tokens is shorter than 20811"
WELL = {"e1/revision": anew((None, "Be kind.")), "e2/revision": anew(("P1", "Be very kind."))}


@pytest.mark.parametrize("keys", [{}, {"revision": {"candidates": 2}}])
def test_a_prompt_too_long_for_the_meta_model_stops_the_run_at_once(tmp_path: Path, keys: dict[str, Any]) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    script: list[Line] = [{"at": "^e1/revision/", "too_long": LONG, "while_there": str(trouble)}]
    file = experiment(tmp_path, WELL, script, epochs=2, **keys)
    stopped = scai("run", file, "-q", "--json")
    assert (stopped.code, stopped.json["status"]) == (4, "failed")
    assert LONG in stopped.err
    assert "lower revision.max_prompt_tokens (now 60000), e.g. `scai resume t --set revision.max_" in stopped.err
    run = tmp_path / "runs" / "t"
    assert not [event for event in events(run) if event["type"] in ("revision", "problem")]
    forced = shutil.copytree(run, tmp_path / "forced" / "t")
    assert resumed(forced, "--force") == 0
    trouble.unlink()
    assert resumed(run, "--set", "revision.max_prompt_tokens=30000") == 0
    assert not [event for event in events(run) if event["type"] == "problem"]


REASONS: dict[str, tuple[Line, str, str]] = {
    "unreadable": (no_form("revision/meta"), "there is no JSON", "model.structured=json_schema"),
    "cut": ({"at": "revision/meta", "say": '{"cri', "finish": "length"}, "truncated", "roles.meta.max_tokens=4000"),
    "odd": ({"at": "revision/meta", "say": "{}", "finish": "odd"}, "not whole", "model.structured=json_schema"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_two_epochs_without_a_revision_stop_the_run(tmp_path: Path, reason: str) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    line, said, remedy = REASONS[reason]
    file = experiment(tmp_path, WELL, [{**line, "while_there": str(trouble)}], epochs=3)
    stopped = scai("run", file, "-q", "--json")
    assert (stopped.code, stopped.json["status"]) == (4, "failed")
    assert "no revision in epochs 1 and 2: " in stopped.err
    assert said in stopped.err
    assert remedy in stopped.err
    run = tmp_path / "runs" / "t"
    before = (run / "events.jsonl").read_bytes()
    assert [(event["id"], event["accepted"]) for event in revisions(events(run))] == [("e1/revision", False)]
    made = len(calls(run))
    assert resumed(run) == 4
    assert len(calls(run)) == made
    forced = shutil.copytree(run, tmp_path / "forced" / "t")
    assert resumed(forced, "--force") == 0
    assert len(revisions(events(forced))) == 3
    trouble.unlink()
    assert resumed(run, "--set", remedy) == 0
    assert (run / "events.jsonl").read_bytes().startswith(before)
    assert [event["accepted"] for event in revisions(events(run))] == [False, True, False]


def test_two_epochs_whose_revision_is_refused_stop_the_run_and_each_resume_gets_past_it(tmp_path: Path) -> None:
    file = experiment(tmp_path, None, [refusing("revision/meta")], epochs=3)
    stopped = scai("run", file, "-q")
    assert stopped.code == 4
    assert stopped.lines[-1] == (
        "scai: no revision in epochs 1 and 2: the endpoint gave no answer: e2/revision/meta: refused by script; "
        "`scai resume t` continues without it; other tasks or another wording (`prompts`) need a new run"
    )
    run = tmp_path / "runs" / "t"
    assert [event["id"] for event in revisions(events(run))] == ["e1/revision", "e2/revision"]
    assert [resumed(run), resumed(run)] == [4, 0]
    problems = [(event["id"], event["refused"]) for event in events(run) if event["type"] == "problem"]
    assert problems == [(f"e{epoch}/revision/meta", True) for epoch in (1, 2, 3)]


def test_run_with_force_stops_for_all_but_the_rater_check(tmp_path: Path) -> None:
    stopped = scai("run", experiment(tmp_path, None, [no_form("revision/meta")]), "-q", "--force")
    assert stopped.code == 4
    assert "no revision in epoch 1, the last one" in stopped.err


def test_a_last_epoch_without_a_revision_is_not_success(tmp_path: Path) -> None:
    stopped = scai("run", experiment(tmp_path, None, [no_form("revision")]), "-q", "--json")
    assert (stopped.code, stopped.json["status"]) == (4, "failed")
    assert "no revision in epoch 1, the last one: broken: " in stopped.err
    assert not revisions(events(tmp_path / "runs" / "t"))
    assert resumed(tmp_path / "runs" / "t", "--force") == 0
    assert scai("list", "--json").json[0]["status"] == "finished"


def test_one_refused_proposal_of_two_is_only_missing(tmp_path: Path) -> None:
    keys = {"revision": {"candidates": 2}}
    file = experiment(tmp_path, {"e1/revision/c1": anew((None, "Be kind."))}, [refusing("c2/meta")], **keys)
    assert scai("run", file, "-q").code == 0
    (revision,) = revisions(events(tmp_path / "runs" / "t"))
    assert revision["accepted"]
    assert [candidate["objection"] for candidate in revision["candidates"]] == [None, "failed: refused by script"]


# --- ratings


UNREADABLE: dict[str, tuple[Line, str]] = {
    "unreadable": ({"at": "/m2/user", "say": "Seven."}, "model.structured=json_schema"),
    "cut": ({"at": "/m2/user", "say": '{"feedb', "finish": "length"}, "roles.user.max_tokens=4000"),
}


@pytest.mark.parametrize("reason", UNREADABLE)
def test_an_epoch_whose_ratings_cannot_be_read_stops_the_run(tmp_path: Path, reason: str) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    line, remedy = UNREADABLE[reason]
    file = experiment(tmp_path, WELL, [{**line, "while_there": str(trouble)}], ratings={"cross_raters": 0})
    stopped = scai("run", file, "-q", "--json")
    assert (stopped.code, stopped.json["status"]) == (4, "failed")
    assert "3 of 3 ratings of epoch 1 could not be read; the first: e1/ann/tea/m2/own: " in stopped.err
    assert remedy in stopped.err
    run = tmp_path / "runs" / "t"
    assert not [event for event in events(run) if event["type"] in ("rating", "welfare")]
    made = len(calls(run))
    assert resumed(run) == 4
    assert len(calls(run)) == made
    forced = shutil.copytree(run, tmp_path / "forced" / "t")
    trouble.unlink()
    assert resumed(forced, "--force") == 0
    assert [e["value"] for e in events(forced) if e["type"] == "rating" and e["epoch"] == 1] == [None] * 3
    assert resumed(run, "--set", remedy) == 0
    assert [e["value"] for e in events(run) if e["type"] == "rating" and e["epoch"] == 1] == [5.0] * 3


def test_half_of_the_ratings_may_be_unreadable(tmp_path: Path) -> None:
    file = experiment(tmp_path, None, [no_form("^e1/.*/cross/")], personas=PEOPLE[:2])
    assert scai("run", file, "-q").code == 0
    told = events(tmp_path / "runs" / "t")
    assert [e["missing"] for e in told if e["type"] == "welfare"] == [2]


def test_an_epoch_without_a_readable_own_rating_stops_the_run(tmp_path: Path) -> None:
    file = experiment(tmp_path, None, [no_form("^e1/.*/m2/")])
    stopped = scai("run", file, "-q")
    assert stopped.code == 4
    assert "3 of 9 ratings of epoch 1 could not be read; the first: e1/ann/tea/m2/own: " in stopped.err


def test_all_events_after_an_unreadable_rating_wait_for_the_end_of_the_epoch(tmp_path: Path) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    lines: list[Line] = [
        {"at": "^e1/ann/tea/m2/user", "say": "Seven.", "while_there": str(trouble)},
        {"at": "^e1/bob/tea/m4/user", "stop": "no credit", "while_there": str(trouble)},
    ]
    file = experiment(tmp_path, None, lines, turns=2)
    assert scai("run", file, "-q").code == 4
    run = tmp_path / "runs" / "t"
    written = {event["id"] for event in events(run)}
    assert "e1/ann/tea/m1" in written
    assert not {name for name in written if name.startswith("e1/ann/tea/") and not name.endswith(("m0", "m1"))}
    trouble.unlink()
    assert resumed(run, "--set", "model.max_tokens=900") == 0
    told = {event["id"]: event for event in events(run)}
    assert told["e1/ann/tea/m2/own"]["value"] == 5.0
    assert (
        told["e1/ann/tea/m2"]["content"]
        == json.loads(next(call["response"] for call in calls(run)[::-1] if call["id"] == "e1/ann/tea/m2/user"))[
            "feedback"
        ]
    )
