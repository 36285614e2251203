"""The own parts of the benchmark of evaluations: planted faults, the truth about rules, and each part once, small."""

import random
import re

import pytest

from benchmarks.evaluate import coverage, judges, order, planted, regression, tenet
from benchmarks.evaluate.deaf import changed, contrary
from benchmarks.evaluate.planted import JUDGES, quality, written
from benchmarks.evaluate.playing import library
from benchmarks.evaluate.shares import counted
from scai_cli.measures.conditions import split_rule
from scai_cli.measures.requested import requested
from scai_cli.simulation.rater_check import PAIRS

SYSTEM = "You help.\n\n1. Use bullet points.\n2. Mention family.\n\n- When the user is ill: Be brief."


def test_a_deaf_assistant_loses_one_rule_or_gets_its_contrary():
    assert changed(SYSTEM, "without", 2) == SYSTEM.replace("2. Mention family.\n", "")
    lines = changed(SYSTEM, "against", 3).splitlines()
    assert lines[:-1] == SYSTEM.splitlines()[:-1]
    condition, asked = split_rule(lines[-1])
    assert condition == "the user is ill"
    assert requested(asked) == {"concise": -1.0}
    assert requested(contrary("1. Use bullet points.")) == {"bullet_list": -1.0}


def test_a_rule_that_a_habit_or_another_rule_replaces_is_not_broken_without_it():
    rules = ("Mention family where it is touched.", "Write in everyday language.", "Use bullet points.")
    assert tenet.is_needed(rules[0], rules)
    assert not tenet.is_needed(rules[1], rules)  # the assistant writes so anyway
    assert not tenet.is_needed(rules[2], (*rules, "When the user is ill: Lay the options out as a list."))
    assert tenet.is_kept(rules[2], rules)


def test_planted_judges_prefer_by_quality_and_by_their_bias():
    rng = random.Random(1)
    good, plain = "Quality 0.100. one two", "Quality 0.000. " + "word " * 102
    assert quality(written(0.25, rng)) == 0.25
    assert JUDGES["fair"].prefers(good, plain) == pytest.approx(0.6)
    assert JUDGES["first"].prefers(good, plain) == pytest.approx(0.8)
    assert JUDGES["longer"].prefers(good, plain) == pytest.approx(0.5)
    assert JUDGES["wrong"].prefers("Quality 0.500.", "Quality 0.000.") == pytest.approx(0.9)
    assert all(bias.prefers(PAIRS[0]["good"], PAIRS[0]["bad"]) == 1.0 for bias in JUDGES.values())
    drawn = [planted.hard(rng) for _ in range(400)]
    assert sum(value > 0 for value in drawn) / len(drawn) == pytest.approx(0.65, abs=0.06)


def test_the_library_has_tasks_that_ask_for_no_harm():
    tasks = library()
    assert len({task.id for task in tasks}) == len(tasks) > 60
    assert all(task.kind != "red-team" for task in tasks)


def test_a_share_has_its_interval():
    assert counted(45, 50) == "45 of 50 (90.0 %, 79 to 96)"
    assert counted(0, 0) == "none"


@pytest.mark.slow
def test_none_learned_and_best_are_in_order():
    found = order.values(2026, 0)
    for side in (found.suite, found.true):
        assert side["none"] < side["learned"] < side["best"]
    assert found.verdicts["best"] == "better"


@pytest.mark.slow
def test_a_harmed_group_is_named():
    found = regression.losers(2026)
    assert found["harms"].harmed
    assert not found["helps all"].harmed


@pytest.mark.slow
def test_a_broken_rule_is_named():
    found = tenet.broken(2028, 2)
    assert found is not None
    assert all(found.planted in found.broken[kind] for kind in tenet.KINDS)
    assert found.planted not in found.broken["learned"]


@pytest.mark.slow
def test_a_planted_judge_is_seen_through(monkeypatch):
    monkeypatch.setattr(judges, "PROMPTS", 200)
    found = judges.judged("first", 1)
    assert found.biases == pytest.approx((0.2, 0.2), abs=0.1)
    assert found.rates == pytest.approx((found.fair,) * 2, abs=0.1)


@pytest.mark.slow
def test_a_data_set_has_an_interval_for_new_people_and_tasks(monkeypatch):
    monkeypatch.setattr(coverage, "_LARGE", 24)
    rows = {row.what: row.found for row in coverage.rows(2026, 1)}
    assert rows["for whom, as the verdict says"] == "new people and tasks, from 8 people and 4 tasks"
    assert re.match(r"[01] of 1 ", rows["the interval of the learned rules against themselves contains 0"])
