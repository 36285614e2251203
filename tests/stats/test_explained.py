"""What is explained of the differences between people, the jackknife of people, and rising functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from scai_cli.stats.clustered import clustered_mean
from scai_cli.stats.explained import explained_share
from scai_cli.stats.jackknife import jackknife
from scai_cli.stats.monotone import affine, interpolated, isotonic

SHARES = st.integers(0, 20).map(lambda n: n / 20)


def crossed(people: int, items: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """What the persons' texts say and what they do not, people x items, with the codes of the cells."""
    random = np.random.default_rng(seed)
    stated, hidden = random.normal(size=(2, people, items))
    codes = {"people": np.repeat(np.arange(people), items), "items": np.tile(np.arange(items), people)}
    return stated, hidden, {**codes, "weights": np.ones(people * items)}


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_the_share_of_the_variance_between_people_is_found(share: float) -> None:
    stated, hidden, cells = crossed(300, 30)
    common = 5 * np.arange(30)
    human = common + np.sqrt(share) * stated + np.sqrt(1 - share) * hidden
    found = explained_share(human.ravel(), (7 - common + 3 * stated).ravel(), **cells)
    assert found == pytest.approx(share, abs=0.03)
    # With everyone's own answers, a rating that knows the answer and not the person is removed from both.
    apart = {**cells, "items": np.arange(300 * 30)}
    base = np.tile(common, 300).astype(float)
    again = explained_share(human.ravel(), (7 - common + 3 * stated).ravel(), **apart, baseline=base)
    assert again == pytest.approx(share, abs=0.03)


def test_ratings_against_the_persona_explain_nothing_and_equal_people_leave_nothing_to_explain() -> None:
    stated, _, cells = crossed(20, 5)
    assert explained_share(stated.ravel(), -stated.ravel(), **cells) == 0
    assert explained_share(np.tile(np.arange(5.0), 20), stated.ravel(), **cells) is None
    assert explained_share(stated.ravel(), stated.ravel(), **{**cells, "items": np.arange(100)}) is None
    assert explained_share(stated.ravel(), stated.ravel(), **{**cells, "people": np.zeros(100, dtype=int)}) is None


def test_the_jackknife_of_a_mean_is_students_interval() -> None:
    values = np.random.default_rng(1).normal(size=23)
    (found,) = jackknife(lambda people: [float(values[list(people)].mean())], range(23))
    assert found is not None
    wanted = clustered_mean(values.tolist(), list(range(23)))
    assert wanted is not None
    assert (found.estimate, found.low, found.high) == pytest.approx((wanted.estimate, wanted.low, wanted.high))


def test_people_without_a_part_in_a_statistic_do_not_make_it_surer() -> None:
    values = [0.1, 0.5, 0.6]

    def mean(people: Sequence[int]) -> list[float | None]:
        return [float(np.mean([values[n] for n in people if n < size])) for size in (3, 2)]

    found, two = jackknife(mean, range(30))
    alone = clustered_mean(values, range(3))
    assert found is not None
    assert found.low is not None
    assert alone is not None
    assert (found.freedom, found.low) == (2, pytest.approx(alone.low, abs=0.2))
    assert two is not None
    assert two.low is None


def test_what_one_group_alone_determines_has_no_interval() -> None:
    known, open_, none = jackknife(lambda people: [sum(people), 1.0 if 3 in people else None, None], range(8))
    assert known is not None
    assert known.low is not None
    assert open_ is not None
    assert (open_.estimate, open_.low) == (1.0, None)
    assert none is None


@given(st.lists(st.tuples(SHARES, SHARES, st.integers(1, 4)), min_size=1, max_size=30))
def test_isotonic_regression_is_that_of_scipy(rows: list[tuple[float, float, int]]) -> None:
    x, y, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    points = isotonic(x, y, weights)
    levels, at = np.unique(x, return_inverse=True)
    mass = np.bincount(at, weights)
    wanted = isotonic_regression(np.bincount(at, weights * y) / mass, weights=mass).x
    assert [interpolated(points, level) for level in levels] == pytest.approx(wanted.tolist())
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(points))


@given(st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=30))
def test_a_line_never_falls_and_stays_within_0_and_1(rows: list[tuple[float, float]]) -> None:
    x, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    points = affine(x, y, np.ones(len(x)))
    assert (points[0][0], points[-1][0]) == (0, 1)
    assert all(a[0] < b[0] and a[1] <= b[1] + 1e-12 for a, b in pairwise(points))
    assert all(0 <= y <= 1 for _, y in points)


def test_a_line_by_hand() -> None:
    x = np.array([0.0, 0.5, 1.0])
    assert affine(x, 2 * x - 0.5, np.ones(3)) == ((0.0, 0.0), (0.25, 0.0), (0.75, 1.0), (1.0, 1.0))
    assert [end for end, _ in affine(x, 0.7 * x - 1e-17, np.ones(3))] == [0, 1]
    assert [end for end, _ in affine(x, 0.3 + 0.7 * x + 1e-6, np.ones(3))] == [0, 1]
    assert affine(x, 1 - x, np.ones(3)) == ((0.0, 0.5), (1.0, 0.5))
    assert [interpolated(((0.2, 0.3), (0.4, 0.7)), at) for at in (0, 0.2, 0.3, 1)] == pytest.approx(
        [0.3, 0.3, 0.5, 0.7]
    )
    with pytest.raises(ValueError, match="nothing to fit"):
        affine(x[:0], x[:0], x[:0])
