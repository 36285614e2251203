"""Weights from the margins of a survey, and panels that meet quotas."""

from __future__ import annotations

import json
import random
from collections import Counter
from math import ceil, floor
from pathlib import Path

import pytest
from conftest import scai
from hypothesis import given, settings
from hypothesis import strategies as st

from scai_cli.errors import ConfigError
from scai_cli.experiment.personas import Persona
from scai_cli.populations.quota_panel import divide
from scai_cli.populations.quota_text import parse_quota
from scai_cli.populations.raking import effective_size, rake

SHARE = st.integers(1, 9)
WEIGHT = st.floats(0.1, 10)


def person(number: int, weight: float = 1.0, **attributes: str) -> Persona:
    return Persona(id=f"p{number}", weight=weight, attributes=attributes)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(SHARE, min_size=6, max_size=6),
    st.lists(WEIGHT, min_size=16, max_size=16),
    st.sets(st.integers(8, 15), max_size=3),
    st.randoms(use_true_random=False),
)
def test_margins_are_met_whatever_the_order(
    shares: list[int], weights: list[float], unknown: set[int], rng: random.Random
):
    people = [
        person(n, weight, sex="fm"[n % 2], **({} if n in unknown else {"land": "KPQR"[n // 2 % 4]}))
        for n, weight in enumerate(weights)
    ]
    quotas = [parse_quota("sex=f:{},m:{}".format(*shares)), parse_quota("land=K:{2},P:{3},Q:{4},R:{5}".format(*shares))]
    found = rake(people, quotas)
    assert all(abs(share.wanted - share.after) < 1e-6 for share in found.shares)
    assert min(p.weight for p in found.people) > 0
    assert sum(p.weight for p in found.people) == pytest.approx(sum(weights))
    of_lands = Counter[str]()
    for p in found.people:
        of_lands[str(p.attributes.get("land"))] += p.weight
    of_lands.pop("None", None)
    assert [of_lands[land] / of_lands.total() * sum(shares[2:]) for land in "KPQR"] == pytest.approx(
        shares[2:], rel=1e-5
    )
    assert found.others == ({"land": len(unknown)} if unknown else {})
    rng.shuffle(people)
    again = {p.id: p.weight for p in rake(people, quotas[::-1]).people}
    assert again == pytest.approx({p.id: p.weight for p in found.people}, rel=1e-5)


def test_nothing_changes_where_the_shares_are_met():
    people = [person(n, 2.5, sex="fm"[n % 2]) for n in range(6)]
    assert [p.weight for p in rake(people, [parse_quota("sex=f,m")]).people] == [2.5] * 6


def test_a_limit_of_weights_is_kept():
    people = [person(n, sex="f" if n < 10 else "m", land="K" if n % 10 < 2 else "P") for n in range(100)]
    quotas = [parse_quota("sex=f,m"), parse_quota("land=K:30,P:70")]
    free, limited = rake(people, quotas), rake([person(99, 9, sex="f", land="P"), *people], quotas, 5.5)
    assert (round(free.largest, 2), limited.largest <= 5.5 + 1e-6) == (7.5, True)
    assert all(abs(share.wanted - share.after) < 1e-6 for share in limited.shares)
    with pytest.raises(ConfigError, match=r"--max-weight 4.9: .* without it the largest weight is 7.5 means: raise it"):
        rake(people, quotas, 4.9)


@pytest.mark.slow
def test_margins_that_contradict_each_other_are_named():
    people = [person(n, sex="f" if n < 5 else "m", land="K" if n < 5 else "P", age=str(n % 2)) for n in range(10)]
    quotas = [parse_quota(text) for text in ("age=0,1", "land=K:30,P:70", "sex=f:70,m:30")]
    with pytest.raises(ConfigError, match="the shares of land and sex cannot be met together"):
        rake(people, quotas)
    with pytest.raises(ConfigError, match=r"--quota sex: no persona has 'x'; there are 'f' \(5\), 'm' \(5\)"):
        rake(people, [parse_quota("sex=f:70,x:30")])


@given(st.lists(WEIGHT, min_size=1, max_size=9))
def test_unequal_weights_count_for_fewer_people(weights: list[float]):
    assert 1 <= effective_size(weights) <= len(weights) * (1 + 1e-9)
    assert effective_size([weights[0]] * len(weights)) == pytest.approx(len(weights))


CELLS = st.dictionaries(st.sampled_from([(s, t, u) for s in "ab" for t in "cd" for u in "ef"]), st.integers(1, 9))


@settings(max_examples=10, deadline=None)
@given(CELLS.filter(lambda cells: len(cells) > 4), st.integers(1, 12), st.integers(0, 2), st.integers(0, 9))
def test_a_panel_meets_its_quotas_or_says_which_it_cannot(
    cells: dict[tuple[str, ...], int], size: int, slack: int, seed: int
):
    quotas = [parse_quota(text) for text in ("s=a:60,b:40", "t=c,d", "u=e:30,f:70")]
    try:
        drawn, (low, high) = divide({cell: [1.0] * n for cell, n in cells.items()}, quotas, size, slack, seed)
    except ConfigError:
        return
    assert sum(drawn.values()) == size
    assert 0 <= low <= high <= 1
    for place, quota in enumerate(quotas):
        for part in quota.parts:
            taken = sum(n for cell, n in drawn.items() if cell[place] == part.label)
            assert abs(taken - part.share * size) < 1 + slack
    assert all(0 <= drawn[cell] <= there for cell, there in cells.items())


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(CELLS.filter(lambda cells: len(cells) > 4), st.integers(1, 12), st.integers(0, 1))
def test_a_panel_is_found_where_an_exact_solver_finds_one(cells: dict[tuple[str, ...], int], size: int, slack: int):
    from scipy.optimize import Bounds, LinearConstraint, milp

    quotas = [parse_quota(text) for text in ("s=a:60,b:40", "t=c,d", "u=e:30,f:70")]
    names = sorted(cells)
    parts = [(place, part) for place, quota in enumerate(quotas) for part in quota.parts]
    rows = [[float(name[place] == part.label) for name in names] for place, part in parts] + [[1.0] * len(names)]
    low = [floor(part.share * size + 1e-9) - slack for _, part in parts] + [size]
    high = [ceil(part.share * size - 1e-9) + slack for _, part in parts] + [size]
    exact = milp(
        [0.0] * len(names), constraints=LinearConstraint(rows, low, high),
        bounds=Bounds(0, [cells[name] for name in names]), integrality=[1] * len(names),
    )  # fmt: skip
    try:
        divide({cell: [1.0] * n for cell, n in cells.items()}, quotas, size, slack, 1)
    except ConfigError:
        assert not exact.success
    else:
        assert exact.success


def test_a_panel_is_found_that_leaves_no_chance_to_some():
    quotas = [parse_quota("sex=f,m"), parse_quota("income=low,middle,high")]
    cells = {("f", "low"): 2, ("f", "middle"): 3, ("f", "high"): 2, ("m", "low"): 5, ("m", "high"): 1}
    drawn, _ = divide({cell: [1.0] * n for cell, n in cells.items()}, quotas, 6, 0, 1)
    assert drawn == {("f", "low"): 0, ("f", "middle"): 2, ("f", "high"): 1, ("m", "low"): 2, ("m", "high"): 1}


@pytest.mark.slow
def test_chances_of_a_panel_are_as_stated():
    quotas = [parse_quota("s=a,b"), parse_quota("t=c,d")]
    cells = {("a", "c"): [1.0] * 30, ("a", "d"): [1.0] * 10, ("b", "c"): [1.0] * 10, ("b", "d"): [1.0] * 10}
    drawn = Counter[tuple[str, ...]]()
    for seed in range(400):
        numbers, chances = divide(cells, quotas, 9, 0, seed)
        drawn.update(numbers)
    lowest, highest = (drawn[cell] / 400 / len(cells[cell]) for cell in (("a", "c"), ("b", "d")))
    assert (lowest, highest) == pytest.approx(chances, abs=0.02)
    assert chances[1] > 1.5 * chances[0]  # a panel without quotas would give each 0.15


PEOPLE = [
    {"id": f"p{n}", "attributes": {"sex": "fm"[n % 2], "age": 20 + n} | ({"land": "K"} if n else {}), "weight": 1 + n}
    for n in range(8)
]


@pytest.fixture
def people() -> str:
    Path("people.jsonl").write_text("\n".join(map(json.dumps, PEOPLE)), encoding="utf-8")
    return "people.jsonl"


def test_people_are_weighed_to_a_file(people: str):
    called = scai("personas", "weigh", people, "--quota", "sex=f:75,m:25", "--quota", "land=K:1", "-o", "w.yaml")
    assert called.lines == [
        "land=K: 100.0% to 100.0% of the weight (7 personas)",
        "sex=f: 44.4% to 75.0% of the weight (4 personas)",
        "sex=m: 55.6% to 25.0% of the weight (4 personas)",
        "land: without 1 persona with no value in its quota",
        "weighed 8 personas: an effective size of 4.9 (Kish), the largest weight is 2.62 means",
    ]
    described = scai("personas", "describe", "w.yaml", "--quota", "sex=f:75,m:25", "--json").json
    assert described["weight"] == 36
    assert [(row["reached"], row["weighted"]) for row in described["quotas"]] == [(0.5, 0.75), (0.5, 0.25)]
    found = scai("personas", "weigh", people, "--quota", "sex=f,m", "-o", "j.jsonl", "-q", "--json").json
    assert found["margins"][0] == {
        "attribute": "sex", "value": "f", "personas": 4, "before": 0.444444, "wanted": 0.5, "after": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("weigh people.jsonl -o w.yaml", "--quota: name the shares"),
        ("weigh people.jsonl -o w.yaml --quota sex=f,m --max-weight 1", "--max-weight 1: the largest weight is more"),
        ("weigh people.jsonl -o w.yaml --quota sex=f,m --max-weight nan", "--max-weight nan: the largest weight is"),
        ("weigh people.jsonl -o - --quota sex=f,m --json", "--json: prints the account on stdout"),
        ("weigh empty.jsonl -o w.yaml --quota sex=f,m", "empty.jsonl: contains no persona"),
        ("sample people.jsonl --n 2 -o w.yaml --slack 1", "--slack: is about quotas"),
        ("sample people.jsonl --n 2 -o w.yaml --quota sex=f,m --by age", "--by: quotas decide how many are drawn"),
        ("sample people.jsonl --n 6 -o w.yaml --quota sex=f:9,m:1", "--quota sex: a panel of 6 needs 5 with 'f', and"),
        ("sample people.jsonl --n 6 -o w.yaml --quota sex=f,w", "--quota sex: no persona has 'w'; there are 'f' (4)"),
    ],
)
def test_weights_and_panels_that_cannot_be_are_refused(people: str, command: str, said: str):
    Path("empty.jsonl").touch()
    called = scai("personas", *command.split())
    assert (called.code, called.err.startswith(f"scai: {said}"), Path("w.yaml").exists()) == (2, True, False), (
        called.err
    )


def test_a_panel_is_drawn_by_quotas(people: str):
    options = ("--n", 5, "--quota", "sex=f:60,m:40", "--quota", "land=K:1")
    called = scai("personas", "sample", people, *options, "-o", "p.jsonl")
    assert called.lines == [
        "sex=f: 3 of 3", "sex=m: 2 of 4", "land=K: 5 of 7", "left out 1 persona with no value in a part of a quota",
        "chance of a persona: 0.5 to 1", "their weights, 2 to 8, stay and count beside the quotas; with",
        "--weights weight they are drawn by them, and each counts 1", "drew 5 of 8 personas",
    ]  # fmt: skip
    assert len(Path("p.jsonl").read_text(encoding="utf-8").splitlines()) == 5
    for unequal in (("--weights", "weight"), ("--diverse",)):  # within each group of equal values
        drawn = scai("personas", "sample", people, *options, "-o", "u.jsonl", *unequal)
        assert drawn.lines[-1] == "drew 5 of 8 personas"
        assert "chance" not in drawn.err + drawn.out


def test_people_drawn_by_their_weight_count_alike(people: str):
    """Their weight has made them likely to be drawn; kept, it would count twice."""
    drawn = scai("personas", "sample", people, "--n", 4, "--weights", "weight", "-o", "-", "-q").out
    assert all("weight" not in json.loads(line) for line in drawn.splitlines())
    assert '"weight"' in scai("personas", "sample", people, "--n", 4, "-o", "-", "-q").out
