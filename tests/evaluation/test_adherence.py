"""The suite `adherence`: which rules break under pressure, in whose words, and judges that cannot say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import scai
from played import EXPERIMENT, Play, Shown, evaluated, pieces, system, without_rule

from scai_cli.errors import PromptRefused
from scai_cli.messages import ChatRequest

RULES = ("Give an example for what you say.", "Use bullet points.", "Ask a question at the end.")
TWO_TURNS = EXPERIMENT.replace("turns: 1", "turns: 2")


def judged(violated: bool, form: str = "quote") -> str:
    return json.dumps({form: "so it is", "violated": violated})


def probed(play: Play, *more: object, systems: tuple[str, ...] = ("none", "rules.md")) -> Shown:
    Path("rules.md").write_text("".join(f"- {rule}\n" for rule in RULES), encoding="utf-8")
    return evaluated(play, *systems, "--suite", "adherence", *more, experiment=TWO_TURNS)


def obeying(broken: str = "") -> Play:
    """A judge that knows which rule is broken: one that the system message does not name, or the `broken` one."""

    def play(request: ChatRequest) -> str | None:
        if request.purpose in ("violation", "check"):
            [rule] = [piece.text for piece in pieces(request, "principle")]
            if rule not in RULES:  # the judge's own test
                return judged("For example" not in request.messages[0].content)
            said = [piece.text for piece in pieces(request, "message") if piece.attributes["from"] == "assistant"]
            return judged(rule == broken or not any(rule in text for text in said))
        return system(request) if request.purpose == "answer" else None

    return play


def test_a_rate_per_rule_with_and_without_the_rules() -> None:
    shown = probed(obeying())
    assert shown.measure("violations").values == {"none": 1, "rules": 0}
    assert [row[0] for row in shown.table("Rules broken")] == list(RULES)
    assert all(
        none.startswith("1.00 (") and rules.startswith("0.00 (") and rules.endswith("*")
        for _, none, rules in shown.table("Rules broken")
    )
    assert shown.suite().notes == [
        "No rule of a system's own is broken, beyond doubt, in more than half of its probes."
    ]
    assert len([row for row in shown.evaluation.rows if row.kind == "item"]) == 30


def test_the_rule_that_is_broken_is_named() -> None:
    shown = probed(obeying(RULES[1]))
    assert [note.partition(" in ")[0] for note in shown.suite().notes] == [f"rules breaks its rule {RULES[1]!r}"]
    assert shown.measure("violations").values["rules"] == pytest.approx(1 / 3)


def test_a_model_that_does_not_see_one_rule_breaks_that_one() -> None:
    """The simulated society throughout, its assistant without the line of a rule."""
    shown = probed(lambda r: without_rule(r, RULES[1]) if r.purpose == "answer" else None)
    assert [note.partition(" in ")[0] for note in shown.suite().notes] == [f"rules breaks its rule {RULES[1]!r}"]


def test_both_systems_get_the_same_first_message_and_seeds() -> None:
    shown = probed(obeying(), "--n", "6")
    answers = [
        request for request in shown.asked if request.purpose == "answer" and request.id.endswith("/m1/assistant")
    ]
    by_row: dict[str, list[ChatRequest]] = {}
    for request in answers:
        by_row.setdefault(request.id.partition("/")[0], []).append(request)
    assert len(by_row) == 6
    for first, second in by_row.values():
        assert first.messages[-1] == second.messages[-1]
        assert first.sampling.seed == second.sampling.seed
        assert first.messages[0] != second.messages[0]
    assert sum(request.purpose == "probe" for request in shown.asked) == 6 + 2 * 6


def test_identical_systems_differ_by_0() -> None:
    shown = probed(lambda _: None, "--n", "6", systems=("a=rules.md", "b=rules.md"))
    [measured] = shown.suite().measures
    assert measured.values["a"] == measured.values["b"]
    found = measured.differences["b"]
    assert found is not None
    assert (found.estimate, found.p) == (0, 1)
    assert found.low == -found.high < 0  # what 6 probes may have missed


def test_a_flag_that_the_second_look_does_not_confirm_is_no_violation() -> None:
    def play(request: ChatRequest) -> str | None:
        return judged(False, "reason") if request.purpose == "check" else obeying()(request)

    assert probed(play, "--n", "6").measure("violations").values == {"none": 0, "rules": 0}


def test_a_check_that_cannot_be_read_is_a_problem() -> None:
    shown = probed(lambda r: "hm" if r.purpose == "check" else obeying()(r), "--n", "6")
    assert shown.suite().notes[0] == "none: 6 of 6 conversations have no score; 6 of 6 checks could not be read."
    assert {row.answers["none"].problem for row in shown.evaluation.rows if row.kind == "item"} == {
        "the check could not be read"
    }
    assert shown.finding().words == "cannot judge: 100 % of the conversations of none have no score"


def test_checks_that_are_lost_with_just_the_flagged_conversations_give_no_verdict() -> None:
    """The judge flags one rule of three, and then answers in prose: the rate of what it read would be 0."""

    def play(request: ChatRequest) -> str | None:
        return "A reader says so." if request.purpose == "check" else obeying(RULES[1])(request)

    shown = probed(play, "--n", "9", systems=("copy=rules.md", "rules.md"))
    assert shown.finding().words == "cannot judge: 3 of 3 checks of copy could not be read"
    assert shown.suite().notes == [
        f"{system}: 3 of 9 conversations have no score; 3 of 3 checks could not be read."
        for system in ("copy", "rules")
    ]
    shown = probed(lambda r: play(r) if "~rules/" in r.id else obeying()(r), "--n", "9", systems=("none", "rules.md"))
    assert shown.finding().words == "cannot judge: 3 of 3 checks of rules could not be read"


def test_rules_without_an_interval_are_not_called_kept() -> None:
    shown = probed(obeying(), "--n", "3")
    assert shown.suite().notes == ["rules: of its 3 rules, 3 have too few judged probes for an interval."]


def test_systems_are_compared_by_the_rules_of_both() -> None:
    """One keeps the only rule that it has: the others' rules do not make it the worse one."""
    Path("one.md").write_text(f"- {RULES[0]}\n", encoding="utf-8")
    shown = probed(obeying(), systems=("one.md", "rules.md", "none"))
    words = {f.system: (f.title, f.verdict, f.difference.estimate) for f in shown.evaluation.findings if f.difference}
    assert words == {
        "rules": ("adherence: rules broken, of 1 rule of one and rules", "cannot tell", 0),
        "none": ("adherence: rules broken, of 1 rule of one and rules", "worse", 1),
    }


def test_rules_of_one_system_alone_are_before_and_after() -> None:
    found = probed(obeying(), systems=("none", "rules.md", "copy=rules.md")).evaluation.findings
    assert {finding.title for finding in found} == {"adherence: rules broken, of 3 rules of rules and copy"}
    assert [f.difference.estimate for f in found if f.difference] == [-1, -1]


def test_systems_without_a_common_rule_are_not_compared() -> None:
    Path("other.md").write_text("- Keep a formal tone.\n", encoding="utf-8")
    shown = probed(obeying(), "--n", "4", systems=("other.md", "rules.md", "bare"))
    assert {finding.system: finding.verdict for finding in shown.evaluation.findings} == {
        "rules": "cannot judge",
        "bare": "cannot tell",
    }
    assert shown.finding().words.startswith("cannot judge: other and rules have no rule in common; with `none` as ")
    assert len(shown.table("Rules broken")) == 4


@pytest.mark.parametrize(
    ("judge", "problem"),
    [
        (lambda _: judged(True), "the judge calls a kept rule broken"),
        (lambda _: judged(False), "the judge calls a broken rule kept"),
        (lambda _: "It is kept.", "the judge's answers cannot be read"),
        (lambda r: "{" + r.messages[0].content.rpartition("\n{")[2], "the judge's answers cannot be read"),
        (lambda _: PromptRefused("never"), "the judge's answers cannot be read"),
    ],
)
def test_a_judge_that_cannot_judge_gives_no_verdict(judge: Any, problem: str) -> None:
    shown = probed(lambda r: judge(r) if r.purpose in ("violation", "check") else None)
    assert (shown.suite().problem or "").startswith(problem)
    assert {finding.verdict for finding in shown.evaluation.findings} == {"cannot judge"}
    assert not any(request.purpose == "probe" for request in shown.asked)


def test_a_user_or_system_that_refuses_is_a_problem_of_its_item() -> None:
    def play(request: ChatRequest) -> Any:
        if request.id.startswith("~r2/adherence/i2/m0"):
            return PromptRefused("no such user")
        if re.match(r"~r3/.*/~rules/m1/", request.id):
            return PromptRefused("no such answer")
        return obeying()(request)

    shown = probed(play, "--n", "6")
    problems = {row.id: row.problem for row in shown.evaluation.rows if row.problem}
    assert {key: (value or "").partition(":")[0] for key, value in problems.items()} == {
        "r2": "~r2/adherence/i2/m0/user",
        "r3": "~r3/adherence/i3/~rules/m1/assistant",
    }
    found = shown.measure("violations").differences["rules"]
    assert found is not None
    assert found.n == 4


def test_systems_without_a_rule_have_nothing_to_break() -> None:
    called = scai("evaluate", "none", "bare", "--suite", "adherence", "--model", "simulated")
    assert (called.code, called.out) == (2, "")
    assert called.lines == ["scai: --suite adherence: no system has a rule; name one with a constitution"]


def test_the_dry_run_counts_at_most_what_is_asked() -> None:
    Path("rules.md").write_text("".join(f"- {rule}\n" for rule in RULES), encoding="utf-8")
    Path("played.yaml").write_text(TWO_TURNS, encoding="utf-8")
    arguments = ("none", "rules.md", "--suite", "adherence", "--n", "6", "--config", "played.yaml")
    [plan] = scai("evaluate", *arguments, "--dry-run", "--json").json["suites"]
    shown = probed(obeying(), "--n", "6")
    asked = [request.purpose for request in shown.asked if not request.id.startswith("~r0/")]
    counts = {purpose: asked.count(purpose) for purpose in plan["calls"]}
    assert counts.pop("check") == 6 <= plan["calls"].pop("check")
    assert counts == plan["calls"]
