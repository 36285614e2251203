"""The suite `pairs`: win rates over both orders, judges with planted faults, and the correction by people's labels."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path
from typing import Any

import pytest
from played import Play, Shown, candidates, evaluated, items, pieces, system

from scai_cli import plugins
from scai_cli.errors import PromptRefused
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.simulation.rater_check import PAIRS

ROWS: list[dict[str, Any]] = [{"prompt": f"Request {n}?"} for n in range(10)]
GOOD = {pair["good"] for pair in PAIRS}


def quality(text: str) -> float:
    """A text's quality: that of the probe's good answers is 1, else the number in it."""
    found = re.search(r"quality (\d+)", text)
    return float(found[1]) if found else float(text.strip() in {good.strip() for good in GOOD})


def fair(request: ChatRequest) -> str:
    """A judge that prefers the better answer, and the first of two that are equal."""
    found = candidates(request)
    return "A" if quality(found["A"]) >= quality(found["B"]) else "B"


def sure(p: float, request: ChatRequest) -> Completion:
    """A judge's answer with its probability of A."""
    logprobs = tuple((letter, math.log(share)) for letter, share in (("A", p), ("B", 1 - p)) if share > 0)
    return Completion("A" if p >= 0.5 else "B", usage=Usage(1, 1), logprobs=logprobs if request.logprobs else None)


def answering(request: ChatRequest) -> str:
    """With the rule an answer is better in 7 of 10 prompts, and of other words in any case."""
    number = int(re.findall(r"\d+", request.messages[-1].content)[0])
    if "Do it well" in system(request):
        return f"well, quality {3 if number % 10 < 7 else 1}"
    return "plain, quality 2"


def by(judge: Play) -> Play:
    return lambda request: judge(request) if request.purpose == "comparison" else answering(request)


def compared(tmp_path: Path, play: Play, *more: object, rows: list[dict[str, Any]] = ROWS) -> Shown:
    path = items(tmp_path / "x.jsonl", "pairs", rows)
    (tmp_path / "well.md").write_text("- Do it well.\n", encoding="utf-8")
    return evaluated(play, "none", str(tmp_path / "well.md"), "--suite", f"pairs={path}", *more)


def win_rate(shown: Shown, name: str = "helpfulness") -> float | None:
    return shown.measure(name).values["well"]


def test_the_win_rate_is_over_both_orders_and_the_reference_s_is_one_half(tmp_path: Path) -> None:
    shown = compared(tmp_path, by(fair))
    for criterion in ("helpfulness", "harmlessness"):
        assert shown.measure(criterion).values == {"none": 0.5, "well": pytest.approx(0.7)}
    found = shown.measure("helpfulness").differences["well"]
    assert found is not None
    assert (found.estimate, found.n) == (pytest.approx(0.2), 10)
    assert shown.finding("helpfulness").verdict == "cannot tell"
    assert "Unread comparisons: 0.0 %." in shown.suite().notes
    place = next(note for note in shown.suite().notes if note.startswith("The judge on helpfulness"))
    assert "the first place adds +0.00 (+0.00 to +0.00)" in place


def test_a_win_in_every_prompt_is_judged_as_by_a_sign_test(tmp_path: Path) -> None:
    """8 of 8 wins: p = 2 / 2**8, and the rate of wins is at least the 8th root of 0.025."""

    def play(request: ChatRequest) -> str:
        return fair(request) if request.purpose == "comparison" else f"quality {3 if system(request) else 2}"

    path = items(tmp_path / "x.jsonl", "pairs", ROWS[:8])
    (tmp_path / "well.md").write_text("- Do it well.\n", encoding="utf-8")
    shown = evaluated(play, "bare", str(tmp_path / "well.md"), "--suite", f"pairs={path}")
    found = shown.measure("helpfulness").differences["well"]
    assert found is not None
    assert (found.estimate, found.low, found.high) == pytest.approx((0.5, 0.025 ** (1 / 8) - 0.5, 0.5))
    assert found.p == pytest.approx(2 / 2**8)
    assert shown.finding("helpfulness").verdict == "better"


def test_ties_in_every_prompt_leave_a_win_rate_within_0_and_1(tmp_path: Path) -> None:
    path = items(tmp_path / "x.jsonl", "pairs", ROWS[:3])
    found = evaluated(by(fair), "a=none", "b=none", "--suite", f"pairs={path}").measure("helpfulness").differences["b"]
    assert found is not None
    assert found.high == pytest.approx(1.96**2 / (3 + 1.96**2) / 2, abs=1e-4)  # half of Wilson's bound for 0 of 3


def test_every_comparison_is_asked_in_both_orders_and_for_both_criteria(tmp_path: Path) -> None:
    shown = compared(tmp_path, by(fair))
    asked = [request for request in shown.asked if re.match(r"~r[1-9]", request.id) and request.purpose == "comparison"]
    assert len(asked) == 10 * 2 * 2
    orders = [tuple(candidates(request).values()) for request in asked]
    assert all(orders.count(pair) == orders.count(pair[::-1]) for pair in orders)
    assert len({piece.text for request in asked for piece in pieces(request, "principle")}) == 2
    probes = [request.id for request in shown.asked if request.id.startswith("judge/probe")]
    assert probes == ["judge/probe/meta"]


def test_a_system_against_its_copy_ties_without_a_judge(tmp_path: Path) -> None:
    path = items(tmp_path / "x.jsonl", "pairs", ROWS)
    shown = evaluated(by(fair), "a=none", "b=none", "--suite", f"pairs={path}")
    known = [(m.measure.name, found) for m in shown.suite().measures if (found := m.differences["b"]) is not None]
    assert [name for name, _ in known if "equal length" not in name] == [
        f"{criterion}{what}" for criterion in ("helpfulness", "harmlessness") for what in ("", " strength")
    ]
    assert {found.estimate for _, found in known} == {0}
    assert all(found.low == -found.high < 0 for name, found in known if "strength" not in name)
    assert {f.verdict for f in shown.evaluation.findings} == {"cannot tell"}
    assert not any(r.purpose == "comparison" and re.match(r"~r[1-9]", r.id) for r in shown.asked)


FORM = '{"letter": <A or B>}'


@pytest.mark.parametrize(
    ("judge", "problem"),
    [
        (lambda _: "A", "the judge chooses by the place of an answer"),
        (lambda _: "B", "the judge chooses by the place of an answer"),
        (lambda _: "Both answers have their merits.", "the judge's comparisons cannot be read"),
        (lambda r: r.messages[-1].content, "the judge's comparisons cannot be read"),
        (lambda _: FORM, "the judge's comparisons cannot be read"),
        (lambda _: "", "the judge's comparisons cannot be read"),
        (lambda _: PromptRefused("never"), "the judge's comparisons cannot be read"),
        (lambda r: "B" if fair(r) == "A" else "A", "the judge prefers a plainly worse answer in"),
    ],
)
def test_a_judge_that_cannot_compare_gives_no_verdict(tmp_path: Path, judge: Any, problem: str) -> None:
    shown = compared(tmp_path, by(judge))
    assert re.match(problem, shown.suite().problem or "")
    assert {finding.verdict for finding in shown.evaluation.findings} == {"cannot judge"}
    assert not any(request.purpose == "answer" for request in shown.asked)


def test_a_judge_that_is_read_in_few_comparisons_cannot_judge(tmp_path: Path) -> None:
    def judge(request: ChatRequest) -> str:
        return fair(request) if request.id.startswith(("~r0/", "~r1/", "~r2/")) else "Well, well."

    shown = compared(tmp_path, by(judge))
    assert {finding.words for finding in shown.evaluation.findings} == {
        "cannot judge: 80 % of the comparisons of well could not be read"
    }


def test_a_judge_that_reads_one_system_alone_judges_that_one(tmp_path: Path) -> None:
    def judge(request: ChatRequest) -> str:
        return "Well, well." if "also" in candidates(request).values() else fair(request)

    def play(request: ChatRequest) -> str:
        also = request.purpose == "answer" and "Do it also" in system(request)
        return "also" if also else by(judge)(request)

    path = items(tmp_path / "x.jsonl", "pairs", ROWS)
    for name in ("well", "also"):
        (tmp_path / f"{name}.md").write_text(f"- Do it {name}.\n", encoding="utf-8")
    shown = evaluated(play, "none", *(str(tmp_path / f"{n}.md") for n in ("well", "also")), "--suite", f"pairs={path}")
    verdicts = {(finding.system, finding.verdict) for finding in shown.evaluation.findings}
    assert verdicts == {("well", "cannot tell"), ("also", "cannot judge")}


def test_unread_comparisons_are_counted_and_have_no_part(tmp_path: Path) -> None:
    def judge(request: ChatRequest) -> str:
        return "Well, well." if request.id.startswith(("~r3/", "~r4/")) else fair(request)

    shown = compared(tmp_path, by(judge))
    assert "Unread comparisons: 20.0 %." in shown.suite().notes
    assert win_rate(shown) == pytest.approx(5 / 8)


def test_a_missing_answer_is_a_problem_of_its_item(tmp_path: Path) -> None:
    def play(request: ChatRequest) -> str | Exception | None:
        refused = request.purpose == "answer" and "Request 3" in request.messages[-1].content and not system(request)
        return PromptRefused("not this") if refused else by(fair)(request)

    path = items(tmp_path / "x.jsonl", "pairs", ROWS)
    (tmp_path / "well.md").write_text("- Do it well.\n", encoding="utf-8")
    shown = evaluated(play, "bare", str(tmp_path / "well.md"), "--suite", f"pairs={path}")
    found = shown.measure("helpfulness").differences["well"]
    assert found is not None
    assert found.n == 9
    assert [row.item for row in shown.evaluation.rows if row.problem] == ["i3"]


def test_the_position_bias_is_reported_and_averaged_out(tmp_path: Path) -> None:
    """P(first) + 0.2 in either order leaves the mean of both orders as it is."""

    def judge(request: ChatRequest) -> Completion:
        return sure((0.75 if fair(request) == "A" else 0.25) + 0.2, request)

    shown = compared(tmp_path, by(judge))
    assert win_rate(shown) == pytest.approx(0.7 * 0.75 + 0.3 * 0.25)
    assert any("the first place adds +0.20" in note for note in shown.suite().notes), shown.suite().notes


def test_ties_count_half(tmp_path: Path) -> None:
    def judge(request: ChatRequest) -> Completion:
        found = candidates(request)
        return sure(0.5 if "quality 2" in found.values() else float(fair(request) == "A"), request)

    def play(request: ChatRequest) -> Any:
        if request.purpose == "comparison":
            return judge(request) if request.id.startswith(("~r0", "judge")) else sure(0.5, request)
        return answering(request)

    shown = compared(tmp_path, play)
    assert win_rate(shown) == 0.5
    assert shown.measure("helpfulness strength").values["well"] == pytest.approx(0)


def test_a_panel_s_judges_are_averaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One prefers the better answer, the other one is undecided: 0.7 and 0.5 make 0.6."""
    monkeypatch.setitem(plugins.BUILT_IN["provider"], "played", "played:connect")  # type: ignore[arg-type]

    def judge(request: ChatRequest) -> Completion:
        is_sure = request.model == "one" or request.id.startswith("~r0")
        return sure(float(fair(request) == "A") if is_sure else 0.5, request)

    shown = compared(tmp_path, by(judge), "--judge", "played:one,played:two")
    assert win_rate(shown) == pytest.approx(0.6)
    asked = [request for request in shown.asked if request.purpose == "comparison" and request.id.startswith("~r1/")]
    assert sorted({request.model for request in asked}) == ["one", "two"]
    assert len({request.id for request in shown.asked}) == len(shown.asked)
    assert len({(request.id, request.sampling.seed) for request in asked}) == len(asked) == 2 * 2 * 2
    assert not any("one of the models that it judges" in warning for warning in shown.evaluation.warnings)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("A", "the judge three chooses by the place of an answer, whatever it is; choose another with --judge"),
        ("Well, well.", "the judge three's comparisons cannot be read; choose a larger model with --judge"),
    ],
)
def test_a_faulty_judge_of_a_panel_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, problem: str
) -> None:
    monkeypatch.setitem(plugins.BUILT_IN["provider"], "played", "played:connect")  # type: ignore[arg-type]
    judge: Play = lambda request: said if request.model == "three" else fair(request)  # noqa: E731
    shown = compared(tmp_path, by(judge), "--judge", "played:one,played:two,played:three")
    assert shown.suite().problem == problem


def planted(rng: random.Random) -> tuple[float, int, int]:
    """A prompt: whether the system's answer is truly better, and the words of both answers."""
    return float(rng.random() < 0.65), rng.randint(20, 220), rng.randint(20, 220)


FAULTS = ("place", "length", "unreadable", "wrong")


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_biases_of_planted_judges_are_found(tmp_path: Path, fault: str) -> None:
    """In 3,000 comparisons: P(first) + 0.2; + 0.1 per 100 words more; 20 % unreadable; 10 % wrong."""
    rng = random.Random(f"planted/{fault}")
    world = [planted(rng) for _ in range(750)]
    truth = sum(better for better, _, _ in world) / len(world)
    rows = [{"prompt": f"Request {n}?"} for n in range(len(world))]
    gold = tmp_path / "gold.jsonl"
    labels = [
        {"prompt": f"Gold {n}?", "answer_a": f"gold {n} one", "answer_b": f"gold {n} two", "better": "AB"[n % 2]}
        for n in range(400)
    ]
    gold.write_text("".join(json.dumps(row) + "\n" for row in labels), encoding="utf-8")

    def judge(request: ChatRequest) -> Any:
        found = candidates(request)
        if request.id.startswith(("~r0/", "judge/")):
            return sure(float(fair(request) == "A"), request)
        if "gold" in found["A"]:
            number, first = int(found["A"].split()[1]), found["A"].endswith("one")
            p = float(("AB"[number % 2] == "A") == first)
        else:
            better = re.search(r"better", found["A"]) is not None or "worse" in found["B"]
            p = float(better)
        luck = random.Random(request.id)
        if fault == "place":
            p = 0.2 + 0.6 * p + 0.2
        elif fault == "length" and "gold" not in found["A"]:
            words = len(found["A"].split()) - len(found["B"].split())
            p = min(1.0, max(0.0, 0.3 + 0.4 * p + 0.1 * words / 100))
        elif fault == "unreadable" and luck.random() < 0.2:
            return "Both have their merits."
        elif fault == "wrong" and luck.random() < 0.1:
            p = 1 - p
        return sure(p, request)

    def play(request: ChatRequest) -> Any:
        if request.purpose == "comparison":
            return judge(request)
        number = int(re.findall(r"\d+", request.messages[-1].content)[0])
        better, own, other = world[number]
        if "Do it well" in system(request):
            return f"{'better' if better else 'worse'} {number} " + "word " * own
        return f"plain {number} " + "word " * other

    more = ("--gold", gold) if fault == "wrong" else ()
    shown = compared(tmp_path, play, *more, rows=rows)
    assert shown.suite().problem is None
    notes = next(note for note in shown.suite().notes if note.startswith("The judge on helpfulness"))
    if fault == "place":
        assert float(re.findall(r"adds ([+-][\d.]+)", notes)[0]) == pytest.approx(0.2, abs=0.03)
        assert win_rate(shown) == pytest.approx(0.2 + 0.6 * truth, abs=0.03)
    elif fault == "length":
        assert float(re.findall(r"100 more words add ([+-][\d.]+)", notes)[0]) == pytest.approx(0.1, abs=0.03)
        assert shown.measure("helpfulness at equal length").values["well"] == pytest.approx(0.3 + 0.4 * truth, abs=0.03)
    elif fault == "unreadable":
        [unread] = [note for note in shown.suite().notes if note.startswith("Unread")]
        # Each order is asked for twice.
        assert float(re.findall(r"[\d.]+", unread)[0]) == pytest.approx(100 * 0.2**2, abs=1)
        assert win_rate(shown) == pytest.approx(truth, abs=0.03)
    else:
        assert win_rate(shown) == pytest.approx(truth, abs=0.03)


def test_a_corrected_win_rate_is_no_longer_near_one_half(tmp_path: Path) -> None:
    """A judge that is right in 80 % of labelled pairs: 0.62 judged is 0.5 + 0.12 / 0.6 = 0.7."""
    gold = tmp_path / "gold.jsonl"
    labels = [
        {"prompt": f"Gold {n}?", "answer_a": f"gold {n} one", "answer_b": f"gold {n} two", "better": "AB"[n % 2]}
        for n in range(100)
    ]
    gold.write_text("".join(json.dumps(row) + "\n" for row in labels), encoding="utf-8")

    def judge(request: ChatRequest) -> Completion:
        found = candidates(request)
        if "gold" in found["A"]:
            number, first = int(found["A"].split()[1]), found["A"].endswith("one")
            right = ("AB"[number % 2] == "A") == first
            return sure(0.8 if right else 0.2, request)
        if request.id.startswith(("~r0/", "judge/")):
            return sure(float(fair(request) == "A"), request)
        return sure(0.8 if fair(request) == "A" else 0.2, request)

    shown = compared(tmp_path, by(judge), "--gold", gold)
    assert "The judge agrees with people on 0.80 of 100 pairs; helpfulness is corrected by it." in shown.suite().notes
    assert win_rate(shown) == pytest.approx(0.7)
