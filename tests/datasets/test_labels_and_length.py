"""Labels that say something, pairs balanced in length, and what an export says about both."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from conftest import scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.datasets.describe.description import describe
from scai_cli.datasets.export.draw import Candidates
from scai_cli.datasets.export.summary import LabelBalance, SummaryBuilder
from scai_cli.datasets.samples.sample import Answer, Origin, Turn

RULED = """\
name: ruled
seed: 4
epochs: 1
turns: 2
personas:
  - {id: ann, preferences: {concise: 1.0, warm: 0.5}}
  - {id: bob, preferences: {detailed: 1.0, formal: 0.5}}
  - {id: cid, preferences: {names_source: 1.0, warm: -0.5}}
tasks:
  - {id: tea, prompt: How do I make a pot of tea?}
  - {id: sleep, prompt: What helps against bad sleep?}
  - {id: letter, prompt: How do I write to my landlord?}
constitution: {principles: [Say it in few words., Name a source., Be friendly.]}
revision: {acceptance: improves, margin: 1}
limits: {concurrency: 1}
"""


@pytest.fixture(scope="session")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run under three principles, and a set of 36 rows generated from it."""
    folder = tmp_path_factory.mktemp("ruled")
    (folder / "x.yaml").write_text(RULED, encoding="utf-8")
    assert scai("run", folder / "x.yaml", "--runs-dir", folder, "-q").code == 0
    options = ("--n", "36", "--run-id", "rows", "--set", "generate.initial=none", "--set", "generate.k=2", "-q")
    called = scai("generate", folder / "ruled", "--runs-dir", folder, *options)
    assert called.code == 0, called.err
    return folder / "ruled"


@pytest.fixture
def rows(ruled: Path) -> Path:
    return ruled.parent / "rows"


def exported(path: Path, form: str, *options: object) -> list[dict[str, Any]]:
    called = scai("export", path, "--format", form, *options)
    assert called.code == 0, called.err
    return [json.loads(line) for line in called.out.splitlines()]


def labels(path: Path, *options: object) -> dict[str, bool]:
    """Answer's id -> its label."""
    found = exported(path, "kto", *options)
    return {json.loads(row["provenance"])["messages"][0]: row["label"] for row in found}


def utilities(rows: Path) -> dict[str, dict[str, float]]:
    """Row -> answer's id -> the mean of its ratings, from 0 to 1."""
    found: dict[str, dict[str, list[float]]] = {}
    for line in (rows / "rows.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for rating in row["ratings"]:
            if rating["value"] is not None:
                found.setdefault(row["id"], {}).setdefault(rating["answer"], []).append(rating["value"] / 10)
    return {row: {name: sum(v) / len(v) for name, v in answers.items()} for row, answers in found.items()}


def test_an_answer_is_good_if_it_is_better_than_the_mean_of_its_row(rows: Path) -> None:
    expected = {}
    for answers in utilities(rows).values():
        mean = sum(answers.values()) / len(answers)
        expected |= {name: value > mean for name, value in answers.items() if abs(value - mean) > 1e-9}
    found = labels(rows)
    assert found == expected
    assert 0.3 < sum(found.values()) / len(found) < 0.7
    called = scai("export", rows, "--format", "kto")
    assert f"{3 * 36 - len(found)} rated like its competitors" in called.err
    assert f"labels: {sum(found.values())} good, {len(found) - sum(found.values())} bad" in called.err


def test_the_labels_agree_with_the_pairs_of_the_same_rows(rows: Path) -> None:
    found = labels(rows)
    pairs = [json.loads(row["provenance"])["messages"] for row in exported(rows, "dpo", "--labels", "ratings")]
    both = [(found[chosen], found[rejected]) for chosen, rejected in pairs if {chosen, rejected} <= found.keys()]
    assert len(both) > 20
    assert sum(pair == (True, False) for pair in both) / len(both) > 0.9


def test_a_threshold_may_be_the_median_or_a_number(rows: Path) -> None:
    known = {name: value for answers in utilities(rows).values() for name, value in answers.items()}
    assert labels(rows, "--kto-threshold", "median") == {n: v >= median(known.values()) for n, v in known.items()}
    assert labels(rows, "--kto-threshold", "0.75") == {n: v >= 0.75 for n, v in known.items()}


def test_in_a_run_the_final_answers_to_one_task_compete(ruled: Path) -> None:
    found = labels(ruled)
    assert all(name.endswith("/m3") for name in found)
    assert set(found.values()) == {True, False}
    assert {name: good for name, good in found.items() if "/ann/" in name} == labels(ruled, "--persona", "ann")
    assert "without a rated competitor" in scai("export", ruled, "--format", "kto").err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--format dpo --kto-threshold 0.5", "--kto-threshold labels answers good or bad, and this format has no"),
        ("--format system --kto-threshold prompt", "--kto-threshold: the format 'system' exports whole runs"),
        ("--format kto --kto-threshold mean", "write prompt, median, or a number from 0 to 1"),
        ("--format kto --kto-threshold nan", "write prompt, median, or a number from 0 to 1"),
        ("--format kto --kto-threshold 7", "write prompt, median, or a number from 0 to 1"),
        ("--format sft --balance-length", "--balance-length balances pairs of answers, and this format has none"),
        ("--format kto --balance-length", "--balance-length balances pairs of answers, and this format has none"),
        ("--format system --balance-length", "--balance-length: the format 'system' exports whole runs"),
        ("--format sft --system=", "--system: the text is empty; write drop, keep or a text"),
    ],
)
def test_an_option_without_meaning_is_one_line(ruled: Path, options: str, said: str) -> None:
    called = scai("export", ruled, *options.split())
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert said in called.err


def test_the_weights_are_those_that_kto_wants() -> None:
    for good in range(1, 60):
        for bad in range(1, 60):
            weights = LabelBalance.of(good, bad).weights
            ratio = weights.get("desirable_weight", 1) * good / (weights.get("undesirable_weight", 1) * bad)
            assert 1 <= round(ratio, 1) <= 1.4, (good, bad)
            assert len(weights) <= 1
    assert LabelBalance.of(5, 0).line() == "labels: 5 good, 0 bad; KTO needs both"
    assert LabelBalance.of(10, 40).line() == "labels: 10 good, 40 bad; desirable_weight=4.0 balances them"


RATIOS = st.lists(st.tuples(st.floats(-1, 1), st.sampled_from(["train", "test"])), max_size=60)


@given(RATIOS, st.integers(1, 80) | st.none(), st.randoms(use_true_random=False))
def test_chosen_pairs_are_balanced_whatever_their_order(
    pairs: list[tuple[float, str]], most: int | None, rng: random.Random
) -> None:
    keys = rng.sample(range(10_000), len(pairs))
    numbered = [(key, ratio, file) for key, (ratio, file) in zip(keys, pairs, strict=True)]

    def kept() -> set[int]:
        candidates = Candidates()
        for key, ratio, file in numbered:
            candidates.add(key, 1, file, ratio)
        draw = candidates.draw(most, balance=True)
        return {key for key, _, _ in numbered if draw.reason_against(key) is None}

    found = kept()
    for name in ("train", "test"):
        ratios = [ratio for key, ratio, file in numbered if file == name and key in found]
        assert math.fsum(ratios) <= 1e-6
        assert sum(ratio > 0 for ratio in ratios) <= sum(ratio < 0 for ratio in ratios)
        assert all(key in found for key, ratio, file in numbered if most is None and file == name and ratio <= 0)
    assert most is None or len(found) <= most
    rng.shuffle(numbered)
    assert kept() == found


def test_pairs_that_need_no_balance_are_all_kept() -> None:
    candidates = Candidates()
    for key, ratio in enumerate((0.3, -0.3, 0.1, -0.2, 0.0)):
        candidates.add(key, 1, "train", ratio)
    assert not candidates.draw(None, balance=True).longer


@pytest.mark.parametrize(("one", "two"), [(2, 5), (4, 5), (5, 8), (2, 3)])
def test_two_pairs_that_mirror_each_other_are_balanced(one: int, two: int) -> None:
    candidates = Candidates()
    for key, ratio in enumerate((math.log(one / two), math.log(two / one))):  # their sum need not be 0
        candidates.add(key, 1, "train", ratio)
    assert not candidates.draw(None, balance=True).longer


def test_as_many_pairs_are_left_out_as_the_classes_have_too_many() -> None:
    candidates = Candidates()
    for key, ratio in enumerate([0.5] * 30 + [-0.5] * 20 + [0.1] * 15 + [-0.1] * 15):
        candidates.add(key, 1, "train", ratio)
    longer = candidates.draw(None, balance=True).longer
    assert len(longer) == 10
    assert longer <= set(range(30))  # the class where length predicts the choice


def lengths(found: list[dict[str, Any]]) -> list[float]:
    return [math.log(len(row["chosen"][0]["content"]) / len(row["rejected"][0]["content"])) for row in found]


def test_balanced_pairs_are_some_of_the_pairs_in_their_order(ruled: Path) -> None:
    whole = exported(ruled, "dpo")
    some = exported(ruled, "dpo", "--balance-length")
    assert some == [row for row in whole if row in some]
    assert sum(lengths(some)) <= 1e-6
    assert some == exported(ruled, "dpo", "--balance-length")
    few = exported(ruled, "dpo", "--balance-length", "--max-rows", 9)
    assert 0 < len(few) <= 9
    assert sum(lengths(few)) <= 1e-6
    options = ("--split", "train=0.5,test=0.5", "--split-by", "task", "-o", "x.jsonl")
    called = scai("export", ruled, "--format", "dpo", "--balance-length", *options)
    assert called.code == 0, called.err
    for name in ("x.train.jsonl", "x.test.jsonl"):
        found = [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]
        assert sum(lengths(found)) <= 1e-6


@pytest.mark.parametrize("form", ["sft", "dpo", "kto"])
def test_an_export_says_what_describe_finds_in_it(rows: Path, form: str) -> None:
    called = scai("export", rows, "--format", form, "-o", "D/")
    told = json.loads(Path("D/manifest.json").read_text(encoding="utf-8"))["summary"]
    found = describe(Path("D")).as_object()
    assert told["self_bleu"] == pytest.approx(found["diversity"]["self_bleu"])
    assert told["self_bleu_of"] == found["diversity"]["self_bleu_of"]
    if form == "dpo":
        assert sum(told["pairs"]["by"].values()) == found["rows"]
        assert told["pairs"]["longer"] == found["length_bias"]["chosen_longer"]
    if form == "kto":
        assert {name: told["labels"][name] for name in ("good", "bad")} == {
            name: found["labels"][name] for name in ("good", "bad")
        }
    card = Path("D/README.md").read_text(encoding="utf-8")
    lines = [line for line in called.lines if line.startswith(("pairs:", "length:", "labels:", "self-BLEU"))]
    assert len(lines) == {"sft": 1, "dpo": 3, "kto": 2}[form]
    assert len(called.lines) <= 8
    for line in lines:
        assert f"- {line}".replace("[", "\\[").replace("]", "\\]").replace("_", "\\_") in card


def test_the_length_is_a_geometric_mean_and_the_margin_a_median(ruled: Path) -> None:
    found = exported(ruled, "dpo")
    margins = [json.loads(row["provenance"])["margin"] for row in found]
    (line,) = [line for line in scai("export", ruled, "--format", "dpo").lines if line.startswith("length:")]
    ratio = math.exp(sum(lengths(found)) / len(found)) - 1
    assert line.startswith(f"length: chosen against rejected {100 * ratio:+.0f} % [")
    assert f"pairs: {len(found)} by ratings; " in scai("export", ruled, "--format", "dpo").err
    assert f"median margin {median(margins):.3g} of 10" in scai("export", ruled, "--format", "dpo").err


def an_answer(prompt: str, text: str, system: str) -> Answer:
    origin = Origin("run", "r1", ("r1/final",), None, 0, (), (), (), (), None, (), "tea")
    return Answer(system, (Turn("user", prompt),), text, (), origin)


@pytest.mark.parametrize("keeps_system", [False, True])
def test_prompts_whose_answers_differ_by_rules_that_rows_do_not_have_are_counted(keeps_system: bool) -> None:
    builder = SummaryBuilder(0, keeps_system)
    for prompt, text, system in (
        ("tea?", "short", "A"), ("tea?", "long", "B"), ("tea?", "with a source", "B"),
        ("sleep?", "short", "A"), ("sleep?", "short", "B"),  # the same answer
        ("rain?", "one", "A"), ("rain?", "two", "A"),  # drawn twice under the same rules: nothing sets them apart
        ("snow?", "one", "A"),
    ):  # fmt: skip
        builder.add(an_answer(prompt, text, system))
    summary = builder.summary({}, set())
    assert (summary.shared_prompts, summary.most_answers) == ((0, 0) if keeps_system else (1, 3))
