"""The suite `measures`: what a program observes in the answers, by the rules of the systems."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import scai
from played import EXPERIMENT, Shown, evaluated, items, system

from scai_cli.messages import ChatRequest, Completion

SHORT = "Boil water. Wait a bit."
LONG = "However, preparation of considerable quantities necessitates particular attention. " * 20
MANY = EXPERIMENT + "".join(f"  - {{id: t{n}, prompt: What about number {n}?}}\n" for n in range(8))


def obedient(request: ChatRequest) -> str:
    """Short under a rule that asks for it, long else."""
    return SHORT if "few words" in system(request) else LONG


def rules(name: str, *lines: str) -> str:
    Path(name).write_text("".join(f"- {line}\n" for line in lines), encoding="utf-8")
    return name


def verdicts(shown: Shown) -> dict[tuple[str, str], str]:
    return {(f.system, f.measure.name): f.verdict for f in shown.evaluation.findings if f.measure}


def test_what_any_system_s_rules_ask_for_is_measured_in_all() -> None:
    short = rules("short.md", "Say it in few words.", "Avoid a formal tone.")
    shown = evaluated(obedient, "none", short, "again=none", "--suite", "measures", experiment=MANY)
    assert verdicts(shown) == {
        ("short", "concise"): "better",
        ("short", "formal"): "better",
        ("again", "concise"): "cannot tell",
        ("again", "formal"): "cannot tell",
    }
    assert shown.measure("concise").values == {"none": 0.0, "short": 1.0, "again": 0.0}
    assert shown.measure("formal").measure.better == "lower"
    assert shown.table("Means of 10 tasks") == [
        ["none", "0.00 (2)", "1.00 (2)", "160"],
        ["short", "1.00 (1)", "0.00 (1)", "5"],
        ["again", "0.00 (2)", "1.00 (2)", "160"],
    ]
    assert [request.purpose for request in shown.asked] == ["answer"] * 30


def test_rules_that_contradict_each_other_give_no_verdict() -> None:
    one = rules("one.md", "Say it in few words.", "Avoid a formal tone.", "Use plain words.")
    two = rules("two.md", "Answer in depth and in detail.", "Use formal language.")
    shown = evaluated(obedient, one, two, "--suite", "measures", experiment=MANY)
    assert {name for _, name in verdicts(shown)} == {"plain_words"}
    assert sum("contradict each other" in note for note in shown.suite().notes) == 3


def test_without_a_rule_of_a_system_those_of_the_experiment_count() -> None:
    ruled = MANY + "constitution: {principles: [Say it in few words.]}\n"
    shown = evaluated(obedient, "none", "other=none", "--suite", "measures", experiment=ruled)
    assert [m.measure.name for m in shown.suite().measures] == ["concise", "cut"]


def test_the_tasks_are_those_held_out_or_those_of_a_file() -> None:
    short = rules("short.md", "Say it in few words.")
    held = EXPERIMENT + "holdout: {tasks: [sleep]}\n"
    shown = evaluated(obedient, "none", short, "--suite", "measures", experiment=held)
    assert [row.item for row in shown.evaluation.rows if row.kind == "item"] == ["sleep"]
    file = items(Path("own.jsonl"), "measures", [{"prompt": f"Why {n}?"} for n in range(3)])
    shown = evaluated(obedient, "none", short, "--suite", f"measures={file}")
    assert [row.item for row in shown.evaluation.rows if row.kind == "item"] == ["i0", "i1", "i2"]
    Path("plain.txt").write_text("Why so?\nHow come?\n", encoding="utf-8")
    shown = evaluated(obedient, "none", short, "--suite", "measures=plain.txt")
    assert len([row for row in shown.evaluation.rows if row.kind == "item"]) == 2


def test_cut_answers_are_counted_and_silent_systems_not_judged() -> None:
    def play(request: ChatRequest) -> Completion:
        return Completion("", "stop") if "few words" in system(request) else Completion(LONG, "length")

    short = rules("short.md", "Say it in few words.")
    shown = evaluated(play, "none", short, "--suite", "measures", experiment=MANY)
    assert shown.measure("cut").values == {"none": 1.0, "short": None}
    assert verdicts(shown) == {}
    assert [f.words for f in shown.evaluation.findings] == ["cannot judge: 100 % of the answers of short have no words"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("none", "bare", "--model", "simulated"), "no rule of any system asks for a trait that a program can measure"),
        (("none", "short.md", "--model", "simulated"), "there is no task; name a run, an experiment with --config"),
    ],
)
def test_nothing_to_measure_is_one_clear_line(arguments: tuple[str, ...], problem: str) -> None:
    rules("short.md", "Say it in few words.")
    called = scai("evaluate", *arguments, "--suite", "measures")
    assert called.code == 2
    assert called.err.count("\n") == 1
    assert problem in called.err


def test_tasks_that_wrote_the_rules_are_an_error() -> None:
    Path("played.yaml").write_text(MANY.replace('"played:connect", name: play', "simulated"), encoding="utf-8")
    learning = ("--set", "constitution.principles=['Say it in few words.']", "--set", "epochs=1")
    assert scai("run", "played.yaml", "--quiet", "--run-id", "learned", *learning).code == 0
    called = scai("evaluate", "none", "learned", "--suite", "measures")
    assert called.code == 2
    assert "10 items had a part in writing the rules" in called.err
