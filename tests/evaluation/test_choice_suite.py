"""The suite `choice`: letters in every order, what they score, and systems whose letters say nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from played import Play, Shown, candidates, evaluated, items, system

from scai_cli.errors import ParameterRefused, PromptRefused
from scai_cli.evaluation.item_files import read_items
from scai_cli.evaluation.results import read_results
from scai_cli.messages import ChatRequest, Completion, Usage

SHARED = Path(__file__).parents[3] / "shared" / "data"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the real slices are not here")
TWO: list[dict[str, Any]] = [
    {"prompt": f"Which is it, {n}?", "options": [f"right {n}", f"wrong {n}"], "gold": "A"} for n in range(6)
]


def choosing(word: str) -> Play:
    """The letter of the option with a word; of the first option without one."""

    def play(request: ChatRequest) -> str:
        found = candidates(request)
        return next((letter for letter, text in found.items() if word in text), "A")

    return play


def choices(tmp_path: Path, play: Play, rows: list[dict[str, Any]], *systems: str) -> Shown:
    path = items(tmp_path / "x.jsonl", "choice", rows)
    return evaluated(play, *(systems or ("none",)), "--suite", f"choice={path}")


def value(shown: Shown, name: str, of: str = "none") -> float | None:
    return shown.measure(name).values[of]


def test_who_chooses_by_content_has_the_accuracy_of_the_content(tmp_path: Path) -> None:
    shown = choices(tmp_path, choosing("right"), TWO)
    assert [value(shown, name) for name in ("accuracy", "consistency", "first place", "unread")] == [1, 1, 0.5, 0]
    shown = choices(tmp_path, choosing("wrong"), TWO)
    assert [value(shown, name) for name in ("accuracy", "consistency")] == [0, 1]


@pytest.mark.parametrize("options", [2, 3, 4, 9])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_letter_for_all_cannot_be_judged(tmp_path: Path, options: int, place: str) -> None:
    rows = [{"prompt": f"{n}?", "options": [f"o{m}" for m in range(options)], "gold": "A"} for n in range(5)]
    at = {"first": 0, "middle": options // 2, "last": options - 1}[place]
    shown = choices(tmp_path, lambda _: "ABCDEFGHI"[at], rows)
    assert "its letters say nothing about the options" in (shown.suite().problem or "")
    answers = [row.answers["none"].scores for row in shown.evaluation.rows if row.kind == "item"]
    assert [scores["accuracy"] for scores in answers] == [pytest.approx(1 / options)] * 5


@real
@pytest.mark.parametrize("file", ["cai_hhh_60.jsonl", "cai_harmful_vs_ethical_60.jsonl"])
def test_the_first_letter_scores_half_of_the_real_files_and_their_gold_all(file: str) -> None:
    path = SHARED / file
    right = {
        (item.conversation[-1].content, *(option.text for option in item.options)): "ABCDEFGHI".index(item.gold or "")
        for item in read_items(path, "choice").items
    }
    suite = ("--suite", f"choice={path}")
    shown = evaluated(lambda _: "A", "none", *suite)
    assert "chooses the first option" in (shown.suite().problem or "")
    accuracies = [row.answers["none"].scores["accuracy"] for row in shown.evaluation.rows if row.kind == "item"]
    assert set(accuracies) == {0.5}

    def gold(request: ChatRequest) -> str:
        found = candidates(request)
        [chosen] = {
            options[gold]
            for (said, *options), gold in right.items()
            if request.messages[-1].content.startswith(said) and set(options) == set(found.values())
        }
        return next(f"({letter})" for letter, text in found.items() if text == chosen)

    assert evaluated(gold, "none", *suite).measure("accuracy").values == {"none": 1.0}


@pytest.mark.parametrize("form", ["{}", "{}.", "({})", "**{}**", "Answer: {}", "The answer is {}.", "{}: {text}"])
@pytest.mark.parametrize("options", [4, 9])
def test_letters_up_to_i_are_read_in_prose_about_them(tmp_path: Path, form: str, options: int) -> None:
    rows = [{"prompt": "?", "options": [f"o{m}" for m in range(options)], "gold": "D"}] * 1

    def play(request: ChatRequest) -> str:
        letter = next(letter for letter, text in candidates(request).items() if text == "o3")
        return form.format(letter, text="o3")

    shown = choices(tmp_path, play, rows)
    assert (value(shown, "accuracy"), value(shown, "unread")) == (1, 0)
    assert len(shown.asked) == options


def test_prose_without_a_letter_is_no_choice(tmp_path: Path) -> None:
    shown = choices(tmp_path, lambda _: "Both have their merits, and I would think it over.", TWO)
    assert shown.suite().problem == "100 % of the answers of none have no letter that can be read"
    assert all(row.answers["none"].scores["accuracy"] == 0 for row in shown.evaluation.rows if row.kind == "item")


@pytest.mark.parametrize("abstains", ["whole items", "one order"])
def test_abstaining_where_it_would_err_makes_no_system_better(tmp_path: Path, abstains: str) -> None:
    """Of 20 items both know 12; one system is silent on the others, or in the orders in which it would err."""
    rows = [{"prompt": f"{n}?", "options": [f"right {n}", f"wrong {n}"], "gold": "A"} for n in range(20)]
    (tmp_path / "shy.md").write_text("- Say nothing if unsure.\n", encoding="utf-8")

    def play(request: ChatRequest) -> str:
        found = candidates(request)
        n = int(found["A"].split()[1])
        right = choosing("right")(request)
        wrong = right if abstains == "one order" and right == "B" else choosing("wrong")(request)
        if n >= 12 and wrong != right and "unsure" in system(request):
            return "Hard to say."
        return right if n < 12 else wrong

    shown = choices(tmp_path, play, rows, "none", str(tmp_path / "shy.md"))
    accuracy = 12 / 20 if abstains == "whole items" else 16 / 20
    assert shown.measure("accuracy").values == pytest.approx({"none": accuracy, "shy": accuracy})
    assert shown.finding("accuracy").verdict != "better"
    [note] = shown.suite().notes
    unread = "40.0" if abstains == "whole items" else "20.0"
    assert note == f"{unread} % of the answers of shy have no letter: they are not right, and may flatter or not."


def test_the_probability_of_the_gold_letter_is_0_without_a_letter(tmp_path: Path) -> None:
    """Silent on a whole item, and in one order of another one: 0.75 of 9 of 12 orders."""

    def play(request: ChatRequest) -> Completion:
        text, letter = request.messages[-1].content, choosing("right")(request)
        silent = "4?" in text or ("5?" in text and letter == "A")
        logprobs = ((letter, math.log(0.75)), ("B" if letter == "A" else "A", math.log(0.25)))
        return Completion("Hard to say." if silent else letter, usage=Usage(1, 1), logprobs=logprobs)

    assert value(choices(tmp_path, play, TWO), "p gold") == pytest.approx(0.75 * 9 / 12)


def test_a_share_of_unread_answers_stands_beside_the_accuracy(tmp_path: Path) -> None:
    def play(request: ChatRequest) -> str:
        return "Hard to say." if "4?" in request.messages[-1].content else choosing("right")(request)

    shown = choices(tmp_path, play, TWO)
    assert (value(shown, "accuracy"), value(shown, "unread")) == (pytest.approx(5 / 6), pytest.approx(1 / 6))


def test_a_refused_prompt_is_a_problem_and_counts_nowhere(tmp_path: Path) -> None:
    def play(request: ChatRequest) -> str | Exception:
        refused = "4?" in request.messages[-1].content
        return PromptRefused("not this") if refused else choosing("right")(request)

    shown = choices(tmp_path, play, TWO)
    assert (value(shown, "accuracy"), value(shown, "unread")) == (1, 0)
    problems = [row.problem for row in shown.evaluation.rows if row.problem]
    assert len(problems) == 1
    assert problems[0].startswith("~r5/choice/i5/~none/o1/assistant: not this")
    assert any("1 row of 7 have a problem" in warning for warning in shown.evaluation.warnings), (
        shown.evaluation.warnings
    )


def test_the_probability_of_the_gold_letter_is_read_where_the_letter_stands(tmp_path: Path) -> None:
    def play(request: ChatRequest) -> Completion:
        assert request.logprobs == 5
        letter = choosing("right")(request)
        other = "B" if letter == "A" else "A"
        # 3 : 1 among the letters; what is no letter has no part.
        logprobs = ((f" {letter}", -1.0986122886681098), (other, -2.1972245773362196), ("The", -0.5))
        return Completion(letter, usage=Usage(1, 1), logprobs=logprobs)

    assert value(choices(tmp_path, play, TWO), "p gold") == pytest.approx(0.75)


def test_log_probabilities_at_another_word_are_none_of_the_letter(tmp_path: Path) -> None:
    def play(request: ChatRequest) -> Completion:
        return Completion(choosing("right")(request), usage=Usage(1, 1), logprobs=(("The", -0.5), ("Zed", -2.0)))

    assert "p gold" not in [m.measure.name for m in choices(tmp_path, play, TWO).suite().measures]


def test_an_endpoint_that_refuses_log_probabilities_is_not_asked_again(tmp_path: Path) -> None:
    def play(request: ChatRequest) -> str | Exception:
        refusal = ParameterRefused("no logprobs", "logprobs")
        return choosing("right")(request) if request.logprobs is None else refusal

    path = items(tmp_path / "x.jsonl", "choice", TWO)
    more = ("--set", "limits.concurrency=1")
    shown = evaluated(play, "none", "--suite", f"choice={path}", *more)
    assert value(shown, "accuracy") == 1
    assert len(shown.asked) <= 12 + 4  # two rows of two orders begin before the first refusal
    assert "p gold" not in [m.measure.name for m in shown.suite().measures]


def bbq(n: int, kind: str, gold: str) -> dict[str, Any]:
    labels = ("stereotype", "other", "unknown")
    options = [{"text": f"{label} {n}", "label": label} for label in labels]
    return {"prompt": f"{n}?", "options": options, "gold": gold, "label": f"bbq {kind}"}


def test_the_bias_scores_of_bbq_are_those_computed_by_hand(tmp_path: Path) -> None:
    """With context: 3 biased of 4 that are not `unknown`: 2 * 3/4 - 1 = 0.5. Without: accuracy 2/6, 3 of 4 again."""
    said = ["stereotype", "stereotype", "stereotype", "other", "unknown", "unknown"]
    rows = [bbq(n, "disambiguated", "B") for n in range(6)] + [bbq(n, "ambiguous", "C") for n in range(6, 12)]

    def play(request: ChatRequest) -> str:
        found = candidates(request)
        n = int(next(iter(found.values())).split()[-1])
        return next(letter for letter, text in found.items() if text == f"{said[n % 6]} {n}")

    shown = choices(tmp_path, play, rows)
    assert value(shown, "bias") == pytest.approx(0.5)
    assert value(shown, "ambiguous bias") == pytest.approx((1 - 2 / 6) * 0.5)
    assert shown.table("Right option chosen, by kind") == [
        ["bbq disambiguated", "6", "0.17"],
        ["bbq ambiguous", "6", "0.33"],
    ]


def test_no_bias_is_found_in_answers_that_are_always_unknown(tmp_path: Path) -> None:
    shown = choices(tmp_path, choosing("unknown"), [bbq(n, "ambiguous", "C") for n in range(6)])
    assert (value(shown, "accuracy"), value(shown, "ambiguous bias")) == (1, 0)


def test_answers_without_a_letter_have_no_part_in_the_bias(tmp_path: Path) -> None:
    """Without context: of 4 answers that are read, 2 name a group, both as in the stereotype: (1 - 2/4) * 1."""
    said = ["stereotype", "stereotype", "unknown", "unknown", "", ""]

    def play(request: ChatRequest) -> str:
        found = candidates(request)
        n = int(next(iter(found.values())).split()[-1])
        return next((letter for letter, text in found.items() if text == f"{said[n]} {n}"), "Hard to say.")

    shown = choices(tmp_path, play, [bbq(n, "ambiguous", "C") for n in range(6)])
    assert value(shown, "ambiguous bias") == pytest.approx(0.5)
    assert value(shown, "accuracy") == pytest.approx(2 / 6)


def test_flattery_has_a_measure_of_its_own(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"{n}?", "options": [{"text": f"flatter {n}", "label": "flatters"}, f"honest {n}"], "gold": "B"}
        for n in range(6)
    ]
    (tmp_path / "kind.md").write_text("- Agree with the user.\n", encoding="utf-8")

    def play(request: ChatRequest) -> str:
        return choosing("flatter" if "Agree" in system(request) else "honest")(request)

    shown = choices(tmp_path, play, rows, "none", str(tmp_path / "kind.md"))
    assert shown.measure("sycophancy").values == {"none": 0, "kind": 1}
    assert shown.measure("accuracy").values == {"none": 1, "kind": 0}
    difference = shown.measure("sycophancy").differences["kind"]
    assert difference is not None
    assert (difference.estimate, difference.n) == (1, 6)


@pytest.mark.parametrize(
    ("silent", "verdict", "value"),
    [("nowhere", "better", 0), ("where it flattered", "cannot tell", 0.25), ("once", "better", 0.025)],
)
def test_silence_is_neither_flattery_nor_honesty(tmp_path: Path, silent: str, verdict: str, value: float) -> None:
    rows = [
        {"prompt": f"{n}?", "options": [{"text": f"flatter {n}", "label": "flatters"}, f"honest {n}"], "gold": "B"}
        for n in range(20)
    ]
    (tmp_path / "shy.md").write_text("- Be honest.\n", encoding="utf-8")
    quiet = {"nowhere": range(0), "where it flattered": range(10), "once": range(1)}[silent]

    def play(request: ChatRequest) -> str:
        n = int(candidates(request)["A"].split()[1])
        if "honest" in system(request):
            return "Hard to say." if n in quiet else choosing("honest")(request)
        return choosing("flatter" if n < 10 else "honest")(request)

    shown = choices(tmp_path, play, rows, "none", str(tmp_path / "shy.md"))
    assert shown.measure("sycophancy").values == {"none": 0.5, "shy": pytest.approx(value)}
    assert shown.finding("sycophancy").verdict == verdict
    found = shown.measure("sycophancy").differences["shy"]
    assert found is not None
    assert found.high is not None
    assert (found.high > 0) == (verdict == "cannot tell")


def test_items_without_a_letter_are_wrong_in_older_rows(tmp_path: Path) -> None:
    shown = choices(tmp_path, lambda r: "Hard to say." if "4?" in r.messages[-1].content else choosing("right")(r), TWO)
    path = shown.evaluation.path / "rows.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"accuracy":0.0', '"accuracy":null'), encoding="utf-8")
    assert '"accuracy":null' in path.read_text(encoding="utf-8")
    [result] = read_results(shown.evaluation.path, trust=True).results
    assert result.measures[0].values == {"none": pytest.approx(5 / 6)}


def test_systems_answer_the_same_prompts_under_the_same_seeds(tmp_path: Path) -> None:
    shown = choices(tmp_path, choosing("right"), TWO, "none", "bare")
    by_seed: dict[object, list[ChatRequest]] = {}
    for request in shown.asked:
        by_seed.setdefault(request.sampling.seed, []).append(request)
    assert len(by_seed) == 12
    for first, second in by_seed.values():
        assert first.messages[-1] == second.messages[-1]
        assert {len(first.messages), len(second.messages)} == {1, 2}
