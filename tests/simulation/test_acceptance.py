"""Acceptance: which candidate, if any, is adopted, and what is recorded of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from changed_runs import bare, take_back
from conftest import calls, events, scai
from scripted import Line, failing, no_form
from scripted_runs import MANY, NO_CROSS, PEOPLE, anew, clauses, experiment, ran, revisions

from scai_cli.experiment.constitution import Add, Constitution
from scai_cli.runs.records import Candidate
from scai_cli.simulation.acceptance.improves import Trial
from scai_cli.simulation.best_version import VersionRanking
from scai_cli.simulation.utilities import EpochUtilities, PairedUtilities
from scai_cli.social_choice import welfare


def start(ann: int, bob: int, cid: int) -> dict[str, Any]:
    told = (("ann", ann), ("bob", bob), ("cid", cid))
    return {"contract": [{"text": f"x {who}={level}", "for": [who]} for who, level in told]}


def decided(
    path: Path, answer: dict[str, Any], before: tuple[int, int, int] = (5, 5, 5), /, **keys: Any
) -> dict[str, Any]:
    """The revision after one epoch under the rule `improves` (or another)."""
    settings = {"acceptance": "improves", **keys.pop("revision", {})}
    common = {"constitution": start(*before), "ratings": NO_CROSS, "revision": settings, **keys}
    return revisions(ran(path, {"e1/revision": answer}, common.pop("script", ()), **common))[0]


# --- improves


@pytest.mark.parametrize(
    ("function", "before", "after", "better"),
    [
        ("utilitarian", (5, 5, 5), (9, 5, 2), True),
        ("utilitarian", (5, 5, 5), (9, 4, 2), False),
        ("rawlsian", (5, 5, 5), (9, 9, 4), False),
        ("rawlsian", (9, 9, 4), (5, 5, 5), True),
        ("rawlsian", (4, 5, 5), (4, 9, 9), False),  # the worst-off alone counts
        ("leximin", (4, 5, 5), (4, 9, 9), True),  # then the next
        ("leximin", (4, 5, 9), (4, 5, 8), False),
        ("leximin", (4, 4, 9), (4, 5, 5), True),
        ("nash", (2, 8, 5), (5, 5, 5), True),
        ("nash", (5, 5, 5), (10, 0, 10), False),
        ("atkinson(epsilon=2)", (2, 8, 5), (5, 5, 4), True),
        ("alpha(alpha=0)", (5, 5, 5), (10, 3, 2), False),
        ("alpha(alpha=0)", (5, 5, 5), (10, 3, 3), True),
        ("gini(delta=2)", (1, 9, 5), (5, 5, 4), True),
        ("median", (5, 5, 5), (0, 6, 6), True),
        ("median", (5, 5, 5), (0, 5, 10), False),
        ("threshold(level=0.6)", (5, 6, 6), (0, 7, 10), False),
        ("threshold(level=0.6)", (5, 5, 6), (0, 7, 10), True),
        ("consensus(level=0.6)", (5, 5, 6), (0, 7, 10), True),
    ],
)
def test_adopts_only_what_raises_the_declared_welfare(
    tmp_path: Path, function: str, before: tuple[int, int, int], after: tuple[int, int, int], better: bool
) -> None:
    revision = decided(tmp_path, clauses(*after), before, welfare=function)
    assert not revision["accepted"]  # of a rating each, noise could have made any rise
    scores = revision["candidates"][0]["scores"]
    declared = welfare.parse(function)
    assert scores["welfare"] == pytest.approx(declared([level / 10 for level in after]))
    assert scores["welfare_before"] == pytest.approx(declared([level / 10 for level in before]))
    assert scores["gain"] == pytest.approx(scores["welfare"] - scores["welfare_before"])
    assert scores["level"] == 0.05 < scores["p"] <= 1
    pair = PairedUtilities(*(tuple(level / 10 for level in levels) for levels in (before, after)), (1.0, 1.0, 1.0))
    for p in (0.01, 0.05, 0.06):
        trial = Trial(Candidate(id="c", critique=""), declared, EpochUtilities(*({},) * 4, (), (), 0), pair, p, 0.05)
        assert trial.rises(0) is (better and p <= 0.05)


def test_a_rise_beyond_noise_is_adopted(tmp_path: Path) -> None:
    revision = decided(tmp_path, clauses(9, 9, 4), tasks=MANY)
    assert revision["accepted"]
    scores = revision["candidates"][0]["scores"]
    assert scores["gain"] == pytest.approx((4 + 4 - 1) / 30)
    assert scores["p"] < scores["level"] == 0.05
    for function, after in (("rawlsian", (6, 6, 6)), ("nash", (7, 7, 7)), ("median", (6, 6, 6))):
        assert decided(tmp_path, clauses(*after), tasks=MANY, welfare=function)["accepted"]
    assert not decided(tmp_path, clauses(9, 9, 4), tasks=MANY, welfare="rawlsian")["accepted"]


@pytest.mark.parametrize(("tasks", "adopted"), [(1, False), (3, False), (5, True)])
def test_a_rise_of_a_few_ratings_is_not_adopted(tmp_path: Path, tasks: int, adopted: bool) -> None:
    """1 in 2^n is the chance that n ratings all rise without an effect."""
    revision = decided(tmp_path, clauses(10, 5, 5), tasks=MANY[:tasks])
    assert revision["candidates"][0]["scores"]["p"] == pytest.approx(0.5**tasks, abs=0.05 if tasks < 5 else 0.015)
    assert revision["accepted"] is adopted
    if not adopted:
        assert re.fullmatch(
            r"no candidate raised utilitarian welfare beyond noise \(p 0\.\d+ of at most 0\.05\)", revision["reason"]
        )


def test_the_chance_of_an_error_is_shared_by_all_trials_of_a_run(tmp_path: Path) -> None:
    answers = {f"e1/revision/c{n}": clauses(*levels) for n, levels in ((1, (10, 5, 5)), (2, (9, 9, 9)))}
    keys = {"tasks": MANY, "ratings": NO_CROSS, "constitution": start(5, 5, 5), "epochs": 2}
    settings = {"candidates": 2, "acceptance": "improves"}
    revision = revisions(ran(tmp_path, answers, revision=settings, **keys))[0]
    first, second = (candidate["scores"] for candidate in revision["candidates"])
    assert first["level"] == second["level"] == 0.05 / 4
    assert second["p"] < 0.05 / 4 < first["p"] < 0.05
    assert "x bob=9" in [clause["text"] for clause in revision["constitution"]["contract"]]


@pytest.mark.parametrize(("margin", "adopted"), [(0.0, True), (0.09, True), (0.1, False), (0.2, False)])
def test_the_rise_must_be_above_the_margin(tmp_path: Path, margin: float, adopted: bool) -> None:
    revision = decided(tmp_path, clauses(6, 6, 6), revision={"margin": margin}, tasks=MANY)
    assert revision["accepted"] is adopted
    if adopted:
        before, _, chance = revision["reason"].rpartition(", ")
        assert before == "utilitarian welfare on trial: 0.500 before, 0.600 after, +0.100"
        assert re.fullmatch(r"p 0\.00\d+ of at most 0\.05", chance)
    else:
        assert revision["reason"] == f"no candidate raised utilitarian welfare by more than {margin:g}"
        assert revision["constitution"]["version"] == 0


def test_weights_of_the_personas_count(tmp_path: Path) -> None:
    heavy = [{**person, "weight": 8 if person["id"] == "cid" else 1} for person in PEOPLE]
    assert not decided(tmp_path, clauses(9, 9, 4), personas=heavy, tasks=MANY)["accepted"]
    assert decided(tmp_path, clauses(9, 9, 4), tasks=MANY)["accepted"]


def test_the_best_of_several_candidates_is_adopted_and_all_are_scored(tmp_path: Path) -> None:
    answers = [clauses(6, 6, 6), clauses(9, 9, 9), clauses(7, 7, 7), clauses(1, 1, 1)]
    told = ran(
        tmp_path,
        {f"e1/revision/c{n}": answer for n, answer in enumerate(answers, 1)},
        ratings=NO_CROSS,
        tasks=MANY,
        revision={"candidates": 4, "acceptance": "improves"},
    )
    [revision] = revisions(told)
    assert [round(c["scores"]["welfare"], 6) for c in revision["candidates"]] == [0.6, 0.9, 0.7, 0.1]
    assert [c["scores"]["p"] <= 0.05 / 4 for c in revision["candidates"]] == [True, True, True, False]
    assert [clause["text"] for clause in revision["constitution"]["contract"]] == ["x ann=9", "x bob=9", "x cid=9"]


def test_a_trial_makes_calls_but_no_events(tmp_path: Path) -> None:
    decided(tmp_path, clauses(6, 6, 6))
    run = tmp_path / "runs" / "t"
    tried = [c["id"] for c in calls(run) if "/~" in c["id"]]
    played = [
        c["id"]
        for c in calls(run)
        if c["purpose"] in ("answer", "feedback", "cross_rating") and c["id"].startswith("e1/") and "/~" not in c["id"]
    ]
    assert sorted(place.replace("/~1", "") for place in tried) == sorted(played)
    assert not [event["id"] for event in events(run) if "~" in event["id"]]
    seeds = {c["id"].replace("/~1", ""): set() for c in calls(run)}
    for call in calls(run):
        seeds[call["id"].replace("/~1", "")].add(call["request"]["seed"])
    assert all(len(same) == 1 for same in seeds.values())


@pytest.mark.parametrize("how", [no_form, failing])
def test_a_rating_that_is_missing_on_trial_makes_nobody_look_better_off(
    tmp_path: Path, how: Callable[[str], Line]
) -> None:
    # cid would fall from 2 to 0, but that rating never comes: without it the two who are left fare no better
    revision = decided(
        tmp_path, clauses(5, 5, 0), (5, 5, 2), script=[how("~1/cid/tea/m2")], max_failures=1, welfare="rawlsian"
    )
    assert not revision["accepted"]
    assert (
        revision["candidates"][0]["scores"]["welfare"] == revision["candidates"][0]["scores"]["welfare_before"] == 0.5
    )


def test_a_rating_that_is_missing_before_the_final_answer_takes_nothing_from_the_utility(tmp_path: Path) -> None:
    told = ran(tmp_path, None, [no_form("ann/tea/m2")], constitution={"principles": ["x"]}, turns=2)
    assert [e["id"] for e in told if e["type"] == "rating" and e["value"] is None] == ["e1/ann/tea/m2/own"]
    measured = next(event for event in told if event["type"] == "welfare")
    assert (measured["utilities"], measured["missing"]) == ({"ann": 0.5, "bob": 0.5, "cid": 0.5}, 0)


def test_what_others_think_does_not_stand_for_an_answer_its_user_never_rated(tmp_path: Path) -> None:
    told = ran(tmp_path, None, [no_form("ann/tea/m2")], constitution={"principles": ["x"]})
    measured = next(event for event in told if event["type"] == "welfare")
    assert measured["utilities"] == {"ann": None, "bob": 0.5, "cid": 0.5}
    assert measured["harmlessness"]["ann"] == 5
    assert measured["missing"] == 1


def test_a_call_that_failed_on_trial_stays_failed_when_the_run_goes_on(tmp_path: Path) -> None:
    trouble = tmp_path / "trouble"
    trouble.touch()
    file = experiment(
        tmp_path,
        {"e1/revision": clauses(6, 6, 6)},
        [failing("~1/cid/tea/m2", trouble)],
        epochs=2,
        max_failures=1,
        ratings=NO_CROSS,
        revision={"acceptance": "improves"},
    )
    assert scai("run", file, "--quiet").code == 0
    run = tmp_path / "runs" / "t"
    told = events(run)
    assert [e["id"] for e in told if e["type"] == "problem"] == ["e1/~1/cid/tea/m2/user"]
    take_back(run, "run_finished")
    trouble.unlink()
    assert scai("resume", "t", "--trust", "--quiet").code == 0
    assert [bare(e) for e in events(run)] == [bare(e) for e in told]


def test_only_those_whom_a_candidate_concerns_talk_again(tmp_path: Path) -> None:
    answer = anew(contract=(("C1", "x ann=9", "ann"), ("C2", "x bob=5", "bob"), ("C3", "x cid=5", "cid")))
    revision = decided(tmp_path, answer, script=[failing("e1/bob/tea/m1")], max_failures=1, tasks=MANY)
    assert revision["accepted"]
    told = events(tmp_path / "runs" / "t")
    made = {c["id"]: c["request"]["seed"] for c in calls(tmp_path / "runs" / "t")}
    tried, again = ({i: made[i] for i in made if f"/+again/~{n}/" in i} for n in (1, 0))
    assert {i.split("/")[3] for i in tried} == {i.split("/")[3] for i in again} == {"ann"}
    # With other seeds than the epoch's, as its ratings chose whom the rule is for.
    assert list(tried.values()) == list(again.values())
    assert not set(tried.values()) & {seed for i, seed in made.items() if "~" not in i}
    assert [e["id"] for e in told if e["type"] == "problem"] == ["e1/bob/tea/m1/assistant"]  # told once


# --- always


def test_always_adopts_the_first_sound_candidate(tmp_path: Path) -> None:
    answers = {"e1/revision/c1": anew((None, "Please Ann first.")), "e1/revision/c2": clauses(1, 1, 1)}
    (revision,) = revisions(ran(tmp_path, answers, revision={"candidates": 2}))
    assert revision["constitution"]["contract"][0]["text"] == "x ann=1"


# --- best so far


def test_the_product_is_the_best_version_that_was_played(tmp_path: Path) -> None:
    meta = {"e1/revision": clauses(8, 8, 8), "e2/revision": clauses(2, 2, 2), "e3/revision": clauses(10, 10, 10)}
    keys = {"epochs": 3, "ratings": NO_CROSS, "constitution": {"principles": ["start"]}}
    told = ran(tmp_path, meta, revision={"best_so_far": True}, **keys)
    assert [r["constitution"]["version"] for r in revisions(told)] == [1, 2, 3]
    assert told[-1]["version"] == 1  # 3 was never played
    shown = scai("show", "t")
    assert "Constitution, version 1" in shown.out
    exported = scai("export", "t", "--format", "system")
    run = tmp_path / "runs" / "t"
    assert exported.out == (run / "system_message.txt").read_text(encoding="utf-8")
    assert exported.out == (run / "constitution" / "e1.md").read_text(encoding="utf-8")
    assert "ann=8" in shown.out

    last = ran(tmp_path, meta, **keys)
    assert last[-1]["version"] == 3
    assert "ann=10" in scai("show", "t-2", "--constitution").out


def test_a_version_played_several_times_counts_with_its_mean() -> None:
    def played(*utilities: float) -> EpochUtilities:
        known = dict(enumerate(utilities))
        return EpochUtilities({}, {}, {}, known, tuple((u,) for u in utilities), (1.0,) * len(utilities), 0)  # type: ignore[arg-type]

    old = Constitution()
    new = old.apply([Add(text="x")], epoch=1)
    ranking = VersionRanking(welfare.parse("utilitarian"))
    for constitution, utility in ((old, 0.9), (old, 0.1), (new, 0.6)):
        ranking.add(constitution, played(utility, utility))
    assert ranking.best == new  # 0.6 against a mean of 0.5, though once 0.9
    ranking.add(new, played(0.4, 0.4))
    assert ranking.best == old  # now a tie: the older


def test_a_pair_counts_only_what_both_have() -> None:
    def played(*table: tuple[float | None, ...]) -> EpochUtilities:
        return EpochUtilities({}, {}, {}, {}, table, (1.0,) * len(table), 0)

    pair = PairedUtilities.of(played((0.5, 0.1), (None, 0.4)), played((0.6, None), (0.9, 0.4)))
    assert (pair.before, pair.after) == ((0.5, 0.4), (0.6, 0.4))
    lost = PairedUtilities.of(played((0.5,), (0.1,)), played((0.5,), (None,)))
    assert not lost.improves(welfare.parse("rawlsian"))
    summed = PairedUtilities.of(played((0.1 + 0.2,)), played((0.3,)))
    assert not summed.improves(welfare.parse("utilitarian"))  # a rounding error is no progress


# --- replay


@pytest.mark.parametrize(("rule", "seed"), [("improves", 2), ("ratify", 3)])
def test_a_run_that_is_taken_up_again_comes_to_equal_events(tmp_path: Path, tiny: Path, rule: str, seed: int) -> None:
    settings = ["revision.candidates=2", f"revision.acceptance={rule}"]
    settings += ["limits.concurrency=8", "epochs=1", "model.options={noise: 0}"]  # so that a rise is beyond noise
    arguments = [part for setting in (f"seed={seed}", *settings) for part in ("--set", setting)]
    assert scai("run", tiny, "--quiet", *arguments).code == 0
    whole, run = events(tmp_path / "runs" / "tiny"), tmp_path / "runs" / "tiny"
    assert revisions(whole)[0]["accepted"]
    made = len(calls(run))
    stops = [made // 4, made // 2, made - 3]
    assert scai("run", tiny, "--quiet", "--run-id", "again", *arguments, "--set", f"limits.calls={stops[0]}").code == 3
    for stop in stops[1:]:
        assert scai("resume", "again", "--quiet", "--set", f"limits.calls={stop}").code == 3
    assert scai("resume", "again", "--quiet", "--set", "limits.calls=null").code == 0
    again = events(tmp_path / "runs" / "again")

    def known(told: list[dict[str, Any]]) -> list[str]:
        return sorted(str({**bare(e), "run_id": ""}) for e in told)

    assert known(again) == known(whole)
    assert sorted(c["id"] for c in calls(tmp_path / "runs" / "again")) == sorted(c["id"] for c in calls(run))


def test_under_improves_the_declared_welfare_of_the_simulated_society_does_not_drift_down(
    tmp_path: Path, tiny: Path
) -> None:
    arguments = ["--set", "revision.acceptance=improves", "--set", "epochs=5", "--set", "welfare=leximin"]
    found = scai("run", tiny, "--quiet", "--json", *arguments)
    told = events(tmp_path / "runs" / "tiny")
    for revision in revisions(told):
        for candidate in revision["candidates"]:
            assert bool(candidate["scores"]) is (candidate["constitution"] is not None and not candidate["objection"])
        if revision["accepted"]:
            assert revision["candidates"][0]["scores"]["gain"] >= 0
    measured = [w["rawlsian"] for w in found.json["welfare"]]
    assert all(after >= before - 0.1 for before, after in pairwise(measured))  # ratings are noisy
