"""The suite `society`: welfare, who loses, and what is new to the rules."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import scai
from played import EXPERIMENT, Play, Shown, evaluated

from scai_cli.analysis.paired import paired
from scai_cli.errors import PromptRefused
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.row import EvaluationRow, SystemAnswer
from scai_cli.evaluation.suite import ResultSource, SuiteResult
from scai_cli.evaluation.suites import society
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.messages import ChatRequest

PEOPLE = "".join(
    f"  - {{id: p{n}, name: P{n} {name}, description: Wants it {wish}., attributes: {{age: {name}}}, "
    f"preferences: {{detailed: {detailed}}}}}\n"
    for n, (name, wish, detailed) in enumerate([("old", "short", -1.0), ("young", "long", 1.0)] * 3)
)
TASKS = "".join(f"  - {{id: t{n}, prompt: What about subject {n} of ten?}}\n" for n in range(6))
GROUPS = f"""\
name: groups
seed: 4
turns: 1
model: {{provider: "played:connect", name: play}}
limits: {{max_retries: 0}}
personas:
{PEOPLE}tasks:
{TASKS}"""


def against(play: Play, rule: str, *more: object, experiment: str = GROUPS) -> Shown:
    Path("rule.md").write_text(f"- {rule}\n", encoding="utf-8")
    return evaluated(play, "none", "rule.md", "--suite", "society", *more, experiment=experiment)


def test_a_group_that_a_rule_harms_is_the_loser() -> None:
    shown = against(lambda _: None, "Answer in great detail and at length.")
    loses = next(note for note in shown.suite().notes if note.startswith("With rule loses"))
    assert loses.startswith("With rule loses: people with age: old")
    assert "young" not in loses
    groups = shown.table("Groups: rule minus none")
    assert [(row[0], row[3]) for row in groups] == [("age: old", "lost"), ("age: young", "gained")]
    assert all(float(change) < 0 for name, change, *_ in shown.table("People: rule") if "old" in name)


def test_identical_systems_differ_by_0_and_nobody_loses() -> None:
    shown = evaluated(lambda _: None, "a=none", "b=none", experiment=EXPERIMENT)
    assert shown.evaluation.manifest.suites[0].name == "society"
    for measured in shown.suite().measures:
        found = measured.differences["b"]
        assert found is None or found.estimate == 0
        assert measured.values["a"] == measured.values["b"]
    assert shown.suite().notes[-1] == "With b nobody loses beyond chance."
    for row in shown.evaluation.rows:
        if row.kind == "item":
            assert row.answers["a"] == row.answers["b"]


def test_systems_share_the_opening_and_the_seeds() -> None:
    shown = against(lambda _: None, "Be brief.", experiment=EXPERIMENT)
    assert sum(request.purpose == "opening" for request in shown.asked) == 4
    answers: dict[object, list[ChatRequest]] = {}
    for request in shown.asked:
        if request.purpose == "answer":
            answers.setdefault(request.sampling.seed, []).append(request)
    assert len(answers) == 4
    for first, second in answers.values():
        assert first.messages[1:] == second.messages[1:]
        assert first.messages[0] != second.messages[0]


def test_a_copy_differs_by_no_more_than_these_people_can_have_missed() -> None:
    finding = evaluated(lambda _: None, "none", "copy=none", experiment=GROUPS).finding()
    assert finding.verdict == "cannot tell"
    assert finding.difference is not None
    assert finding.difference.low is not None
    assert finding.difference.low < -0.05
    assert finding.needed is not None


def test_people_who_wrote_no_rule_are_members_only() -> None:
    """Rules of a file were written by nobody here; those of a run by its members."""
    Path("run.yaml").write_text(EXPERIMENT.replace('provider: "played:connect", name: play', "provider: simulated"))
    assert scai("run", "run.yaml", "--run-id", "own", "--quiet", "--set", "epochs=1").code == 0
    shown = evaluated(lambda _: None, "none", "own", experiment=EXPERIMENT)
    assert shown.suite().notes[0].startswith("Members only")
    assert shown.evaluation.manifest.new == ()


@pytest.mark.parametrize("holdout", ["", "holdout: {personas: 0.3}\n"])
def test_whether_these_people_wrote_a_file_is_not_known(holdout: str, tmp_path: Path) -> None:
    (tmp_path / "own.md").write_text("- Be brief.\n", encoding="utf-8")
    shown = evaluated(lambda _: None, "none", str(tmp_path / "own.md"), experiment=GROUPS + holdout)
    assert any("does not say who wrote it (own)" in warning for warning in shown.evaluation.warnings)
    assert shown.evaluation.manifest.new == (("people",) if holdout else ("people", "tasks"))


def test_held_out_people_and_tasks_are_new() -> None:
    experiment = GROUPS.replace('provider: "played:connect", name: play', "provider: simulated")
    experiment += "holdout: {personas: 0.3, tasks: 0.3}\n"
    Path("run.yaml").write_text(experiment, encoding="utf-8")
    ran = scai("run", "run.yaml", "--run-id", "own", "--quiet", "--set", "epochs=1")
    assert ran.code == 0, ran.err
    called = scai("evaluate", "none", "own", "--quiet")
    assert called.code == 0, called.err
    shown = scai("show", called.out.strip(), "--json").json
    [result] = shown["results"]
    assert not any(note.startswith("Members only") for note in result["notes"])
    assert shown["suites"][0]["items"] == 4


@pytest.mark.parametrize(
    ("rater", "words"),
    [(lambda _: '{"feedback": "good", "rating": 7}', "this rater"), (lambda _: "Very good indeed!", "this rater")],
)
def test_raters_that_cannot_rate_give_no_verdict(rater: Any, words: str) -> None:
    def play(request: ChatRequest) -> Any:
        return rater(request) if request.purpose in ("rater_check", "feedback", "cross_rating") else None

    shown = against(play, "Be brief.", experiment=EXPERIMENT)
    assert words in (shown.suite().problem or "")
    assert {finding.verdict for finding in shown.evaluation.findings} == {"cannot judge"}
    assert {row.kind for row in shown.evaluation.rows} == {"probe"}


def test_a_refused_answer_is_a_problem_and_the_others_count() -> None:
    def play(request: ChatRequest) -> Any:
        return PromptRefused("not this") if re.match(r"~r2/.*/~rule/.*/assistant$", request.id) else None

    shown = against(play, "Be brief.", experiment=EXPERIMENT)
    assert [row.id for row in shown.evaluation.rows if row.problem] == ["r2"]
    assert shown.suite().problem is None
    assert shown.measure("welfare (utilitarian)").differences["rule"] is not None


def test_a_part_of_the_conversations_is_drawn() -> None:
    """Whole tasks, so that the others rate each answer."""
    shown = against(lambda _: None, "Be brief.", "--n", "4", experiment=EXPERIMENT)
    drawn = [row.item.split("/") for row in shown.evaluation.rows if row.kind == "item"]
    assert (len(drawn), len({task for _, task in drawn}), shown.evaluation.manifest.suites[0].items) == (4, 2, 4)


def test_the_dry_run_counts_the_calls() -> None:
    shown = against(lambda _: None, "Be brief.", experiment=EXPERIMENT)
    plan = scai("evaluate", "none", "rule.md", "--config", "played.yaml", "--dry-run", "--json").json
    asked = [request.purpose for request in shown.asked if request.purpose != "rater_check"]
    [suite] = plan["suites"]
    assert {purpose: asked.count(purpose) for purpose in suite["calls"]} == suite["calls"]
    assert plan["total"] == len(asked)


def rated(attributes: list[dict[str, str]], tasks: int, changes: list[float], *more: str) -> SuiteResult:
    """The results of ratings in which each person's change by the system is planted, with noise."""
    lines = [
        f"  - {{id: p{n}, name: P{n}, description: Someone., attributes: {json.dumps(each)}}}\n"
        for n, each in enumerate(attributes)
    ]
    asked = [f"  - {{id: t{n}, prompt: Subject {n}?}}\n" for n in range(tasks)]
    text = f"name: rated\nmodel: {{provider: simulated}}\npersonas:\n{''.join(lines)}tasks:\n{''.join(asked)}"
    Path("rated.yaml").write_text(text + "".join(more), encoding="utf-8")
    noise, items, rows = random.Random(2), {}, []
    for n, change in enumerate(changes):
        for task in range(tasks):
            key = f"p{n}/t{task}"
            items[key] = Item(
                id=key, suite="society", prompt="?", cluster=f"p{n}", source="s", licence="l", persona=f"p{n}",
                task=f"t{task}",
            )  # fmt: skip
            before = noise.uniform(5, 6)
            scores = {"a": before, "b": before + 10 * change + noise.gauss(0, 0.5)}
            rows.append(
                EvaluationRow(key, "item", "society", key, {s: SystemAnswer({"rating": v}) for s, v in scores.items()})
            )
    config = load_experiment(Path("rated.yaml"), Overrides())
    return society.Society().results(ResultSource(config, ["a", "b"], items, rows))


def test_a_group_behind_many_others_is_tested() -> None:
    groups = [{"age": str(20 + n // 3), "faith": "one" if n >= 34 else "none"} for n in range(40)]
    result = rated(groups, 4, [-0.2 if n >= 34 else 0.05 for n in range(40)])
    table = next(table for table in result.tables if table.title.startswith("Groups"))
    assert len(table.rows) == 15
    assert ("faith: one", "lost") in [(row[0], row[3]) for row in table.rows]
    assert "people with faith: one" in result.notes[-1]


def test_more_losers_than_a_note_names_are_counted() -> None:
    note = rated([{}] * 20, 4, [-0.2] * 20).notes[-1]
    assert note.startswith("With b loses: P")
    assert note.count(",") == 12
    assert note.endswith(", 8 more.")


def test_one_task_cannot_tell_who_loses() -> None:
    note = rated([{}] * 5, 1, [-0.2] * 5).notes[-1]
    assert note == "With b cannot tell who loses: the tasks are too few for an interval of 5 people."


@pytest.mark.parametrize("change", [0.0, 0.02, -0.06])
@pytest.mark.parametrize("welfare", ["utilitarian", "nash"])
def test_the_p_value_is_that_of_the_interval_without_a_search(
    welfare: str, change: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is 1 minus the highest level whose interval does not contain 0."""
    asked = []
    monkeypatch.setattr(society, "paired", lambda *args, **more: asked.append(args) or paired(*args, **more))
    result = rated([{}] * 7, 4, [change] * 7, f"welfare: {welfare}\n")
    assert len(asked) <= 2 * len(result.measures)
    found = result.measures[0].differences["b"]
    assert found is not None
    assert found.p is not None
    [before, after, function] = asked[0]
    for level, contains in ((1 - found.p - 1e-6, False), (1 - found.p + 1e-6, True)):
        interval = paired(before, after, function, level=level)
        assert interval is not None
        assert interval.interval.low is not None
        assert interval.interval.high is not None
        assert (interval.interval.low <= 0 <= interval.interval.high) == contains
