"""Verifiable preferences: observed beside rated utility, and honesty."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, events, scai
from scripted_runs import NO_CROSS, PEOPLE, anew, ran, revisions

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
    assert "Do the ratings follow the answers?" not in scai("show", "t", "--ratings").out


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
    table = " ".join(scai("show", "t", "--ratings").out.split())
    words = "Rank correlation, 1 is fully: own ratings 0.00 (2 people: -1.00 to 1.00)"
    assert table.endswith(f"Do the ratings follow the answers? {words}")


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
    shown = " ".join(scai("show", run, "--ratings").out.split())
    assert (f"; ratings of others' answers, by themes {expected:.2f} (1 person: " in shown) is counts


def test_the_simulated_users_are_honest_but_for_their_noise(tmp_path: Path, tiny: Path) -> None:
    exact = ["--set", "model.options={noise: 0}", "--set", "ratings.scale=[0, 100]"]
    assert scai("run", tiny, "--quiet", *exact).code == 0
    told = events(tmp_path / "runs" / "tiny")
    for user in ("ann", "bob", "cid"):
        own = sorted((r["observed"], r["value"]) for r in ratings(told, "own") if r["rater"] == user)
        assert [value for _, value in own] == sorted(value for _, value in own)
    assert len({r["value"] for r in ratings(told, "own")}) > 3


def test_no_revision_without_a_reason_is_told(finished: Path) -> None:
    assert all(revision["reason"] for revision in revisions(events(finished)))
