"""Welfare functions: the properties they are defined by, on any utilities."""

import math
import re
from itertools import permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scai_cli.social_choice.welfare import NAMES, everything, gini_coefficient, parse

UTILITY = st.floats(0, 1)
PEOPLE = st.lists(UTILITY, min_size=1, max_size=8)
WELL_OFF = st.lists(st.floats(0.01, 1), min_size=2, max_size=8)
SPECS = [
    *NAMES,
    "atkinson(epsilon=0)",
    "atkinson(epsilon=1)",
    "atkinson(epsilon=50)",
    "alpha(alpha=1)",
    "gini(delta=1)",
]
SPECS += ["gini(delta=7.5)", "threshold(level=0.9)", "consensus(level=0.1)"]
COUNTS = {"threshold", "consensus"}
AVERAGES = [spec for spec in SPECS if parse(spec).name not in COUNTS]
FAIR = ["leximin", "nash", "atkinson", "alpha", "gini", "atkinson(epsilon=3)", "gini(delta=1.5)"]


def prefers(welfare, first, second, groups=None):
    """Whether the first utilities of the same people are strictly better than the second."""
    return welfare.key(first, None, groups) > welfare.key(second, None, groups)


def near(value, abs_=1e-9):
    return pytest.approx(value, rel=1e-9, abs=abs_)


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=50)
@given(people=PEOPLE, data=st.data())
def test_welfare_is_in_range_symmetric_and_never_falls_when_somebody_gains(spec, people, data):
    welfare = parse(spec)
    value = welfare(people)
    assert 0 <= value <= 1
    order = data.draw(st.permutations(range(len(people))))
    weights = data.draw(st.lists(st.floats(0.1, 9), min_size=len(people), max_size=len(people)))
    assert welfare([people[i] for i in order]) == value
    moved = welfare.key([people[i] for i in order], [weights[i] for i in order])
    assert moved == near(welfare.key(people, weights), 1e-12)
    gainer = data.draw(st.integers(0, len(people) - 1))
    better = [max(u, data.draw(UTILITY)) if i == gainer else u for i, u in enumerate(people)]
    assert welfare(better, weights) >= welfare(people, weights) - 1e-12


@pytest.mark.parametrize("spec", AVERAGES)
@settings(max_examples=50)
@given(people=PEOPLE, scale=st.floats(0.01, 1), same=UTILITY)
def test_an_average_is_between_worst_and_best_and_scales_with_its_unit(spec, people, scale, same):
    welfare = parse(spec)
    assert min(people) <= welfare(people) <= max(people)
    assert welfare([same] * len(people)) == same
    assert welfare([scale * u for u in people]) == near(scale * welfare(people))


@pytest.mark.parametrize("spec", ["utilitarian", "rawlsian", "leximin", "median", "gini", "gini(delta=7.5)"])
@settings(max_examples=50)
@given(people=st.lists(st.floats(0, 0.5), min_size=1, max_size=8), shift=st.floats(0, 0.5))
def test_these_move_with_a_common_shift(spec, people, shift):
    assert parse(spec)([u + shift for u in people]) == near(parse(spec)(people) + shift)


@pytest.mark.parametrize("spec", ["utilitarian", *FAIR])
@settings(max_examples=50)
@given(people=st.lists(st.floats(0.01, 0.9), min_size=1, max_size=8), gain=st.floats(0.01, 0.1), data=st.data())
def test_strict_pareto(spec, people, gain, data):
    gainer = data.draw(st.integers(0, len(people) - 1))
    better = [u + gain * (i == gainer) for i, u in enumerate(people)]
    assert prefers(parse(spec), better, people)
    assert not prefers(parse(spec), people, better)


@pytest.mark.parametrize("spec", FAIR)
@settings(max_examples=50)
@given(people=WELL_OFF, part=st.floats(0.05, 0.5))
def test_pigou_dalton_a_gift_from_the_better_to_the_worse_off_is_good(spec, people, part):
    poor, *rest, rich = sorted(people)
    assume(rich - poor > 0.01)
    gift = part * (rich - poor)
    assert prefers(parse(spec), [poor + gift, *rest, rich - gift], people)


@given(people=WELL_OFF, part=st.floats(0, 0.5))
def test_pigou_dalton_weakly_for_mean_and_minimum_and_the_median_breaks_it(people, part):
    poor, *rest, rich = sorted(people)
    gift = part * (rich - poor)
    after = [poor + gift, *rest, rich - gift]
    assert parse("rawlsian")(after) >= poor
    assert parse("utilitarian")(after) == near(parse("utilitarian")(people))
    assert prefers(parse("median"), [0, 0.6, 0.6], [0.2, 0.4, 0.6])  # 0.4 took what 0.2 had


@given(people=st.lists(st.floats(1e-3, 1), min_size=1, max_size=8))
def test_limits_of_the_families(people):
    geometric = math.exp(math.fsum(map(math.log, people)) / len(people))
    harmonic = len(people) / math.fsum(1 / u for u in people)
    mean = math.fsum(people) / len(people)
    for family, parameter in (("atkinson", "epsilon"), ("alpha", "alpha")):
        values = {e: parse({family: {parameter: e}})(people) for e in (0, 1 - 1e-9, 1, 1 + 1e-9, 2, 1e4)}
        assert [values[0], values[1], values[2]] == [near(mean), near(geometric), near(harmonic)]
        assert values[1 - 1e-9] == pytest.approx(geometric, rel=1e-6)
        assert values[1 + 1e-9] == pytest.approx(geometric, rel=1e-6)
        assert values[1e4] == pytest.approx(min(people), rel=1e-3)
    assert parse("nash")(people) == near(geometric)
    assert parse("gini(delta=1)")(people) == near(mean)
    assert parse("gini(delta=10000)")(people) == near(min(people))


@given(people=PEOPLE, low=st.floats(0, 60), more=st.floats(0, 60))
def test_more_aversion_never_raises_welfare_and_nothing_overflows(people, low, more):
    for family, parameter, least in (("atkinson", "epsilon", 0), ("gini", "delta", 1)):
        values = [parse({family: {parameter: least + e}})(people) for e in (low, low + more)]
        assert values[1] <= values[0] + 1e-12
    assert all(math.isfinite(value) for value in everything(people).values())


@pytest.mark.parametrize("epsilon", [0.5, 1, 2, 50, 1e6])
def test_tiny_utilities_keep_their_digits(epsilon):
    tiny, smallest = 1e-300, 5e-324
    welfare = parse({"atkinson": {"epsilon": epsilon}})
    ratio = welfare([0.2, 0.8]) / 0.2
    assert welfare([tiny, 4 * tiny]) / tiny == near(ratio)
    assert smallest <= welfare([smallest, 1.0]) <= 1
    assert welfare([1 - 1e-16, 1.0]) <= 1


def test_a_tiny_share_still_weighs_and_a_rounding_error_is_cut_off():
    lone = parse("atkinson(epsilon=50)")([1e-3, 1.0], [1e-20, 1])
    assert lone == near(1e-3 * 10 ** (20 / 49))
    assert parse("utilitarian")([1 + 1e-12]) == 1
    assert parse("rawlsian")([-1e-12]) == 0


@given(people=PEOPLE)
def test_gini_coefficient_is_its_definition_and_the_generalised_gini_its_complement(people):
    n, total = len(people), math.fsum(people)
    pairs = math.fsum(abs(a - b) for a in people for b in people)
    assume(total == 0 or total > 1e-300)  # below, numbers lose digits
    coefficient = pairs / (2 * n * total) if total else 0.0
    assert gini_coefficient(people) == near(coefficient)
    assert 0 <= gini_coefficient(people) <= 1 - 1 / n + 1e-12
    assert parse("gini")(people) == near(total / n * (1 - coefficient))


@given(people=WELL_OFF, scale=st.floats(0.1, 1), alpha=st.sampled_from([0, 0.5, 1, 2, 7]))
def test_inequality_knows_no_unit_and_alpha_has_the_mean_fairness_of_all(people, scale, alpha):
    scaled = [scale * u for u in people]
    assert gini_coefficient(scaled) == near(gini_coefficient(people))
    fairness = [math.log(u) if alpha == 1 else u ** (1 - alpha) / (1 - alpha) for u in people]
    equal = parse({"alpha": {"alpha": alpha}})(people)
    mean = math.log(equal) if alpha == 1 else equal ** (1 - alpha) / (1 - alpha)
    assert mean == near(math.fsum(fairness) / len(people))


@pytest.mark.parametrize("spec", [s for s in SPECS if parse(s).name != "consensus"])
@settings(max_examples=50)
@given(people=PEOPLE, counts=st.lists(st.integers(1, 4), min_size=8, max_size=8))
def test_a_weight_of_three_is_three_people(spec, people, counts):
    crowd = [u for u, count in zip(people, counts, strict=False) for _ in range(count)]
    assert parse(spec)(people, counts[: len(people)]) == near(parse(spec)(crowd), 1e-9)
    assert parse(spec).key(people, counts[: len(people)]) == near(parse(spec).key(crowd), 1e-9)


@pytest.mark.parametrize("spec", SPECS)
def test_missing_people_are_left_out_with_their_weight(spec):
    welfare = parse(spec)
    assert welfare([0.2, None, 0.9], [1, 5, 2]) == welfare([0.2, 0.9], [1, 2])
    assert welfare([0.2, 0.7, 0.9], [1, 0, 2]) == welfare([0.2, 0.9], [1, 2])
    assert welfare([0.2, 0.9], [1e-3, 2e-3]) == near(welfare([0.2, 0.9], [1, 2]))
    assert welfare([None, None]) is None
    assert welfare([]) is None
    assert welfare([0.4], [0]) is None
    assert prefers(welfare, [0.0], [None])
    assert not prefers(welfare, [None], [None])


def test_one_user_and_zero_utilities():
    ones = everything([0.3])
    averages = {name: value for name, value in ones.items() if name not in {*COUNTS, "gini_coefficient"}}
    assert set(averages.values()) == {0.3}
    assert (ones["threshold"], ones["consensus"], ones["gini_coefficient"]) == (0, 1 / 3, 0)
    zeros = everything([0.0, 0.0])
    assert {name: value for name, value in zeros.items() if value} == {"consensus": 0.25}
    some = everything([0.0, 1.0])
    assert (some["nash"], some["alpha"], some["rawlsian"], some["gini_coefficient"]) == (0, 0, 0, 0.5)
    assert some["atkinson"] == near(0.25)
    assert set(everything([None]).values()) == {None}
    assert list(some) == [*NAMES, "gini_coefficient"]


def test_median_and_threshold_by_hand():
    assert parse("median")([0.1, 0.9, 0.4]) == 0.4
    assert parse("median")([0.1, 0.2, 0.4, 0.9]) == near(0.3)
    assert parse("median")([0.1, 0.9], [3, 1]) == 0.1
    assert parse("threshold(level=0.4)")([0.1, 0.4, 0.9], [1, 1, 2]) == 0.75


@given(data=st.data(), size=st.integers(1, 6))
def test_leximin_is_the_order_of_the_sorted_utilities(data, size):
    grade = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    first, second = (data.draw(st.lists(grade, min_size=size, max_size=size)) for _ in "ab")
    assert prefers(parse("leximin"), first, second) == (sorted(first) > sorted(second))


def test_consensus_is_the_product_over_groups():
    welfare, groups = parse("consensus"), ["a", "a", "a", "b", "b", None]
    people = [0.9, 0.5, 0.1, 0.8, 0.7, 0.2]
    assert welfare(people, groups=groups) == near(3 / 5 * 3 / 4 * 1 / 3)
    assert welfare(people) == near(5 / 8)
    assert welfare(people, [2] * 6, groups) == near(welfare(people, groups=groups))
    majority, shared = [1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 1]
    camps = [*"aaaa", *"bb"]
    assert prefers(welfare, shared, majority, groups=camps)
    assert welfare(shared) == welfare(majority)
    for order in permutations(range(6), 6):
        moved = welfare([people[i] for i in order], groups=[groups[i] for i in order])
        assert moved == near(welfare(people, groups=groups))


@pytest.mark.parametrize("spec", [*SPECS, {"gini": {"delta": "3.25"}}, {"nash": None}, {"atkinson": {}}])
def test_a_label_reads_back_as_the_same_function(spec):
    welfare = parse(spec)
    assert parse(welfare.label) == welfare
    assert hash(welfare) == hash(parse(welfare.label))


def test_labels():
    assert parse({"atkinson": {"epsilon": 2}}).label == "atkinson(epsilon=2)"
    assert parse(" alpha ( alpha = 1.5 ) ").label == "alpha(alpha=1.5)"
    assert parse("nash()").label == "nash"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nahs", "did you mean 'nash'"),
        ("Utilitarian", "did you mean 'utilitarian'"),
        ("xyzzy", "known: utilitarian, rawlsian"),
        ("atkinson(epsilo=2)", "did you mean 'epsilon'"),
        ("atkinson(2)", "no parameter '2'"),
        ("atkinson(epsilon=-1)", "at least 0"),
        ("atkinson(epsilon=two)", "must be a number"),
        ("atkinson(epsilon=inf)", "must be a number"),
        ("threshold(level=1.5)", "at most 1"),
        ("gini(delta=0.5)", "at least 1"),
        ("nash(x=1)", "takes no parameter"),
        ("nash(", "cannot read"),
        ({"gini": {"delta": True}}, "must be a number"),
        ({"gini": 2}, "not a mapping"),
        ({"gini": {}, "nash": {}}, "one name, not 2"),
        ({}, "one name, not 0"),
    ],
)
def test_a_wrong_specification_is_said_in_one_line(spec, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        parse(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("utilities", "weights"),
    [([1.1], None), ([-0.1], None), ([math.nan], None), ([0.5], [-1]), ([0.5], [math.inf]), ([0.5], [1, 2])],
)
def test_numbers_that_are_no_utilities_or_weights_are_refused(utilities, weights):
    with pytest.raises(ValueError, match="utilit"):
        parse("nash")(utilities, weights)
