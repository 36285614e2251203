"""The Pareto front of welfare functions, its price of fairness, and constitutions that are the same."""

from __future__ import annotations

import pytest

from scai_cli.analysis.pareto import ParetoFront, ParetoPoint, Rules, mean_point


def point(mean: float | None, worst: float, gini: float, function: str = "nash", **more: Rules) -> ParetoPoint:
    values = {"utilitarian": mean, "rawlsian": worst, "gini_coefficient": gini}
    return ParetoPoint(function, 1, "holdout", values, {seed.removeprefix("s"): rules for seed, rules in more.items()})


def rules(*given: tuple[str, tuple[str, ...]]) -> Rules:
    return frozenset(given)


BRIEF, KIND = ("Be brief.", ()), ("Be kind.", ())


def test_a_dominated_point_is_not_on_the_front() -> None:
    best, worse, other, unknown = point(0.7, 0.5, 0.1), point(0.7, 0.4, 0.1), point(0.6, 0.6, 0.2), point(None, 0.9, 0)
    found = ParetoFront([best, worse, other, best, unknown])
    assert [found.best(p) for p in found.points] == [True, False, True, True, False]
    assert found.price(best) is None  # without a utilitarian run


def test_the_price_of_fairness_is_the_share_of_the_mean_that_is_lost() -> None:
    fair = point(0.6, 0.6, 0.0, "rawlsian")
    found = ParetoFront([point(0.8, 0.3, 0.2, "utilitarian"), fair])
    assert [found.price(each) for each in found.points] == [0, pytest.approx(0.25)]


def test_constitutions_are_the_same_by_text_and_people_in_any_order() -> None:
    known = [rules(BRIEF, KIND), rules(KIND, BRIEF), rules(BRIEF), rules(("Be brief.", ("ann",)), KIND)]
    points = [*(point(1, 1, 0, s1=each) for each in (*known, rules(), rules())), point(1, 1, 0), point(1, 1, 0)]
    found = ParetoFront(points)
    assert [found.same_as(each) is not None for each in points] == [False, True, *[False] * 3, True, False, False]


def test_the_mean_over_seeds_has_a_spread_and_counts_the_seeds_with_the_same_constitution() -> None:
    mean = mean_point([point(0.5, 0.2, 0.1, "mean", s1=rules(BRIEF)), point(0.7, 0.4, 0.1, "mean", s2=rules(KIND))])
    assert (mean.mean, mean.worst_off, mean.measured) == (pytest.approx(0.6), pytest.approx(0.3), "2 runs")
    assert mean.spreads == (pytest.approx(0.1414, abs=1e-4), pytest.approx(0.1414, abs=1e-4), 0)
    other = mean_point([point(0.5, 0.2, 0.1, s1=rules(BRIEF)), point(0.7, 0.4, 0.1, s2=rules(BRIEF))])
    assert ParetoFront([mean, other]).same_as(other) == ("mean", 1)
    assert point(0.5, 0.2, 0.1).spreads == (None, None, None)
