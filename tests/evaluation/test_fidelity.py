"""The suite `fidelity`: variance between raters, controls, adherence, a judge."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import scipy  # its parts are imported where they are used
from conftest import calls, scai
from hypothesis import assume, given
from hypothesis import strategies as st
from scripted import refusing

from scai_cli.evaluation.item import Item
from scai_cli.evaluation.row import EvaluationRow, SystemAnswer
from scai_cli.evaluation.suite import ResultSource, SuiteSource
from scai_cli.evaluation.suites.fidelity import Fidelity, adherence
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import load_experiment
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
limits: {concurrency: 1}
revision: {strategy: rewrite, acceptance: always, clauses: people}
"""


FLAG = "rates as nobody does"
COMMAND = ("--suite", "fidelity", "-q")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run and its evaluation `fid-evaluation`."""
    folder = tmp_path_factory.mktemp("fidelity")
    (folder / "x.yaml").write_text(TEXT, encoding="utf-8")
    where = ("--runs-dir", folder / "runs")
    assert scai("run", folder / "x.yaml", "-q", *where).code == 0
    assert scai("evaluate", "fid", *COMMAND, *where).code == 0
    return folder / "runs"


def answers(evaluation: Path) -> list[dict[str, Any]]:
    with (evaluation / "rows.jsonl").open(encoding="utf-8") as file:
        return [row["answers"]["fid"] for row in map(json.loads, file) if row["kind"] == "item"]


def result(evaluation: Path) -> dict[str, Any]:
    found: dict[str, Any] = scai("show", evaluation, "--json").json["results"][0]
    return found


def measured(evaluation: Path) -> dict[str, float]:
    return {each["measure"]["name"]: each["values"]["fid"] for each in result(evaluation)["measures"]}


def test_people_with_a_description_rate_more_as_before_than_as_others(runs: Path) -> None:
    found = measured(runs / "fid-evaluation")
    assert found["retest"] < found["swapped"]
    assert found["icc"] > 0
    assert found["adherence"] > 0.8
    (table,) = result(runs / "fid-evaluation")["tables"]
    rows = {name: cells for name, *cells in table["rows"]}
    assert rows.keys() == {"ann", "bob", "cid", "Somebody"}
    assert rows["Somebody"][3] == "–"  # nothing to agree with
    shown = scai("show", runs / "fid-evaluation")
    assert (shown.code, shown.out.count("rates as nobody does")) == (0, [c[-1] for c in rows.values()].count(FLAG))


def test_every_answer_is_rated_by_three_controls_and_the_judge(runs: Path) -> None:
    made = calls(runs / "fid-evaluation")
    count = Counter(call["purpose"] for call in made)
    assert count == {"opening": 24, "answer": 48, "feedback": 48, "control": 72, "judge": 24}
    planned = scai("evaluate", "fid", *COMMAND, "--runs-dir", runs, "--dry-run", "--json").json
    assert planned["suites"][0]["calls"] == count
    asked = {f"~fid{call['id'].partition('~fid')[2]}".rpartition("/")[0]: call["request"]["messages"] for call in made}
    null = asked["~fid/ann/tea/control/null"]
    assert "Name: Somebody\n</persona>" in null[0]["content"]
    again, own = asked["~fid/ann/tea/control/retest"], asked["~fid/ann/tea/m4"]
    assert again == own
    assert null[1:] == own[1:]
    swapped = asked["~fid/ann/tea/control/swapped"]
    assert swapped[0] not in (own[0], null[0])
    assert swapped[1:] == own[1:]
    assert "~nobody" not in str(made)
    (judged,) = asked["~fid/ann/tea/judge"]
    assert "Ann wants it short." in judged["content"]


def test_the_scores_are_shares_of_the_scale(runs: Path) -> None:
    for answer in answers(runs / "fid-evaluation"):
        assert answer["scores"].keys() == {"own", "retest", "null", "swapped", "adherence", "judged"}
        assert all(value is None or 0 <= value <= 1 for value in answer["scores"].values())
        assert [role for role, _ in answer["messages"]] == ["user", "assistant"] * 2 + ["user"]


def test_an_evaluation_that_stops_among_the_controls_goes_on(runs: Path) -> None:
    limited = ("--run-id", "stopped", "--set", "limits.calls=100", "--runs-dir", runs)
    assert scai("evaluate", "fid", *COMMAND, *limited).code == 3
    assert scai("resume", runs / "stopped", "-q", "--set", "limits.calls=null").code == 0
    assert (runs / "stopped/rows.jsonl").read_bytes() == (runs / "fid-evaluation/rows.jsonl").read_bytes()


def test_only_the_reference_is_played_and_the_judge_is_roles_judge(runs: Path) -> None:
    named = ("--run-id", "named", "--runs-dir", runs, "--n", 2, "--set", "roles.judge.name=j")
    assert scai("evaluate", "none", "fid", *COMMAND, *named).code == 0
    made = calls(runs / "named")
    assert {(call["role"], call["model"]) for call in made if call["purpose"] == "judge"} == {("meta", "j")}
    assert not [call for call in made if "/~fid/" in call["id"]]
    assert scai("show", runs / "named", "--json").json["findings"] == []


def test_a_real_person_is_left_out_and_one_alone_is_not_swapped(runs: Path) -> None:
    me = "- {id: me, human: true}"
    people = [line for line in TEXT.splitlines() if "{id: bob" not in line and "{id: cid" not in line]
    source = SuiteSource(config_of("\n".join(people).replace("- {id: anybody, name: Somebody}", me)), {})
    items = Fidelity().items(source)
    assert {item.persona for item in items} == {"ann"}
    assert Fidelity().calls(source, items, 1)["control"] == 2 * len(items)


def config_of(text: str) -> ExperimentConfig:
    Path("people.yaml").write_text(text, encoding="utf-8")
    return load_experiment(Path("people.yaml"))


def test_a_refused_control_is_missing_and_a_failed_conversation_asks_nobody(runs: Path) -> None:
    script = [refusing("^~r1/.*/~fid/ann/tea/control/null/"), refusing("^~r2/.*/~fid/ann/nap/m1/")]
    model = {"provider": "scripted:connect", "options": {"script": script}}
    options = ("--run-id", "hole", "--runs-dir", runs, "--n", 24, "--set", f"model={json.dumps(model)}")
    called = scai("evaluate", "fid", *COMMAND, *options, "--trust")
    assert called.code == 0, called.err
    first, second, *_ = answers(runs / "hole")
    assert (first["scores"]["null"], first["problem"]) == (None, "the call failed")
    assert first["scores"]["retest"] is not None
    assert second["scores"] == {"own": None, "adherence": None}
    assert not [call for call in calls(runs / "hole") if call["id"].startswith("~r2/") and "control" in call["id"]]


# --- results of rows


def rated(**people: Sequence[tuple[float | None, ...]]) -> ResultSource:
    """Rows with the own, second, null and swapped rating of each person."""
    names = ("own", "retest", "null", "swapped")
    scores = {
        f"{p}/{n}": dict(zip(names, row, strict=True)) for p, rows in people.items() for n, row in enumerate(rows)
    }
    items = {
        key: Item(id=key, suite="fidelity", prompt="?", cluster=key.partition("/")[0], source="s", licence="l")
        for key in scores
    }
    rows = [EvaluationRow(key, "item", "fidelity", key, {"a": SystemAnswer(own)}) for key, own in scores.items()]
    return ResultSource(config_of(TEXT), ["a", "b"], items, rows)


def test_distances_are_means_over_the_pairs_that_are_known() -> None:
    found = Fidelity().results(rated(ann=[(0.5, 0.6, 0.9, None), (0.2, None, 0.4, 0.8)], bob=[(0.9, 0.9, None, 0.3)]))
    values = {each.measure.name: each.values for each in found.measures}
    assert values["retest"] == {"a": pytest.approx((0.1 + 0.0) / 2)}
    assert values["null"] == {"a": pytest.approx((0.4 + 0.2) / 2)}
    assert values["swapped"] == {"a": pytest.approx((0.6 + 0.6) / 2)}
    assert values["judged"] == {"a": None}
    assert all(each.measure.better is None and not each.measure.declared for each in found.measures)
    assert found.tables[0].rows[0] == ("ann", "0.30", "0.60", "0.10", "–", "–", "")


@pytest.mark.parametrize(
    ("rows", "flagged"),
    [
        ([(0.5, 0.6, 0.65, 0.5)] * 2, True),  # 1.5 times as far
        ([(0.5, 0.6, 0.66, 0.5)] * 2, False),
        ([(0.5, 0.5, 0.52, 0.5)] * 2, True),  # no distance at all
        ([(0.5, 0.6, 0.6, 0.5)], None),  # one task is too few
        ([(0.5, None, 0.6, 0.5)] * 2, None),
    ],
)
def test_a_person_is_flagged_if_hardly_farther_from_nobody_than_from_itself(
    rows: list[tuple[float | None, ...]], flagged: bool | None
) -> None:
    found = Fidelity().results(rated(ann=rows, bob=[(0.9, 0.9, 0.1, 0.1)] * 2))
    assert [row[0] for row in found.tables[0].rows if row[-1]] == (["ann"] if flagged else [])
    assert any("than from themselves: ann." in note for note in found.notes) is bool(flagged)


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
    assert math.isclose(found.ratio, float(scipy.stats.f_oneway(*ratings).statistic), rel_tol=1e-9, abs_tol=1e-9)


def test_variance_by_hand() -> None:
    found = one_way([[1.0, 1.0], [9.0, 9.0], []])
    assert found is not None
    assert (found.ratio, found.icc) == (None, 1.0)
    assert one_way([[1.0, 2.0]]) is None
    assert one_way([[1.0], [2.0]]) is None
    same = one_way([[5.0, 5.0], [5.0, 5.0]])
    assert same is not None
    assert (same.ratio, same.icc) == (None, None)
