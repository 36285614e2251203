"""Do the simulated users stay themselves: variance between raters, controls, adherence, a judge."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from conftest import calls, events, scai
from hypothesis import assume, given
from hypothesis import strategies as st
from loopback import Loopback
from scai_cli.analysis.fidelity import adherence
from scipy import stats

from scai_cli.stats.variance import one_way

TEXT = """\
name: fid
epochs: 2
turns: 2
seed: 5
personas:
  - {id: ann, description: Ann wants it short., preferences: {concise: 1, warm: 0.5, faith: -0.6}}
  - {id: bob, description: Bob wants it long., preferences: {detailed: 1, formal: 0.5, science: 0.7}}
  - {id: cid, description: Cid likes stories., preferences: {gives_example: 1, humorous: 0.7, tradition: 0.5}}
  - {id: anybody, name: Somebody}
tasks:
  - {id: tea, prompt: "How do I make tea?"}
  - {id: nap, prompt: "May I nap at work?"}
  - {id: gym, prompt: "Shall I join a gym?"}
  - {id: abroad, prompt: "Should I move abroad?"}
  - {id: rice, prompt: "How do I cook rice?"}
  - {id: boss, prompt: "What do I tell my boss?"}
controls: true
limits: {concurrency: 1}
revision: {strategy: rewrite, acceptance: always, clauses: people}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fidelity")
    (folder / "x.yaml").write_text(TEXT, encoding="utf-8")
    assert scai("run", folder / "x.yaml", "--runs-dir", folder / "runs", "-q").code == 0
    return folder / "runs" / "fid"


def test_who_has_a_description_rates_more_as_before_than_as_others(run: Path) -> None:
    found = scai("show", run, "--fidelity", "--json").json
    people = found["personas"]
    assert found["flagged"] == [name for name, one in people.items() if one["as_null"]]
    assert all(people[name]["from_null"] < 2 * people[name]["from_itself"] for name in found["flagged"])
    itself, swapped = (
        sum(people[name][key] for name in ("ann", "bob", "cid")) for key in ("from_itself", "from_swapped")
    )
    assert itself < swapped
    assert people["anybody"]["adherence"] is None
    assert all(people[name]["adherence"] > 0.8 for name in ("ann", "bob", "cid"))
    assert found["own"]["ratio"] > 1
    shown = scai("show", run, "--fidelity")
    assert shown.code == 0
    assert shown.out.count("rates as nobody does") == len(found["flagged"])


@pytest.mark.slow
def test_who_has_no_description_is_flagged_more_often_than_all_others_together(tmp_path: Path) -> None:
    # The controls of a persona without a description are more of the same noise: it is nearer to one or the other.
    (tmp_path / "x.yaml").write_text(TEXT, encoding="utf-8")
    flagged = []
    for seed in range(1, 9):
        run = scai("run", tmp_path / "x.yaml", "--seed", seed, "--run-id", f"s{seed}", "-q").out.strip()
        flagged += scai("show", run, "--fidelity", "--json").json["flagged"]
    assert flagged.count("anybody") > len(flagged) / 2, flagged


def test_controls_rate_the_last_answers_and_count_nowhere(run: Path) -> None:
    controls = [event for event in events(run) if event["type"] == "control"]
    assert len(controls) == 3 * 4 * 6
    assert {event["epoch"] for event in controls} == {3}  # the play of the product
    assert all(event["rater"] == event["persona"] for event in controls if event["kind"] == "retest")
    assert all(event["rater"] != event["persona"] for event in controls if event["kind"] == "swapped")
    null = next(call for call in calls(run) if call["id"].endswith("/control/null/user"))
    assert "Name: Somebody\n</persona>" in null["request"]["messages"][0]["content"]
    assert "~nobody" not in str(null["request"])
    shown = scai("show", run, "--json").json
    assert not any("control" in rating["id"] for epoch in shown["epochs"] for rating in epoch["ratings"])


def test_the_plan_counts_the_controls(run: Path) -> None:
    Path("x.yaml").write_text(TEXT, encoding="utf-8")
    with_them, without = (
        scai("plan", "x.yaml", "--json", *options).json["calls"] for options in ((), ("--set", "controls=false"))
    )
    assert with_them["total"] - without["total"] == 72
    assert with_them["total"] == len(calls(run))


def test_a_run_that_stops_among_the_controls_goes_on(run: Path) -> None:
    Path("x.yaml").write_text(TEXT, encoding="utf-8")
    assert scai("run", "x.yaml", "-q", "--set", f"limits.calls={len(calls(run)) - 30}").code == 3
    assert scai("resume", "fid", "-q", "--set", "limits.calls=10000").code == 0
    keep = [{**event, "seq": 0, "time": ""} for event in events(Path("runs/fid")) if event["type"] == "control"]
    assert keep == [{**event, "seq": 0, "time": ""} for event in events(run) if event["type"] == "control"]


def test_a_judge_reads_what_each_user_said() -> None:
    Path("x.yaml").write_text(TEXT.replace("controls: true", "judge: {name: judge}"), encoding="utf-8")
    assert scai("run", "x.yaml", "-q").code == 0
    asked = {call["id"]: call for call in calls(Path("runs/fid")) if call["purpose"] == "judge"}
    assert set(asked) == {f"judge/{name}/meta" for name in ("ann", "bob", "cid", "anybody")}
    assert asked["judge/ann/meta"]["model"] == "judge"
    assert "Ann wants it short." in asked["judge/ann/meta"]["request"]["messages"][0]["content"]
    assert events(Path("runs/fid"))[0]["models"]["judge"] == "judge"
    found = scai("show", "fid", "--fidelity", "--json").json
    assert all(0 <= row["judged"] <= 10 for row in found["personas"].values())
    assert found["flagged"] == []


@pytest.mark.slow
def test_a_judge_at_the_endpoint_of_the_others_is_asked_by_its_own_settings() -> None:
    own = "{provider: openai, name: judge, structured: json_schema, options: {reasoning_effort: high}}"
    text = TEXT.replace("controls: true", f"force: all\njudge: {own}\nmodel: {{provider: openai, name: all}}")
    with Loopback() as server:
        Path("x.yaml").write_text(text, encoding="utf-8")
        where = f"model.base_url={server.base_url}", f"judge.base_url={server.base_url}"
        assert scai("run", "x.yaml", "-q", *(part for one in where for part in ("--set", one))).code == 0
        bodies = [received.body for received in server.requests]
    assert {body.get("reasoning_effort") for body in bodies if body["model"] == "judge"} == {"high"}
    assert all(("response_format" in body) == (body["model"] == "judge") for body in bodies)


def test_without_controls_it_says_how_to_have_them(finished: Path) -> None:
    assert "controls: true" in scai("show", finished, "--fidelity").out


def test_adherence_is_the_share_that_the_preferences_hold() -> None:
    wants = {"concise": 1.0, "faith": -0.5}
    assert adherence(wants, ["Please be brief.", "Too much about faith."]) == 1.0
    assert adherence(wants, ["I want more detail.", "Please be brief."]) == 0.5
    assert adherence(wants, ["Fine."]) is None
    assert adherence({}, ["Please be brief."]) is None


groups = st.lists(st.lists(st.integers(0, 10).map(float), min_size=1, max_size=6), min_size=2, max_size=6)


@given(groups)
def test_the_ratio_is_that_of_scipy(ratings: list[list[float]]) -> None:
    assume(sum(map(len, ratings)) > len(ratings))
    assume(any(max(group) > min(group) for group in ratings))
    found = one_way(ratings)
    assert found is not None
    assert found.ratio is not None
    assert math.isclose(found.ratio, float(stats.f_oneway(*ratings).statistic), rel_tol=1e-9, abs_tol=1e-9)


def test_variance_by_hand() -> None:
    found = one_way([[1.0, 1.0], [9.0, 9.0], []])
    assert found is not None
    assert (found.between, found.within, found.ratio, found.icc) == (64.0, 0.0, None, 1.0)
    assert one_way([[1.0, 2.0]]) is None
    assert one_way([[1.0], [2.0]]) is None
    same = one_way([[5.0, 5.0], [5.0, 5.0]])
    assert same is not None
    assert (same.ratio, same.icc) == (None, None)
