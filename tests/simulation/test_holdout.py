"""Holdout: what is kept back is seen by nobody before the comparison at the end."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from changed_runs import bare, take_back
from conftest import calls, events, scai
from scripted import failing
from scripted_runs import MANY, NO_CROSS, PEOPLE, TASKS, anew, clauses, experiment, ran

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import load_experiment

CROWD = [
    {
        "id": f"p{n}",
        "name": f"Zed{n} Quux{n}",
        "description": f"Marker-persona-{n} likes tea.",
        "attributes": {"politics": ("left", "right")[n % 2], "country": ("NZ", "PE", "CH")[n % 3]},
        "preferences": {"concise": 1.0, "warm": 0.5} if n % 2 else {"detailed": 1.0, "formal": 0.6},
    }
    for n in range(12)
]
QUESTIONS = [
    {"id": f"q{n}", "prompt": f"Marker-task-{n}: what shall I do?", "topic": ("home", "work")[n % 2]} for n in range(4)
]


def crowd(path: Path, **keys: Any) -> Path:
    data = {"name": "crowd", "seed": 5, "epochs": 2, "turns": 1, "personas": CROWD, "tasks": QUESTIONS, **keys}
    file = path / "crowd.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


def resolved(path: Path, **keys: Any) -> ExperimentConfig:
    return load_experiment(crowd(path, **keys))


def ids(items: Any) -> list[str]:
    return [item.id for item in items]


# --- what is held out


@pytest.mark.parametrize(("share", "count"), [(0.25, 3), (0.01, 1), (0.5, 6), (0.99, 11)])
def test_a_share_is_rounded_up_and_leaves_somebody(tmp_path: Path, share: float, count: int) -> None:
    config = resolved(tmp_path, holdout={"personas": share})
    people, tasks = config.held_out
    assert len(people) == count
    assert len(config.train_personas) == 12 - count
    assert not set(ids(people)) & set(ids(config.train_personas))
    assert tasks == config.tasks.inline == config.train_tasks  # no task is held out: all serve


def test_a_share_is_stratified_by_attributes_and_topic(tmp_path: Path) -> None:
    for seed in range(10):
        config = resolved(tmp_path, seed=seed, holdout={"personas": 0.5, "tasks": 0.5})
        people, tasks = config.held_out
        assert Counter(person.attributes["politics"] for person in people) == {"left": 3, "right": 3}
        assert Counter(person.attributes["country"] for person in people) == {"NZ": 2, "PE": 2, "CH": 2}
        assert Counter(task.topic for task in tasks) == {"home": 1, "work": 1}


def test_a_share_is_drawn_with_the_seed(tmp_path: Path) -> None:
    drawn = [ids(resolved(tmp_path, seed=seed, holdout={"personas": 0.25}).held_out[0]) for seed in (*range(8), 0)]
    assert drawn[0] == drawn[-1]
    assert len(set(map(tuple, drawn))) > 1


def test_ids_can_be_named_and_a_saved_run_keeps_them(tmp_path: Path) -> None:
    keys = {"holdout": {"personas": ["p3", "p1"], "tasks": ["q2"]}}
    config = resolved(tmp_path, **keys)
    assert [ids(kept) for kept in config.held_out] == [["p1", "p3"], ["q2"]]
    assert scai("run", crowd(tmp_path, epochs=1, **keys), "--quiet").code == 0
    saved = load_experiment(tmp_path / "runs" / "crowd" / "config.yaml")
    assert saved.held_out == config.held_out


@pytest.mark.parametrize(
    ("holdout", "said"),
    [
        ({"personas": ["p99"]}, "holdout.personas.0: there is no persona 'p99' in this experiment; did you mean 'p9'?"),
        ({"tasks": ["q0", "tea"]}, "holdout.tasks.1: there is no task 'tea' in this experiment"),
        ({"personas": [f"p{n}" for n in range(12)]}, "holdout.personas: holds out all personas; leave some"),
        ({"personas": 1}, "holdout.personas"),
        ({"tasks": -0.1}, "holdout.tasks"),
        ({"people": 0.5}, "holdout.people"),
    ],
)
def test_what_cannot_be_held_out_is_said_in_one_line(tmp_path: Path, holdout: dict[str, Any], said: str) -> None:
    found = scai("check", crowd(tmp_path, holdout=holdout))
    assert found.code == 2
    assert len(found.lines) == 1
    assert said in found.err


def test_a_clause_of_the_start_is_for_nobody_held_out(tmp_path: Path) -> None:
    keys = {"holdout": {"personas": ["p1"]}, "constitution": {"contract": [{"text": "Be kind.", "for": ["p1"]}]}}
    found = scai("check", crowd(tmp_path, **keys))
    assert (found.code, "unknown persona 'p1' in the contract" in found.err) == (2, True)


# --- nobody sees it


@pytest.mark.parametrize("strategy", ["rewrite", "grounded"])
@pytest.mark.parametrize("acceptance", ["improves", "ratify"])
def test_what_is_held_out_is_in_no_call_before_the_proof(tmp_path: Path, strategy: str, acceptance: str) -> None:
    keys = {
        "revision": {"strategy": strategy, "acceptance": acceptance, "candidates": 2},
        "ratings": {"cross_raters": 1},
        "holdout": {"personas": 0.25, "tasks": 0.25},
        "personas": {"inline": CROWD[:8], "per_epoch": 4},
        "tasks": {"inline": QUESTIONS, "per_epoch": 2},
    }
    file = crowd(tmp_path, **keys)
    people, tasks = load_experiment(file).held_out
    secrets = [text for p in people for text in (p.name, p.description, f"/{p.id}/")]
    secrets += [text for task in tasks for text in (task.prompt, f"/{task.id}/")]
    assert scai("run", file, "--quiet").code == 0
    run = tmp_path / "runs" / "crowd"
    made = calls(run)
    before = [json.dumps(call, ensure_ascii=False) for call in made if not call["id"].startswith("holdout/")]
    held_out = [json.dumps(call, ensure_ascii=False) for call in made if call["id"].startswith("holdout/")]
    assert len(before) > 20
    assert not [(secret, line[:80]) for secret in secrets for line in before if secret in line]
    assert all(any(secret in line for line in held_out) for secret in secrets)  # the test would see it
    started = [event["epoch"] for event in events(run) if event["type"] == "epoch_started"]
    assert started[:2] == [1, 2]
    last = max(n for n, call in enumerate(made) if not call["id"].startswith("holdout/"))
    assert last < min(n for n, call in enumerate(made) if call["id"].startswith("holdout/"))


# --- the comparison at the end


def holdout_event(told: list[dict[str, Any]]) -> dict[str, Any]:
    [event] = [event for event in told if event["type"] == "holdout"]
    return event


def test_first_and_last_are_compared_on_new_users_and_new_tasks(tmp_path: Path) -> None:
    people = [*PEOPLE, {"id": "x1", "name": "Xi One"}, {"id": "x2", "name": "Xi Two"}]
    told = ran(
        tmp_path,
        {"e1/revision": anew((None, "Serve them."))},
        personas=people,
        tasks=[*TASKS, {"id": "new", "prompt": "What is new?"}],
        ratings=NO_CROSS,
        epochs=2,
        holdout={"personas": ["x1", "x2"], "tasks": ["new"]},
    )
    event = holdout_event(told)
    assert (event["first_version"], event["last_version"]) == (0, 1)
    assert (event["personas"], event["tasks"]) == (["x1", "x2"], ["new"])
    assert event["first"] == event["last"] == {"x1": 0.5, "x2": 0.5}
    assert event["difference"]["estimate"] == 0
    made = [call["id"] for call in calls(tmp_path / "runs" / "t") if call["id"].startswith("holdout/")]
    assert sorted(made) == sorted(
        f"holdout/~{name}/{who}/new/{place}"
        for name in ("first", "last")
        for who in ("x1", "x2")
        for place in ("m0/user", "m1/assistant", "m2/user")
        if (name, place) != ("last", "m0/user")
    )
    seeds = {call["id"].replace("~first", "~last"): call["request"]["seed"] for call in calls(tmp_path / "runs" / "t")}
    for call in calls(tmp_path / "runs" / "t"):
        assert seeds[call["id"].replace("~first", "~last")] == call["request"]["seed"]


def test_the_difference_is_paired_and_says_for_whom_it_holds(tmp_path: Path) -> None:
    # new tasks for the users that the clauses are for
    told = ran(
        tmp_path,
        {"e1/revision": clauses(9, 9, 3)},
        tasks=MANY,
        ratings=NO_CROSS,
        holdout={"tasks": ["sleep", "t3", "t4"]},
    )
    event = holdout_event(told)
    assert event["personas"] == ["ann", "bob", "cid"]
    assert event["first"] == {"ann": 0.5, "bob": 0.5, "cid": 0.5}
    assert event["last"] == {"ann": 0.9, "bob": 0.9, "cid": 0.3}
    assert event["first_cells"] == [[0.5] * 3] * 3
    assert event["last_cells"] == [[0.9] * 3, [0.9] * 3, [0.3] * 3]
    difference = event["difference"]
    assert difference["estimate"] == pytest.approx((0.4 + 0.4 - 0.2) / 3)
    assert (difference["estimand"], difference["people"], difference["tasks"]) == ("new tasks", 3, 3)
    assert event["first_values"]["rawlsian"] == 0.5
    assert event["last_values"]["utilitarian"] == pytest.approx(0.7)
    assert event["missing"] == 0


@pytest.mark.parametrize(("count", "is_known"), [(3, False), (4, True)])
def test_an_interval_for_new_people_takes_four_of_them(tmp_path: Path, count: int, is_known: bool) -> None:
    """The ratings of the simulated society vary."""
    held = CROWD[2 : 2 + count]
    file = crowd(tmp_path, epochs=1, personas=[*CROWD[:2], *held], holdout={"personas": [p["id"] for p in held]})
    assert scai("run", file, "--quiet").code == 0
    difference = holdout_event(events(tmp_path / "runs" / "crowd"))["difference"]
    assert (difference["estimand"], difference["people"], difference["tasks"]) == ("new people", count, 4)
    assert (difference["low"] is not None) is (difference["high"] is not None) is is_known


def test_rules_for_others_change_nothing_for_the_people_held_out(tmp_path: Path) -> None:
    keys = {"tasks": TASKS, "holdout": {"personas": ["cid"]}, "ratings": NO_CROSS}
    for_ann, for_all = anew(contract=((None, "Be kind.", "ann"),)), anew((None, "Be kind."))
    for name, rules, reached in (("one", for_ann, False), ("two", for_all, True)):
        file = experiment(tmp_path, {"e1/revision": rules}, **keys)
        assert scai("run", file, "--quiet", "--run-id", name).code == 0
        shown = " ".join(scai("show", name).out.split())
        assert (
            "Held out, without a part in the rules: 1 person simulated by scripted:connect, with the same 2 tasks"
            in shown
        )
        assert (": no rule applies to them" in shown) is not reached


@pytest.mark.parametrize(
    "meta",
    [{}, {"e1/revision": anew(("P1", "Be brief."), contract=((None, "Be kind.", "ann"),))}],
    ids=["nothing adopted", "a clause for others"],
)
def test_a_rule_that_stays_is_the_same_rule_and_not_none(tmp_path: Path, meta: dict[str, Any]) -> None:
    keys = {"constitution": {"principles": ["Be brief."]}, "holdout": {"personas": ["cid"]}, "ratings": NO_CROSS}
    told = ran(tmp_path, meta, tasks=TASKS, **keys)
    assert holdout_event(told)["last_version"] == len(meta)
    shown = " ".join(scai("show", "t").out.split())
    assert ": the same rules apply to them" in shown
    assert "no rule applies to them" not in shown
    found = scai("show", "t", "--json").json["holdout"]
    assert (found["reason"], found["difference"]["verdict"]) == ("the same rules apply to them", "one constitution")
    assert found["people"]["cid"]["verdict"] == "cannot tell"
    assert scai("report", "t", "-o", str(tmp_path / "page.html")).code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert ": the same rules apply to them." in page
    assert "no rule applies to them" not in page
    assert "(utility), mean over" not in page  # no table of changes: nothing could change


def test_the_json_has_the_change_of_each_person_held_out_over_the_tasks_rated_on_both_sides(tmp_path: Path) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    keys = {"tasks": MANY, "ratings": NO_CROSS, "luck": 0.5, "max_failures": 1}
    held = {"holdout": {"tasks": ["sleep", "t3", "t4"]}}
    script = [failing("~last/ann/sleep", trouble)]
    event = holdout_event(ran(tmp_path, {"e1/revision": clauses(9, 9, 3)}, script, **keys, **held))
    found = scai("show", "t", "--json").json["holdout"]
    assert event.keys() - {"seq", "time", "type", "id"} <= found.keys()
    assert found["reason"] is None
    difference = found["difference"]
    assert {key: difference[key] for key in event["difference"]} == pytest.approx(event["difference"])
    assert difference["verdict"] == ("higher" if difference["low"] > 0 else "no change beyond chance")
    ann, cid = found["people"]["ann"], found["people"]["cid"]
    assert ann["before"] == pytest.approx(sum(event["first_cells"][0][1:]) / 2)  # without `sleep`
    assert ann["after"] == pytest.approx(sum(event["last_cells"][0][1:]) / 2)
    assert ann["estimate"] == pytest.approx(ann["after"] - ann["before"])
    assert (ann["verdict"], ann["tasks"], ann["people"]) == ("gained", 2, 1)
    assert ann["low"] < ann["estimate"] < ann["high"]
    assert (cid["verdict"], cid["tasks"], cid["estimand"]) == ("lost", 3, "these people and tasks again")
    shown = " ".join(scai("show", "t").out.split())
    assert "95 % intervals of single people: the same 3 people and 3 tasks again, valid together" in shown


def test_a_constitution_that_has_not_changed_is_played_once(tmp_path: Path) -> None:
    told = ran(tmp_path, holdout={"tasks": ["sleep"]}, tasks=TASKS)
    assert holdout_event(told)["difference"]["estimate"] == 0
    assert not [call for call in calls(tmp_path / "runs" / "t") if "~last" in call["id"]]


def test_the_product_is_what_is_proved(tmp_path: Path) -> None:
    meta = {"e1/revision": clauses(8, 8, 8), "e2/revision": clauses(2, 2, 2)}
    keys = {"epochs": 3, "ratings": NO_CROSS, "tasks": TASKS, "holdout": {"tasks": ["sleep"]}}
    assert holdout_event(ran(tmp_path, meta, revision={"best_so_far": True}, **keys))["last_version"] == 1
    assert holdout_event(ran(tmp_path, meta, **keys))["last_version"] == 2


def test_what_fails_in_the_proof_is_a_problem_and_stays_so(tmp_path: Path) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    keys = {"tasks": TASKS, "holdout": {"tasks": ["sleep"]}, "ratings": NO_CROSS, "max_failures": 1}
    script = [failing("~last/ann", trouble)]
    file = experiment(tmp_path, {"e1/revision": clauses(9, 9, 9)}, script, **keys)
    assert scai("run", file, "--quiet").code == 0
    run = tmp_path / "runs" / "t"
    told = events(run)
    assert [e["id"] for e in told if e["type"] == "problem"] == ["holdout/~last/ann/sleep/m1/assistant"]
    assert holdout_event(told)["last"] == {"ann": None, "bob": 0.9, "cid": 0.9}
    assert holdout_event(told)["difference"]["estimate"] == pytest.approx(0.4)  # over bob and cid alone
    assert holdout_event(told)["missing"] == 1
    take_back(run, "run_finished")
    trouble.unlink()
    assert scai("resume", "t", "--trust", "--quiet").code == 0
    assert [bare(e) for e in events(run)] == [bare(e) for e in told]


def test_a_run_taken_up_again_in_the_proof_comes_to_equal_events(tmp_path: Path) -> None:
    keys = {"holdout": {"personas": 0.25, "tasks": 0.25}, "revision": {"acceptance": "improves"}}
    file = crowd(tmp_path, personas=CROWD[:6], **keys)
    assert scai("run", file, "--quiet").code == 0
    made = calls(tmp_path / "runs" / "crowd")
    compared = sum(call["id"].startswith("holdout/") for call in made)
    assert compared
    assert (
        scai("run", file, "--quiet", "--run-id", "again", "--set", f"limits.calls={len(made) - compared // 2}").code
        == 3
    )
    assert scai("resume", "again", "--quiet", "--set", "limits.calls=null").code == 0
    first, again = (events(tmp_path / "runs" / name) for name in ("crowd", "again"))
    assert sorted(str({**bare(e), "run_id": ""}) for e in first) == sorted(
        str({**bare(e), "run_id": ""}) for e in again
    )
    assert len(calls(tmp_path / "runs" / "again")) == len(made)


# --- the plan


@pytest.mark.parametrize("acceptance", ["improves", "ratify"])
def test_the_plan_counts_the_proof_and_the_ballots(tmp_path: Path, acceptance: str) -> None:
    keys = {"revision": {"acceptance": acceptance}, "holdout": {"personas": 0.25, "tasks": 0.25}, "personas": CROWD[:8]}
    file = crowd(tmp_path, **keys)
    planned = scai("plan", file, "--json").json["calls"]
    assert scai("run", file, "--quiet", "--json").json["calls"] == planned["total"]


@pytest.mark.slow
def test_a_plan_that_is_scaled_up_knows_who_is_held_out(tmp_path: Path) -> None:
    many = [{"id": f"p{n}", "description": f"Number {n} likes tea."} for n in range(60)]
    keys = {"personas": many, "holdout": {"personas": [f"p{n}" for n in range(20)]}, "ratings": {"cross_raters": 1}}
    file = crowd(
        tmp_path,
        epochs=40,
        turns=3,
        revision={"strategy": "rewrite", "acceptance": "always", "max_prompt_tokens": 5000},
        **keys,
    )
    planned = scai("plan", file, "--json").json
    assert not planned["whole"]
    assert planned["calls"]["assistant"] == 3 * 4 * ((40 + 1) * 40 + 2 * 20)
    assert planned["calls"]["meta"] == 40
    assert planned["by_role"]["meta"]["input"] <= 40 * 5000
