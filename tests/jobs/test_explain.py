"""`scai explain`: what each rule rests on, who gains and who loses by it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, scai
from scripted import Line, failing, no_form
from scripted_runs import MANY, NO_CROSS, PEOPLE, TASKS, edit, experiment
from terminal import Terminal

RULES = [
    edit(
        "add", text="Shared: ann comes first.", reason="one asked", evidence=["e1/ann/tea/m2", "e1/bob/tea/cross/cid"]
    ),
    edit("add", text="x ann=9", **{"for": ["ann"]}),
    edit("add", text="x bob=2", **{"for": ["bob"]}),
    edit("add", text="x bob=2 is said twice", **{"for": ["bob"]}),
    edit("add", text="x cid=5", **{"for": ["cid"]}),
]

EDITS = {"strategy": "grounded", "quorum": 0}
"""Edits as the script has them."""


def finished_run(path: Path, /, script: Sequence[Line] = (), **keys: Any) -> Path:
    """A run whose constitution is known to have P1 (nothing), C1 (ann gains), C2, C3 (bob loses), C4 (nothing)."""
    rules = [{**RULES[0], "text": "Be kind."}, *RULES[1:]]
    common = {"ratings": NO_CROSS, "revision": EDITS, "opening": "task", **keys}
    file = experiment(path, {"e1/revision": {"critique": "c", "edits": rules}}, script, **common)
    assert scai("run", file, "--quiet").code == 0
    return path / "runs" / "t"


def explained(*arguments: object) -> Any:
    found = scai("explain", "t", "--trust", "--json", *arguments)
    assert found.code == 0, found.err
    return found.json


def test_a_reworded_rule_is_not_from_the_start(tmp_path: Path) -> None:
    start = {"principles": ["Be kind."], "contract": [{"text": "x ann=9 at last", "for": ["ann"]}]}
    reworded = [edit("modify", id="C1", text="x ann=9 at once")]
    file = experiment(
        tmp_path,
        {"e1/revision": {"critique": "c", "edits": reworded}},
        constitution=start,
        ratings=NO_CROSS,
        revision=EDITS,
    )
    assert scai("run", file, "--quiet").code == 0
    principle, clause = explained()["rules"]
    assert (principle["reworded"], clause["reworded"]) == (None, {"epoch": 1, "before": "x ann=9 at last"})
    shown = " ".join(scai("explain", "t", "--trust").out.split())
    assert "x ann=9 at once reworded after epoch 1 · mean of all (utilitarian): " in shown
    assert "x ann=9 at [-last-] {+once+}" in shown
    assert "P1 Be kind. from the start · " in shown


EIGHT = ("--set", "limits.calls=160")  # rounds of 20 calls: 2 of a conversation, and of each rule that concerns it


def test_who_gains_by_each_rule_and_what_luck_explains_is_not_named(tmp_path: Path) -> None:
    finished_run(tmp_path, luck=0.5, ratings={"cross_weight": 0, "cross_raters": 0})
    found = explained(*EIGHT)
    assert (found["run_id"], found["version"], found["rounds"]) == ("t", 1, 8)
    assert found["welfare"] == {"function": "utilitarian", "value": pytest.approx((0.9 + 0.2 + 0.5) / 3, abs=0.03)}
    rules = {rule["id"]: rule for rule in found["rules"]}
    assert list(rules) == ["P1", "C1", "C2", "C3", "C4"]
    [(person, effect)] = rules["C1"]["people"].items()
    assert (person, effect["verdict"], effect["effect"]) == ("ann", "gains", pytest.approx(0.4, abs=0.05))
    assert effect["p"] < 0.001
    assert rules["C1"]["effect"]["low"] < 0.4 / 3 < rules["C1"]["effect"]["high"]
    assert rules["C1"]["effect"]["estimand"] == "these people and tasks again"
    # P1 says nothing to them; C2 and C3 say the same, so that neither is missed; cid rates 5 without C4, too.
    assert {name: (rule["gains"], rule["loses"]) for name, rule in rules.items()} == {
        "P1": ([], []),
        "C1": (["ann"], []),
        "C2": ([], []),
        "C3": ([], []),
        "C4": ([], []),
    }
    assert {one["verdict"] for one in rules["P1"]["people"].values()} == {"cannot tell"}
    assert list(rules["P1"]["people"]) == ["ann", "bob", "cid"]
    assert rules["P1"]["kind"] == "principle"
    assert (rules["C1"]["kind"], rules["C1"]["for"], rules["C1"]["since"]) == ("clause", ["ann"], 1)
    shown = " ".join(scai("explain", "t", "--trust", *EIGHT).out.split())
    assert "gains: Ann Smith +0." in shown
    assert "cannot tell from luck: Ann Smith, Bob Jones, Cid Brown" in shown
    assert "loses" not in shown


def test_a_rule_that_hurts_those_who_asked_for_it_is_said(tmp_path: Path) -> None:
    asked = {"for": ["bob"], "evidence": ["e1/bob/tea/m2"]}
    rules = [edit("add", text="x bob=2", **asked), edit("add", text="x cid=1", **{"for": ["cid"]})]
    file = experiment(
        tmp_path,
        {"e1/revision": {"critique": "c", "edits": rules}},
        luck=0.5,
        ratings={"cross_weight": 0, "cross_raters": 0},
        revision=EDITS,
    )
    assert scai("run", file, "--quiet").code == 0
    bobs, cids = explained(*EIGHT)["rules"]
    assert (bobs["loses"], bobs["asked"], bobs["hurts_its_own"]) == (["bob"], ["bob"], ["bob"])
    assert (cids["loses"], cids["asked"], cids["hurts_its_own"]) == (["cid"], [], ["cid"])
    shown = " ".join(scai("explain", "t", "--trust", *EIGHT).out.split())
    hurts = "It hurts people that it is for or who asked for it: Bob Jones asked for by Bob Jones"
    assert re.search(rf"loses: Bob Jones -0\.[23]\d\d {hurts}", shown)


def test_the_same_ratings_in_each_round_show_no_luck_to_compare_with(tmp_path: Path) -> None:
    finished_run(tmp_path, ratings={"cross_weight": 0})
    [effect] = explained(*EIGHT)["rules"][1]["people"].values()
    assert effect == {"effect": pytest.approx(0.4), "p": None, "verdict": "cannot tell"}


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_a_rule_without_effect_is_never_named_and_one_with_an_effect_is(tmp_path: Path, seed: int) -> None:
    """The simulated assistant recognises nothing in the first rule, and a wish of ann in the second."""
    file = experiment(
        tmp_path,
        personas=[
            {"id": "ann", "preferences": {"concise": 1.0}},
            {"id": "bob", "preferences": {"warm": 1.0}},
            {"id": "cid", "preferences": {"names_source": 1.0}},
        ],
        tasks=TASKS,
        seed=seed,
        model={"provider": "simulated"},
        constitution={"principles": ["Sit where the window is.", "Keep it short."]},
        revision={"acceptance": "improves", "margin": 1},
    )
    assert scai("run", file, "--quiet").code == 0
    found = scai("explain", "t", "--json").json
    assert (found["rounds"], found["budget"]) == (8, None)  # the simulated society costs nothing
    nothing, brief = found["rules"]
    assert (nothing["gains"], nothing["loses"], len(nothing["people"])) == ([], [], 3)
    assert "ann" in brief["gains"]


@pytest.mark.slow
def test_evidence_is_quoted(tmp_path: Path) -> None:
    finished_run(tmp_path, ratings={})
    [principle, *clauses] = explained("--set", "limits.calls=80")["rules"]
    assert principle["evidence"] == [
        {"id": "e1/ann/tea/m2", "who": "ann", "text": "ann says so"},
        {"id": "e1/bob/tea/cross/cid", "who": "cid", "text": "so it is"},
    ]
    assert principle["asked"] == ["ann", "cid"]
    assert all(clause["evidence"] == [] for clause in clauses)
    shown = scai("explain", "t", "--trust", "--set", "limits.calls=80").out
    assert "“ann says so” (Ann Smith, e1/ann/tea/m2)" in shown
    assert "asked for by Ann Smith and Cid Brown" in shown


def test_a_clause_is_left_out_only_where_it_is_spoken_of(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    explained("--set", "limits.calls=40")
    made = {call["id"].rsplit("/", 3)[0] for call in calls(run / "explain")}
    variants = {
        *(f"~whole/{who}" for who in ("ann", "bob", "cid")),
        *(f"~P1/{who}" for who in ("ann", "bob", "cid")),
        *("~C1/ann", "~C2/bob", "~C3/bob", "~C4/cid"),
    }
    assert made == {f"explain/r{number}/{variant}" for number in (1, 2) for variant in variants}
    seeds: dict[str, set[int]] = {}
    for call in calls(run / "explain"):
        _, number, _, *place = call["id"].split("/")
        seeds.setdefault("/".join([number, *place]), set()).add(call["request"]["seed"])
    assert all(len(same) == 1 for same in seeds.values())  # the variants of a round have the same luck
    assert len({seed for same in seeds.values() for seed in same}) == len(seeds)  # and each round has other luck


@pytest.mark.slow
def test_a_second_call_costs_nothing_and_the_run_is_not_touched(tmp_path: Path) -> None:
    run = finished_run(tmp_path, luck=1)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    within = ("--set", "limits.calls=60")
    first, shown = explained(*within), scai("explain", "t", "--trust", *within).out
    assert first["calls"] == 3 * 2 * (3 + 3 + 4) == len(calls(run / "explain"))
    assert "3 of 3 conversations, with and without each rule, 3 times (60 calls, budget 60)" in shown
    assert (explained(*within), scai("explain", "t", "--trust", *within).out) == (first, shown)
    assert len(calls(run / "explain")) == 60
    assert {path: path.read_bytes() for path in before} == before
    made = {path.name for path in run.rglob("*") if path.is_file() and path not in before}
    assert made == {".lock", "calls.jsonl", "result.json"}
    assert scai("list", "--json").json[0]["run_id"] == "t"


@pytest.mark.parametrize("end", [0, 7, 39])
def test_an_explanation_that_was_interrupted_goes_on(tmp_path: Path, end: int) -> None:
    run = finished_run(tmp_path, luck=1)
    within = ("--set", "limits.calls=40")  # all of them are used
    whole = explained(*within)
    kept = run / "explain" / "result.json"
    result = kept.read_bytes()
    kept.unlink()
    log = run / "explain" / "calls.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(lines) == whole["calls"] == 40
    log.write_bytes(b"".join(lines[:end]) + lines[end][: end * 9])
    assert explained(*within) == whole
    assert len(calls(run / "explain")) == 40
    assert kept.read_bytes() == result


@pytest.mark.slow
def test_calls_of_other_limits_and_answers_without_use_are_counted_as_if_undisturbed(tmp_path: Path) -> None:
    run = finished_run(tmp_path, [no_form("explain/r1/~C2/bob/tea/m2/user")])
    within = ("--set", "limits.calls=90")
    wide = explained(*within)
    assert wide["calls"] == 4 * 20 + 2 == len(calls(run / "explain"))  # two more attempts at a form
    narrow = explained("--set", "limits.calls=30")
    (run / "explain" / "calls.jsonl").unlink()
    assert explained("--set", "limits.calls=30") == narrow
    assert narrow["calls"] < wide["calls"]
    assert explained(*within) == wide


@pytest.mark.slow
def test_a_short_budget_samples_evenly_and_says_so(tmp_path: Path) -> None:
    tasks = [*TASKS, {"id": "third", "prompt": "Third?"}]
    run = finished_run(tmp_path, tasks=tasks)
    # ann costs 2 calls x (whole, P1, C1), bob 2 x 4, cid 2 x 3: a task of all three is 20, twice
    found = explained("--set", "limits.calls=90")
    assert (found["rounds"], found["played"]["conversations"], found["played"]["of"]) == (2, 6, 9)
    assert found["calls"] == len(calls(run / "explain")) == 80
    who = [call["id"].split("/")[3] for call in calls(run / "explain") if "~whole" in call["id"]]
    assert sorted(who) == sorted(["ann", "bob", "cid"] * 8)
    assert "6 of 9 conversations" in scai("explain", "t", "--trust", "--set", "limits.calls=90").out
    more = explained("--set", "limits.calls=130")
    assert (more["rounds"], more["played"]["conversations"]) == (2, 9)
    assert more["calls"] == len(calls(run / "explain")) == 120  # what was played stays played


def test_a_persona_that_was_not_played_has_no_effect_not_zero(tmp_path: Path) -> None:
    finished_run(tmp_path)
    found = explained("--set", "limits.calls=16")
    assert (found["played"]["conversations"], found["rounds"]) == (1, 2)
    named = [person for rule in found["rules"] for person in rule["people"]]
    assert named
    assert len(set(named)) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["--set", "limits.calls=5"],
            2,
            "--set limits.calls=5: one conversation with and without each rule, twice, takes",
        ),
        (["--users", "ann", "bobb"], 2, "--users: 'bobb' took no part in run 't'; did you mean 'bob'?"),
        (["--set", "limits.calls=0"], 2, "--set limits.calls: limits.calls: must be greater than or equal to 1"),
        (
            ["--set", "turns=3"],
            2,
            "--set: turns cannot be changed here; --set takes limits, prices and model addresses",
        ),
    ],
)
def test_what_cannot_be_explained_is_said_in_one_line(
    tmp_path: Path, arguments: list[object], code: int, said: str
) -> None:
    finished_run(tmp_path)
    found = scai("explain", "t", "--trust", *arguments)
    assert (found.code, said in found.err) == (code, True), found.err


# --- before it pays


@pytest.mark.parametrize("limit", [45, 100])
def test_a_dry_run_says_how_many_calls_are_made_and_makes_none(tmp_path: Path, limit: int) -> None:
    run = finished_run(tmp_path)
    within = ("--set", f"limits.calls={limit}")
    dry = scai("explain", "t", "--trust", "--dry-run", *within)
    planned = scai("explain", "t", "--trust", "--dry-run", "--json", *within).json
    assert not (run / "explain").exists()
    found = explained(*within)
    made, rounds = found["calls"], limit // 20
    assert planned == {"calls": made, "to_pay": made, "conversations": 3, "rounds": rounds}
    times = f"3 conversations with and without each rule, {rounds} times"
    assert (dry.code, dry.out) == (0, f"{made} calls, {made} of them to pay: {times}\n")
    assert scai("explain", "t", "--trust", "--dry-run", *within).out == f"{made} calls, 0 of them to pay: {times}\n"
    assert len(calls(run / "explain")) == found["calls"]


@pytest.fixture
def provider_for_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes find the scripted provider, too."""
    support = Path(__file__).parents[1] / "support"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(support), os.environ.get("PYTHONPATH", "")]))


@pytest.mark.slow
@pytest.mark.usefixtures("provider_for_processes")
def test_more_than_500_paid_calls_are_confirmed_at_a_terminal(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    with Terminal("explain", "t", "--trust") as terminal:
        terminal.sees("This makes 1,000 paid calls. Continue? [y/N]:")
        terminal.types("n\n")
        assert terminal.ends() == 0
    assert not (run / "explain").exists()
    with Terminal("explain", "t", "--trust", "--set", "limits.calls=500") as terminal:  # no more than 500
        terminal.sees("25 times (500 calls")
        assert terminal.ends() == 0
    assert "Continue?" not in terminal.shown
    with Terminal("explain", "t", "--trust", "--set", "limits.calls=1020") as terminal:  # 500 of them are paid already
        terminal.sees("This makes 520 paid calls. Continue? [y/N]:")
        terminal.types("y\n")
        terminal.sees("51 times (1,020 calls")
        assert terminal.ends() == 0
    assert len(calls(run / "explain")) == 1020


def test_an_empty_constitution_is_not_played_again_and_again(tmp_path: Path) -> None:
    assert scai("run", experiment(tmp_path, ratings=NO_CROSS), "--quiet").code == 0
    assert explained("--dry-run") == {"calls": 3 * 3, "to_pay": 3 * 3, "conversations": 3, "rounds": 1}


# --- what is kept, in the report


def report(path: Path) -> str:
    assert scai("report", "t", "-o", path / "page.html").code == 0
    page = (path / "page.html").read_text(encoding="utf-8")
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_report_shows_who_gains_and_loses_who_asked_and_whom_a_rule_hurts(tmp_path: Path) -> None:
    rules = [
        edit("add", text="x ann=9", **{"for": ["ann"]}),
        edit("add", text="x bob=2", **{"for": ["bob"], "evidence": ["e1/bob/tea/m2", "e1/ann/tea/m2"]}),
        edit("add", text="Be kind."),
    ]
    keys = {"ratings": {"cross_weight": 0, "cross_raters": 0}, "revision": EDITS, "luck": 0.5}
    file = experiment(tmp_path, {"e1/revision": {"critique": "c", "edits": rules}}, **keys)
    assert scai("run", file, "--quiet").code == 0
    before = report(tmp_path)
    assert "Effect on" not in before
    assert "The effect of each rule is not measured: scai explain t measures it." in before
    found = explained(*EIGHT)
    effects = {rule["id"]: {who: one["effect"] for who, one in rule["people"].items()} for rule in found["rules"]}
    shown = report(tmp_path)
    assert f"; gains: Ann Smith {effects['C1']['ann']:+.3f}." in shown
    assert f"; loses: Bob Jones {effects['C2']['bob']:+.3f}." in shown
    assert "; cannot tell for 3 people." in shown  # the principle
    assert "It hurts people that it is for or who asked for it: Bob Jones." in shown
    assert "Played again with and without each rule, these have an effect beyond chance" in shown
    assert "for Ann Smith: x ann=9 helps Ann Smith" in shown
    assert "for Bob Jones: x bob=2 hurts Bob Jones" in shown
    assert "is not measured" not in shown
    assert "Asked for by Bob Jones and Ann Smith: “bob says so” (Bob Jones)" in shown
    assert shown.count("Asked for by") == 1


@pytest.mark.slow
def test_a_kept_result_that_is_not_of_this_constitution_is_not_shown(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    explained("--set", "limits.calls=40")
    kept = run / "explain" / "result.json"
    assert "Effect on" in report(tmp_path)
    text = kept.read_text(encoding="utf-8")
    another = {"damaged": ('"rules"', '"rul'), "form": ('"rounds":', '"laps":'), "constitution": ("x ann=9", "x ann=8")}
    for how in (*another, "huge", "a folder"):
        if how == "a folder":
            kept.unlink()
            kept.mkdir()
        elif how == "huge":
            with kept.open("ab") as file:
                file.truncate(2**26 + 1)
        else:
            kept.write_text(text.replace(*another[how], 1), encoding="utf-8")
        assert "Effect on" not in report(tmp_path), how
        assert scai("show", "t").code == 0, how


def test_code_of_others_is_not_loaded_unasked(tmp_path: Path) -> None:
    finished_run(tmp_path)
    found = scai("explain", "t")
    assert (found.code, "add --trust to load it" in found.err) == (2, True)


def test_an_unfinished_run_is_not_explained(tmp_path: Path) -> None:
    assert scai("run", experiment(tmp_path), "--quiet", "--set", "limits.calls=3").code == 3
    (tmp_path / "runs").rename(tmp_path / "other runs")
    found = scai("explain", "t", "--trust", "--runs-dir", "other runs")
    assert (found.code, "continue it with `scai resume 'other runs/t'` first" in found.err) == (2, True)


def test_answers_asked_for_again_count_towards_the_budget(tmp_path: Path) -> None:
    run = finished_run(tmp_path, [no_form("explain/.*user")])
    found = scai("explain", "t", "--trust", "--set", "limits.calls=20")
    assert found.code == 3
    assert "limits.calls: reached, 20 of 20 used and the next call would not fit; answers so far are kept" in found.err
    assert len(calls(run / "explain")) == 20
    assert scai("explain", "t", "--trust", "--set", "limits.calls=21").code == 3
    assert len(calls(run / "explain")) == 21


def test_calls_of_earlier_versions_do_not_use_up_the_limit(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    within = ("--set", "limits.calls=40")
    explained(*within)
    log = run / "explain" / "calls.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"explain/r1/', b'"explain/').replace(b'"explain/r2/', b'"explain/'))
    assert explained(*within)["calls"] == 40
    assert len(calls(run / "explain")) == 80


@pytest.mark.parametrize("function", ["utilitarian", "rawlsian"])
def test_the_rounds_show_how_sure_the_effect_on_one_person_in_one_task_is(tmp_path: Path, function: str) -> None:
    """There is nobody else, so that the effect on the group is that on the person."""
    file = experiment(
        tmp_path,
        {"e1/revision": {"critique": "c", "edits": [edit("add", text="x ann=9", **{"for": ["ann"]})]}},
        personas=PEOPLE[:1],
        tasks=TASKS[:1],
        luck=0.5,
        welfare=function,
        revision=EDITS,
    )
    assert scai("run", file, "--quiet").code == 0
    [rule] = explained("--set", "limits.calls=32")["rules"]
    assert rule["gains"] == ["ann"]
    assert 0 < rule["effect"]["low"] < rule["effect"]["estimate"] < rule["effect"]["high"]
    assert rule["effect"]["estimate"] == pytest.approx(rule["people"]["ann"]["effect"])
    assert (rule["effect"]["people"], rule["effect"]["tasks"], rule["effect"]["level"]) == (1, 1, 0.95)


def test_an_empty_constitution_is_explained_as_such(tmp_path: Path) -> None:
    assert scai("run", experiment(tmp_path, ratings=NO_CROSS), "--quiet").code == 0
    assert explained()["rules"] == []
    assert "The constitution is empty." in scai("explain", "t", "--trust").out


@pytest.mark.slow
def test_calls_that_fail_are_told_and_leave_gaps(tmp_path: Path) -> None:
    finished_run(tmp_path, [failing("~C1/ann")])
    found = explained("--set", "limits.calls=40")
    assert found["played"]["failed"] == 2
    assert {rule["id"]: list(rule["people"]) for rule in found["rules"]}["C1"] == []
    assert "2 calls failed" in scai("explain", "t", "--trust", "--set", "limits.calls=40").out


def test_rules_that_pull_two_users_apart(tmp_path: Path) -> None:
    """A principle that the simulated ann (short) wants and bob (long) minds, and one that both want."""
    people = [
        {"id": "ann", "preferences": {"concise": 1.0, "warm": 1.0}},
        {"id": "bob", "preferences": {"detailed": 1.0, "concise": -1.0, "warm": 1.0}},
    ]
    file = experiment(
        tmp_path,
        personas=people,
        tasks=TASKS,
        model={"provider": "simulated"},
        constitution={"principles": ["Keep it short.", "Be warm and kind."]},
        revision={"acceptance": "improves", "margin": 1},
        ratings={"cross_weight": 0},
    )
    assert scai("run", file, "--quiet").code == 0
    found = scai("explain", "t", "--json", "--users", "ann", "bob").json
    assert found["apart"]["users"] == ["ann", "bob"]
    [apart] = found["apart"]["rules"]
    assert apart["id"] == "P1"
    assert apart["ann"] > 0 > apart["bob"]
    both = next(rule for rule in found["rules"] if rule["id"] == "P2")
    assert both["gains"]
    assert not both["loses"]
    shown = scai("explain", "t", "--users", "ann", "bob").out
    assert "Rules with opposite effects on ann and bob" in shown
    none = scai("explain", "t", "--users", "ann", "ann").out
    assert "No rule has opposite effects on ann and ann." in none


def test_held_out_people_are_not_asked(tmp_path: Path) -> None:
    run = finished_run(tmp_path, tasks=TASKS, holdout={"tasks": ["sleep"]}, personas=PEOPLE)
    explained()
    assert not [call["id"] for call in calls(run / "explain") if "/sleep/" in call["id"]]


# --- show


def _levels(ann: int, bob: int, cid: int) -> list[dict[str, Any]]:
    told = (("ann", ann), ("bob", bob), ("cid", cid))
    return [{"id": None, "text": f"x {who}={level}", "for": [who]} for who, level in told]


def test_show_tells_of_the_proof_and_why_a_revision_was_adopted(tmp_path: Path) -> None:
    file = experiment(
        tmp_path,
        {"e1/revision": {"critique": "the critique", "principles": [], "contract": _levels(9, 9, 3)}},
        tasks=[*MANY, {"id": "sixth", "prompt": "And then?"}],
        holdout={"tasks": ["sleep"]},
        ratings=NO_CROSS,
        revision={"acceptance": "improves"},
        epochs=2,
    )
    assert scai("run", file, "--quiet").code == 0
    shown = scai("show", "t").out
    flat = " ".join(shown.split())
    assert "Held out, without a part in the rules: 1 task, with the same 3 people simulated by scripted:connect" in flat
    sides = "mean of all (utilitarian): 0.50 (version 0), 0.70 (version 1)"
    assert f"{sides}: +0.20 (cannot tell how sure: an interval takes 3 tasks held out, not 1)" in flat
    assert "Cid Brown 0.50 0.30 -0.20 – cannot tell" in flat
    reason = "version 1: utilitarian welfare on trial: 0.500 before, 0.700 after, +0.200"
    assert f"{reason} epoch 2: " in flat
    assert "epoch 2: no change was proposed" in flat
    told = scai("show", "t", "--json").json
    assert told["holdout"]["difference"]["estimate"] == pytest.approx(0.2)
    assert told["epochs"][0]["revision"]["candidates"][0]["scores"]["gain"] == pytest.approx(0.2)
    closer = " ".join(scai("show", "t", "--constitution").out.split())
    assert re.search(r"0.700 after, \+0.200, p 0.0\d+ of at most", closer)
    assert "e1/revision: welfare 0.700, welfare before 0.500, difference 0.200" in closer


def test_show_diff_gives_the_reason_and_the_evidence_of_each_edit(tmp_path: Path) -> None:
    first = [
        edit("add", text="Be kind.", reason="ann asked", evidence=["e1/ann/tea/m2"]),
        edit("add", text="Joke.", **{"for": ["bob"]}, reason="bob likes it"),
    ]
    second = [
        edit("modify", id="P1", text="Be very kind.", reason="more of it"),
        edit("remove", id="C1", reason="stale"),
    ]
    file = experiment(
        tmp_path,
        {"e1/revision": {"critique": "", "edits": first}, "e2/revision": {"critique": "", "edits": second}},
        epochs=2,
        revision=EDITS,
    )
    assert scai("run", file, "--quiet").code == 0
    whole = " ".join(scai("show", "t", "--diff", 0, 2).out.split())
    assert whole.startswith("P1 {+Be very kind.+}")
    assert "epoch 1, add: ann asked; evidence: e1/ann/tea/m2" in whole
    assert "epoch 2, modify: more of it" in whole
    later = " ".join(scai("show", "t", "--diff", 1, 2).out.split())
    assert "ann asked" not in later
    assert "C1 [-Joke.-] epoch 2, remove: stale" in later
    assert " ".join(scai("show", "t", "--diff", 2, 1).out.split()).count("stale") == 1
    edits = json.loads(scai("show", "t", "--json").out)["epochs"][0]["revision"]["edits"]
    assert (edits[0]["reason"], edits[0]["evidence"]) == ("ann asked", ["e1/ann/tea/m2"])
