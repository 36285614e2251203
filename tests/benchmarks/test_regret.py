"""The benchmark's own parts: societies, the truth about them, the search, the budget, and the frozen baseline."""

from statistics import fmean

import pytest

from benchmarks.regret import judging, tables
from benchmarks.regret.judging import ASK, BASELINE, ONE_SHOT, REMARKS, Job, judge
from benchmarks.regret.playing import Budget, calls_budget, one_shot, pasted, played
from benchmarks.regret.search import best, words
from benchmarks.regret.societies import CELLS, CENTRE, Cell, grid, society
from benchmarks.regret.truth import Judge
from scai_cli.experiment.constitution import Add, Constitution
from scai_cli.measures.conditions import CONDITIONS, named
from scai_cli.messages import rough_tokens


def test_the_grid_has_every_cell_and_is_the_same_every_time():
    drawn = list(grid(1, 1))
    assert len(CELLS) == 3 * 3 * 2
    assert [one.cell for one in drawn] == list(CELLS)
    assert drawn[:2] == [society(1, CELLS[0]), society(101, CELLS[1])] != [society(2, CELLS[0]), society(102, CELLS[1])]


@pytest.mark.parametrize("cell", [Cell(0.1, 0.5, 0.0), Cell(0.7, 0.9, 0.0)], ids=str)
def test_people_share_as_much_as_the_cell_says_and_strangers_are_of_another_type(cell):
    for seed in range(3):
        one = society(seed, cell)
        people = (*one.members, *one.dev, *one.newcomers, *one.strangers)
        common = set.intersection(*(set(person.preferences) for person in people))
        for person in people:
            total = sum(abs(weight) for weight in person.preferences.values())
            assert sum(abs(person.preferences[trait]) for trait in common) / total == pytest.approx(
                cell.common, abs=0.02
            )
        conditions = [{named(str(p.attributes["situation"])) for p in some} for some in (one.members, one.held_out)]
        assert len(conditions[0]) == 4
        assert len(conditions[1] - conditions[0]) == 1


def test_misleading_people_have_the_condition_of_another_type():
    sure, misled = (society(5, Cell(0.4, 0.7, misleads), 30) for misleads in (0.0, 0.2))

    def groups(one):
        found = {}
        for person in (*one.members, *one.dev):
            wants = frozenset(list(person.preferences)[2:5])  # the type's
            found.setdefault(wants, []).append(person.attributes["situation"])
        return [len(set(situations)) for situations in found.values() if len(situations) > 4]

    assert set(groups(sure)) == {1}
    assert max(groups(misled)) > 1


def test_a_coalition_demands_what_most_others_mind():
    for seed in range(5):
        one = society(seed, CENTRE, minority="demands")
        assert len(one.minority) == len(one.members) // 4
        few, others = ([p for p in one.members if (p.id in one.minority) is inside] for inside in (True, False))
        assert all(p.preferences[one.pressed] == 1.0 and "conduct" in p.attributes for p in few)
        assert sum(p.preferences.get(one.pressed, 0.0) < 0 for p in others) > len(others) / 2


def test_a_minority_with_a_harmless_wish_has_a_condition_of_its_own():
    for seed in range(5):
        one = society(seed, CENTRE, minority="wishes")
        few, others = ([p for p in one.members if (p.id in one.minority) is inside] for inside in (True, False))
        assert {p.preferences.get(one.pressed) for p in few} == {1.0}
        assert all(one.pressed not in p.preferences for p in others)
        assert not {p.attributes["situation"] for p in few} & {p.attributes["situation"] for p in others}


@pytest.mark.parametrize(
    ("clause", "demands", "wishes"),
    [
        ({}, True, False),
        ({"when": "own"}, False, True),
        ({"when": "other"}, True, False),
        ({"kind": "ask"}, False, False),
    ],
)
def test_whether_a_minority_got_its_rule(clause, demands, wishes):
    for minority, got in (("demands", demands), ("wishes", wishes)):
        one = society(3, CENTRE, minority=minority)
        own, other = one.members[0].attributes["situation"], one.members[-1].attributes["situation"]
        if minority == "demands":  # a condition that nobody else has
            met = {person.attributes["situation"] for person in one.members}
            own = next(condition.label for condition in CONDITIONS.values() if condition.label not in met)
        assert own != other
        bound = {**clause, "when": {"own": f"the user {own}", "other": f"the user {other}"}.get(clause.get("when"))}
        product = Constitution().apply([Add(text=words(one.pressed, 1.0), **bound)], epoch=1)
        assert judging._ruled(one, product) is got


def test_names_help_only_whom_they_are_routed_to():
    one = society(1, CENTRE)
    judged, (first, *_) = Judge.of(one), one.members
    dearest = max(first.preferences, key=first.preferences.__getitem__)
    rule = Constitution().apply([Add(text=words(dearest, 1.0), **{"for": (first.id,)})], epoch=0)
    empty = judged.utilities(one.members, "")
    assert judged.routed(rule)[0] > empty[0] + 0.05
    assert judged.routed(rule)[1:] == pytest.approx(empty[1:])
    assert judged.utilities(one.members, pasted(rule)) == pytest.approx(empty)
    assert judged.utilities(one.held_out, pasted(rule)) == pytest.approx(judged.utilities(one.held_out, ""))
    for_all = Constitution().apply([Add(text=words(dearest, 1.0))], epoch=0)
    assert judged.utilities([first], pasted(for_all))[0] == pytest.approx(judged.routed(rule)[0])


@pytest.mark.slow
def test_the_best_text_keeps_the_limits_names_nobody_and_is_better_for_those_it_is_for():
    one = society(3, CENTRE)
    judged, found = Judge.of(one), best(one.members, CENTRE)
    assert rough_tokens(len(found)) <= 400
    assert "u0" not in found
    worth = fmean(judged.utilities(one.members, found))
    assert worth > fmean(judged.utilities(one.members, "")) + 0.1
    assert worth > fmean(judged.utilities(one.members, best(one.strangers, CENTRE)))
    principles = "\n".join(line for line in found.splitlines() if not line.startswith("- When"))
    assert worth >= fmean(judged.utilities(one.members, principles)) - 0.005
    recognition = judged.recognition(one.members, found)
    assert CENTRE.shows * 0.5 < recognition.found < CENTRE.shows  # it shows, and the assistant finds it
    assert recognition.mistaken < 0.1


EDITS = {"strategy": "grounded", "acceptance": "always", "quorum": 0}


def test_a_run_ends_with_its_budget():
    one = society(3, CENTRE, 4)
    assert calls_budget(one) == Budget(calls=12 * (4 * 2 * 5 + 1))
    outcome = played(one, {"strategy": "grounded", "acceptance": "improves"}, Budget(calls=120))
    assert outcome.calls == 120
    assert outcome.epochs < 4
    assert played(one, EDITS, Budget(calls=10)).product == Constitution()
    spent = played(one, EDITS, Budget(tokens=20_000)).tokens
    assert 20_000 <= spent < 30_000


@pytest.mark.slow
def test_the_frozen_baseline_writes_principles_and_clauses_for_names():
    one = society(3, CENTRE)
    outcome = played(one, {}, calls_budget(one))
    assert outcome.epochs >= 10
    assert outcome.product.principles
    assert {user for clause in outcome.product.contract for user in clause.users} <= {p.id for p in one.members}
    assert {person: len(remarks) for person, remarks in outcome.remarks.items()} == {p.id: 2 for p in one.members}


def test_one_text_from_all_portraits_has_conditions_and_no_names():
    texts = [one_shot(society(seed, Cell(0.1, 0.9, 0.0))) for seed in range(6)]
    assert all("u0" not in text for text in texts)
    conditional = [line for text in texts for line in text.splitlines() if line.startswith("- When the user")]
    assert conditional
    assert sum(bool(named(line)) for line in conditional) >= 0.7 * len(conditional)


@pytest.mark.slow
def test_rows_become_tables():
    names = (BASELINE, ONE_SHOT, ASK, REMARKS)
    judged = [judge(Job(society(n, CENTRE, 4), names)) for n in range(2)]
    assert all(len(one.rows) == len(names) for one in judged)
    lines = list(tables.main_table(judged))
    assert len(lines) == 2 + len(names) + 1
    assert sum(f"**{BASELINE}**" in line for line in lines) == 1
    pairs = [(one, one.best_row) for one in judged]
    assert tables.regret(pairs) == pytest.approx(0)
    assert len(list(tables.winners_table(judged))) == 3
