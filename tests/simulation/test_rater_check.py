"""The rater check: models of users that cannot tell a good answer from a bad one stop a run after its first epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai
from scripted import Line, refusing
from scripted_runs import PEOPLE, experiment

from scai_cli.prompts.fences import fenced

SAME = {"at": "/rater-check/", "say": json.dumps({"feedback": "Fine.", "rating": 7})}
STOPPED = (
    "this rater (scripted:connect) cannot tell answers apart: it rated good answers 7, 7, 7 and bad ones 7, 7, "
    "7; choose a larger model for roles.user and start a new run, or continue with `scai resume t --force`"
)
PAIRS = ("laces", "basil", "note")


def checked(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in told if event["type"] == "rater_check"]


def test_each_answer_of_a_pair_is_rated_after_the_other_one(tmp_path: Path) -> None:
    assert scai("run", experiment(tmp_path, epochs=2), "-q").code == 0
    run = tmp_path / "runs" / "t"
    asked = {call["id"]: call for call in calls(run) if call["purpose"] == "rater_check"}
    places = [f"e1/rater-check/1/{pair}/{last}/user" for pair in PAIRS for last in ("good", "bad")]
    assert sorted(asked) == sorted(places)
    for pair in PAIRS:
        pair_calls = [asked[f"e1/rater-check/1/{pair}/{last}/user"] for last in ("good", "bad")]
        prompts = [call["request"]["messages"][-1]["content"] for call in pair_calls]
        shown = [[m.text for m in fenced(text, "message") if m.attributes["from"] == "assistant"] for text in prompts]
        assert shown[0] == shown[1][::-1]
        assert shown[0][0] != shown[0][1]
        assert all("rate that last answer for satisfaction" in text for text in prompts)
    (event,) = checked(events(run))
    assert event["id"] == "e1/rater-check"
    assert event["checks"] == [
        {
            "model": "scripted:connect",
            "passed": True,
            "pairs": [{"id": pair, "good": 9, "bad": 1, "problem": None, "refused": False} for pair in PAIRS],
        }
    ]
    assert scai("show", "t", "--json").json["rater_check"] == event["checks"]


def test_the_simulated_society_is_not_checked(finished: Path) -> None:
    assert not checked(events(finished))
    assert not [call for call in calls(finished) if call["purpose"] == "rater_check"]
    assert scai("show", finished, "--json").json["rater_check"] == []


def test_a_rater_that_gives_every_answer_the_same_rating_stops_the_run_after_epoch_1(tmp_path: Path) -> None:
    file = experiment(tmp_path, script=[SAME], epochs=2)
    stopped = scai("run", file, "-q", "--json")
    assert (stopped.code, stopped.json["status"], stopped.json["reason"]) == (4, "failed", STOPPED)
    assert stopped.lines == [f"scai: {STOPPED}"]
    told = events(tmp_path / "runs" / "t")
    assert [event["checks"][0]["passed"] for event in checked(told)] == [False]
    assert [event["id"] for event in told if event["type"] in ("welfare", "revision")] == ["e1"]
    made = len(calls(tmp_path / "runs" / "t"))
    assert scai("resume", "t", "--trust", "-q").lines == stopped.lines
    assert len(calls(tmp_path / "runs" / "t")) == made
    assert scai("resume", "t", "--trust", "-q", "--force").code == 0
    assert "force: all" in (tmp_path / "runs" / "t" / "config.yaml").read_text()
    assert len(checked(events(tmp_path / "runs" / "t"))) == 1
    assert scai("run", file, "-q", "--force", "--run-id", "forced").code == 0
    assert scai("show", "forced", "--json").json["rater_check"][0]["passed"] is False


def test_the_warning_about_a_failed_check_outlives_a_resume(tmp_path: Path) -> None:
    file = experiment(tmp_path, script=[SAME], epochs=2)
    whole = scai("run", file, "-q", "--json", "--force", "--run-id", "whole").json
    most = len([call for call in calls(tmp_path / "runs" / "whole") if call["id"].startswith("e1/")])
    assert scai("run", file, "-q", "--force", "--set", f"limits.calls={most}").code == 3
    resumed = scai("resume", "t", "--trust", "-q", "--json", "--set", "limits.calls=999").json
    assert resumed["health"] == whole["health"] != []


@pytest.mark.parametrize(
    ("good", "bad", "passed"),
    [(5, 4, True), (5, 4.1, False), (4, 5, False), (10, 9, False), (10, 0, True), (None, 1, False)],
)
def test_the_good_answer_must_be_a_tenth_of_the_scale_better(
    tmp_path: Path, good: float | None, bad: float, passed: bool
) -> None:
    script: list[Line] = [
        {"at": f"/laces/{last}/", "say": "none" if value is None else json.dumps({"feedback": "", "rating": value})}
        for last, value in (("good", good), ("bad", bad))
    ]
    called = scai("run", experiment(tmp_path, script=script), "-q")
    assert called.code == (0 if passed else 4), called.err
    (event,) = checked(events(tmp_path / "runs" / "t"))
    assert event["checks"][0]["passed"] is passed
    fault = "gives ratings that cannot be read: " if good is None else "cannot tell answers apart: "
    assert (fault in called.err, "unreadable" in called.err) == (not passed, good is None)


def test_every_distinct_model_of_the_users_is_checked_once(tmp_path: Path) -> None:
    own: list[dict[str, Any]] = [{**person, "model": {"name": "other"}} for person in PEOPLE[:2]]
    people = [*own, PEOPLE[2], {"id": "sim", "model": {"provider": "simulated"}}]
    planned = scai("plan", experiment(tmp_path, personas=people), "--json").json
    ran = scai("run", tmp_path / "t.yaml", "-q", "--json")
    assert ran.code == 0, ran.err
    (event,) = checked(events(tmp_path / "runs" / "t"))
    assert [check["model"] for check in event["checks"]] == ["scripted:connect", "other"]
    assert ran.json["calls"] == planned["calls"]["total"] - planned["product"]["calls"]  # no change: nothing to play
    assert len([call for call in calls(tmp_path / "runs" / "t") if call["purpose"] == "rater_check"]) == 2 * 2 * len(
        PAIRS
    )


def test_a_model_with_other_settings_is_checked_again(tmp_path: Path) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    assert scai("run", experiment(tmp_path, script=[{**SAME, "while_there": str(trouble)}]), "-q").code == 4
    trouble.unlink()
    assert scai("resume", "t", "--trust", "-q").code == 4
    assert scai("resume", "t", "--trust", "-q", "--set", "roles.user.max_tokens=900").code == 0
    assert [event["checks"][0]["passed"] for event in checked(events(tmp_path / "runs" / "t"))] == [False, True]
    assert scai("show", "t", "--json").json["rater_check"][0]["passed"] is True


def test_refused_prompts_of_the_check_do_not_count(tmp_path: Path) -> None:
    assert scai("run", experiment(tmp_path, script=[SAME, refusing("/rater-check/")][::-1]), "-q").code == 0
    (event,) = checked(events(tmp_path / "runs" / "t"))
    assert event["checks"][0]["passed"] is None
    assert [pair["refused"] for pair in event["checks"][0]["pairs"]] == [True] * len(PAIRS)
