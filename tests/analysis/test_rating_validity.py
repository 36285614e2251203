"""Verifiable preferences: observed beside rated utility, honesty, and anchors against drift."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from changed_runs import bare, take_back
from conftest import TINY, calls, events, scai
from scripted import no_form, refusing
from scripted_runs import NO_CROSS, PEOPLE, TASKS, anew, experiment, ran, revisions

from scai_cli.analysis.rating_validity import RatingValidity, rating_validity
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe, utility
from scai_cli.runs.history.fold import read_history
from scai_cli.stats.intervals import spearman


def ratings(told: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in told if event["type"] == "rating" and event["kind"] == kind]


def measured(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in told if event["type"] == "welfare"]


@pytest.fixture(scope="module")
def themes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tiny experiment in which bob and cid disagree about a theme."""
    folder = tmp_path_factory.mktemp("themes")
    text = TINY.replace("formal: 0.5", "tradition: 1.0").replace(
        "names_source: 1.0", "names_source: 1.0, tradition: -1.0"
    )
    (folder / "tiny.yaml").write_text(text, encoding="utf-8")
    assert scai("run", folder / "tiny.yaml", "--runs-dir", folder / "runs", "--quiet").code == 0
    return folder / "runs" / "tiny"


def test_every_rating_has_the_observed_utility_of_its_rater_beside_it(themes: Path) -> None:
    told = events(themes)
    wants = {
        "ann": {"concise": 1.0, "warm": 0.5},
        "bob": {"detailed": 1.0, "tradition": 1.0},
        "cid": {"names_source": 1.0, "tradition": -1.0},
    }
    said = {event["id"]: event["content"] for event in told if event["type"] == "message"}
    rated = ratings(told, "own") + ratings(told, "cross")
    assert len(rated) == 3 * 3 * 2 * 3
    for rating in rated:
        wanted = wants[rating["rater"]]
        if rating["kind"] == "cross":  # of others' answers only the themes count
            wanted = {trait: weight for trait, weight in wanted.items() if TRAITS[trait].kind == "substance"}
        expected = utility(wanted, observe(said[rating["message"]])) if wanted else None
        assert rating["observed"] == pytest.approx(expected, abs=1e-6)
    assert {rating["rater"] for rating in rated if rating["observed"] is None} == {"ann"}  # who wants no theme
    last = measured(told)[-1]
    own = [r["observed"] for r in ratings(told, "own") if r["epoch"] == 3 and r["rater"] == "ann"]
    assert last["observed"]["ann"] == pytest.approx(sum(own) / len(own))


def test_without_stated_preferences_nothing_is_observed(tmp_path: Path) -> None:
    told = ran(tmp_path)
    assert {rating["observed"] for rating in ratings(told, "own")} == {None}
    assert rating_validity(read_history(tmp_path / "runs" / "t")) == {}
    assert "Do the ratings follow the answers?" not in scai("show", "t").out


def test_honest_users_rate_as_they_want_and_a_liar_does_not(tmp_path: Path) -> None:
    """The scripted ann wants it brief and rates brief answers high; bob wants the same and rates them low."""
    wish = {"preferences": {"concise": 1.0}}
    people = [{**PEOPLE[0], **wish}, {**PEOPLE[1], **wish}]
    filler = "word " * 40  # with it an answer is no longer concise
    told = ran(
        tmp_path,
        {
            "e1/revision": anew(contract=((None, f"ann=2 bob=9 {filler}", "ann bob"),)),
            "e2/revision": anew(contract=(("C1", f"ann=1 bob=10 {filler} {filler}", "ann bob"),)),
        },
        personas=people,
        epochs=3,
        ratings=NO_CROSS,
        constitution={"contract": [{"text": "ann=9 bob=1", "for": ["ann", "bob"]}]},
    )
    assert [r["value"] for r in ratings(told, "own") if r["rater"] == "ann"] == [9, 2, 1]
    found = rating_validity(read_history(tmp_path / "runs" / "t"))
    assert found == {"ann": RatingValidity(1, None), "bob": RatingValidity(-1, None)}
    shown = scai("show", "t", "--json").json
    assert shown["honesty"]["bob"] == {"own": -1.0, "cross": None}
    table = " ".join(scai("show", "t").out.split())
    words = "Rank correlation, 1 is fully: own ratings 0.00 (2 people: -1.00 to 1.00)"
    assert f"Do the ratings follow the answers? {words} Revisions: " in table


@pytest.mark.parametrize(("version", "counts"), [("0.4.0", False), ("0.1.9", False), ("0.5.0", True), ("1.0.0", True)])
def test_ratings_of_others_answers_count_by_their_themes_in_runs_that_recorded_these(
    themes: Path, tmp_path: Path, version: str, counts: bool
) -> None:
    run = shutil.copytree(themes, tmp_path / "runs" / "tiny")
    told = (run / "events.jsonl").read_text(encoding="utf-8")
    told = re.sub('"scai":"[^"]*"', f'"scai":"{version}"', told, count=1)
    (run / "events.jsonl").write_text(told, encoding="utf-8")
    found = rating_validity(read_history(run))
    pairs = [(r["value"], r["observed"]) for r in ratings(events(run), "cross") if r["rater"] == "cid"]
    expected = spearman(*zip(*pairs, strict=True))
    assert expected is not None
    assert found["cid"].cross == (pytest.approx(expected) if counts else None)
    assert found["cid"].own is not None
    assert found["ann"].cross is None  # who wants no theme
    shown = " ".join(scai("show", run).out.split())
    assert (f"; ratings of others' answers, by themes {expected:.2f} (1 person: " in shown) is counts


def test_the_simulated_users_are_honest_but_for_their_noise(tmp_path: Path, tiny: Path) -> None:
    exact = ["--set", "model.options={noise: 0}", "--set", "ratings.scale=[0, 100]"]
    assert scai("run", tiny, "--quiet", *exact).code == 0
    told = events(tmp_path / "runs" / "tiny")
    for user in ("ann", "bob", "cid"):
        own = sorted((r["observed"], r["value"]) for r in ratings(told, "own") if r["rater"] == user)
        assert [value for _, value in own] == sorted(value for _, value in own)
    assert len({r["value"] for r in ratings(told, "own")}) > 3


# --- anchors


def inflating(level: int) -> dict[str, Any]:
    return anew((None, f"Level {level}."))


def test_anchors_are_rated_by_everybody_in_every_epoch_and_count_nowhere(tmp_path: Path) -> None:
    keys = {"epochs": 3, "tasks": TASKS}
    told = ran(tmp_path, None, ratings={"anchors": 2}, **keys)
    anchors = ratings(told, "anchor")
    assert sorted(r["id"] for r in anchors) == sorted(
        f"e{e}/anchor/{n}/{who}" for e in (1, 2, 3) for n in (1, 2) for who in ("ann", "bob", "cid")
    )
    assert {r["metric"] for r in anchors} == {"satisfaction"}
    assert len({r["message"] for r in anchors}) == 2
    assert all(r["message"].startswith("e1/") and not r["final"] for r in anchors)
    made = [c for c in calls(tmp_path / "runs" / "t") if c["purpose"] == "anchor"]
    assert sorted(c["id"] for c in made) == sorted(f"{r['id']}/user" for r in anchors)
    plain = ran(tmp_path, None, **keys)
    for with_anchors, without in zip(measured(told), measured(plain), strict=True):
        for key in ("utilities", "satisfaction", "values"):
            assert with_anchors[key] == without[key]
    assert measured(plain)[0]["drift"] == measured(plain)[0]["corrected"] == {}
    assert scai("show", "t", "--json").json["epochs"][1]["anchors"][0]["id"].startswith("e2/anchor/")


def test_drift_is_the_mean_change_of_the_anchors_and_is_taken_off(tmp_path: Path) -> None:
    """cid rates everything one higher in each epoch; nothing else changes."""
    told = ran(
        tmp_path,
        inflation={"cid": 1},
        epochs=3,
        ratings={"anchors": 3, "cross_raters": 0},
    )
    assert [m["satisfaction"]["cid"] for m in measured(told)] == [6, 7, 8]
    assert [m["drift"] for m in measured(told)] == [{"ann": 0, "bob": 0, "cid": n} for n in (0, 1, 2)]
    assert [m["corrected"]["cid"] for m in measured(told)] == [6, 6, 6]
    assert "less drift" in scai("show", "t").out


def test_an_anchor_that_cannot_be_rated_is_missing_not_zero(tmp_path: Path) -> None:
    script = [no_form("e2/anchor/1/ann"), refusing("e2/anchor/./bob")]
    file = experiment(tmp_path, None, script, epochs=2, ratings={"anchors": 1, **NO_CROSS})
    assert scai("run", file, "--quiet").code == 0
    run = tmp_path / "runs" / "t"
    told = events(run)
    assert measured(told)[1]["drift"] == {"ann": None, "bob": None, "cid": 0}
    assert measured(told)[1]["corrected"] == {"ann": None, "bob": None, "cid": 5}
    assert [event["id"] for event in told if event["type"] == "problem"] == ["e2/anchor/1/bob/user"]
    take_back(run, "run_finished")
    assert scai("resume", "t", "--trust", "--quiet").code == 0
    assert [bare(e) for e in events(run)] == [bare(e) for e in told]


def test_the_same_answers_are_anchors_whatever_the_constitution_does_later(tmp_path: Path, tiny: Path) -> None:
    for name, strategy in (("one", "rewrite"), ("two", "grounded")):
        settings = ["--set", "ratings.anchors=2", "--set", f"revision.strategy={strategy}"]
        assert scai("run", tiny, "--quiet", "--run-id", name, *settings).code == 0
    one, two = ({r["message"] for r in ratings(events(tmp_path / "runs" / n), "anchor")} for n in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("anchors", [3, 50])
def test_the_plan_counts_the_calls_for_anchors(tiny: Path, anchors: int) -> None:
    arguments = ["--set", f"ratings.anchors={anchors}"]
    planned = scai("plan", tiny, "--json", *arguments).json["calls"]
    assert scai("run", tiny, "--quiet", "--json", *arguments).json["calls"] == planned["total"]


def test_no_revision_without_a_reason_is_told(finished: Path) -> None:
    assert all(revision["reason"] for revision in revisions(events(finished)))
