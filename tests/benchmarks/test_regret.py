"""The benchmark's own parts: societies, the truth about them, the search, and the budget of calls."""

from statistics import fmean

import pytest

from benchmarks.regret import tables
from benchmarks.regret.judging import BASELINE, Job, judge
from benchmarks.regret.playing import budget, played
from benchmarks.regret.search import best
from benchmarks.regret.societies import KINDS, SIZES, benchmark, society
from benchmarks.regret.truth import JUDGING, SEARCHED, utilities, worth
from scai_cli.experiment.constitution import Add, Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.messages import rough_tokens


def test_there_are_sixty_societies_and_each_is_the_same_every_time():
    drawn = benchmark(1)
    assert len(drawn) == len(KINDS) * len(SIZES) >= 50
    assert {len(one.people) for one in drawn} >= {3, 30}
    assert drawn == benchmark(1) != benchmark(2)


@pytest.mark.parametrize("seed", range(5))
def test_the_manipulator_demands_what_nobody_else_wants(seed):
    one = society(seed, "mixed", 8)
    schemer, *others = one.people
    assert schemer.id == one.manipulator
    assert schemer.preferences[one.demanded] == 1.0
    assert all(other.preferences.get(one.demanded, 0.0) <= 0 for other in others)
    assert sum(other.preferences.get(one.demanded, 0.0) < 0 for other in others) >= 1
    assert [p.id for p in one.people if p.attributes.get("conduct") == "rates at random"] == ["u1"]


def test_the_truth_knows_who_is_served():
    person = Persona(id="ann", preferences={"thrift": 1.0, "humorous": -0.5})
    plain, thrifty, jolly = (worth(person, rules, JUDGING) for rules in ("", "- Mention thrift.", "- Make jokes."))
    assert jolly < plain < thrifty - 0.3


@pytest.mark.slow
def test_the_best_constitution_keeps_the_limits_and_is_better_for_those_it_is_for():
    one = society(3, "strong", 3)
    found = best(one)
    assert rough_tokens(len(found.render())) <= 400
    assert len(found.principles) <= 10
    assert fmean(utilities(one, found)) > fmean(utilities(one, Constitution())) + 0.2
    wish = Constitution().apply([Add(text="Make jokes.")], epoch=0)
    assert fmean(utilities(one, found, SEARCHED)) > fmean(utilities(one, wish, SEARCHED))


def test_a_run_ends_with_its_calls():
    one = society(3, "mild", 3)
    assert budget(one) == 12 * (3 * 2 * 4 + 1)
    outcome = played(one, {"strategy": "edits", "acceptance": "both"}, {}, 120)
    assert outcome.calls == 120
    assert outcome.epochs < 5
    assert played(one, {"strategy": "edits"}, {}, 10).product == Constitution()


@pytest.mark.slow
def test_rows_become_tables():
    names = (BASELINE, "grounded + always")
    judged = [judge(Job(society(n, "manipulator", 3), names)) for n in range(2)]
    rows = [row for one in judged for row in one.rows]
    assert {row.rate for row in rows} == {1.0}
    assert all(row.ruled is not None and row.calls <= row.budget for row in rows)
    lines = list(tables.main_table(rows))
    assert len(lines) == 4
    assert sum(BASELINE in line for line in lines) == 1
    assert "of 4 runs came out above" in tables.search_quality(judged)
