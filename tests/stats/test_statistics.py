"""Intervals, tests and rank correlation: against other implementations and by simulation."""

import math

import numpy as np
import pytest
import scipy  # its parts are imported where they are used
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.interval_coverage import MIXES, covered, false_verdicts, near_zero
from scai_cli.social_choice.welfare import NAMES, parse
from scai_cli.stats.intervals import estimand, paired_difference, person_differences, spearman
from scai_cli.stats.significance import holm, swap_test
from scai_cli.stats.student import quantile, tail

AGAIN, TASKS, PEOPLE, BOTH = (
    "these people and tasks again",
    "new tasks",
    "new people",
    "new people and tasks",
)
PUBLISHED = [[4, 5, 3], [3, 4, 4], [4, 4, 4], [2, 3, 3], [5, 4, 5], [-1, -2, -1]]
"""A change of six people and three tasks, such as a headline reports."""


def near(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(*[st.one_of(st.none(), st.integers(0, 5))] * 2), max_size=30))
def test_spearman_as_scipy(pairs):
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    ours = spearman(first, second)
    kept = np.array([pair for pair in pairs if None not in pair]).reshape(-1, 2)
    if len(kept) < 2 or (kept == kept[0]).all(axis=0).any():
        assert ours is None
    elif len(kept) == 2:  # too few for scipy
        assert abs(ours) == 1
    else:
        assert ours == near(scipy.stats.spearmanr(*kept.T).statistic)


def test_spearman_needs_pairs():
    assert spearman([1, 2, 9], [10, 20, 21]) == 1
    assert spearman([1, 2, None], [2, 1, 5]) == -1
    with pytest.raises(ValueError, match="inhomogeneous"):
        spearman([1, 2], [1])


def ends(found):
    return found.low, found.high


def against_zero(changes, *arguments, **keys):
    return paired_difference([[0.0 for _ in row] for row in changes], changes, *arguments, **keys)


@given(st.floats(0, 60), st.floats(1, 1e4))
def test_students_t_as_scipy(t, freedom):
    assert tail(t, freedom) == pytest.approx(2 * scipy.stats.t.sf(t, freedom), rel=1e-8, abs=1e-6)


@pytest.mark.parametrize("freedom", [1, 2, 3.86, 10, 400])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.9996])
def test_quantiles_as_scipy(freedom, level):
    assert quantile(level, freedom) == pytest.approx(scipy.stats.t.ppf((1 + level) / 2, freedom), rel=1e-8)


def test_each_estimand_has_the_mean_squares_of_its_own():
    cells = np.array(PUBLISHED, dtype=float)
    people, tasks = cells.shape
    rows, columns = cells.mean(1), cells.mean(0)
    rest = cells - rows[:, None] - columns + cells.mean()
    a, b = rows.var(ddof=1) / people, columns.var(ddof=1) / tasks
    e = (rest**2).sum() / ((people - 1) * (tasks - 1)) / cells.size
    both = max(a + b - e, a, b)
    freedom = max(both**2 / (a**2 / 5 + b**2 / 2 + e**2 / 10), 2)
    for which, variance, df in ((AGAIN, e, 10), (TASKS, max(b, e), 2), (PEOPLE, a, 5), (BOTH, both, freedom)):
        found = against_zero(PUBLISHED, which)
        half = scipy.stats.t.ppf(0.975, df) * math.sqrt(variance)
        assert ends(found) == (near(cells.mean() - half), near(cells.mean() + half))
        assert (found.estimand, found.people, found.tasks, found.level) == (which, 6, 3, 0.95)


def test_one_person_or_one_task_has_the_interval_of_the_other_alone():
    values = [0.3, 1.2, -0.4, 0.9, 0.1, 0.6]
    expected = scipy.stats.t.interval(0.95, 5, np.mean(values), scipy.stats.sem(values))
    assert ends(against_zero([values], AGAIN)) == pytest.approx(expected)
    assert ends(against_zero([[value] for value in values], AGAIN)) == pytest.approx(expected)
    assert ends(against_zero([[value] for value in values], PEOPLE)) == pytest.approx(expected)


@pytest.mark.parametrize("name", MIXES)
@pytest.mark.parametrize(("people", "tasks"), [(4, 3), pytest.param(10, 5, marks=pytest.mark.slow)])
def test_intervals_cover_the_true_change(name, people, tasks):
    found = covered(MIXES[name], people, tasks, 150, seed=7)
    # Of 150; the table in docs/benchmarks.md counts 2,000.
    assert all(share is not None and share >= 0.89 for share in found.values()), found


def test_too_few_people_or_tasks_have_no_interval_for_new_ones():
    rows = [[1.0, 2.0, 4.0], [0.0, 3.0, 1.0], [2.0, 2.0, 5.0], [1.0, 0.0, 3.0]]
    assert ends(against_zero(rows[:3], PEOPLE)) == ends(against_zero(rows[:3], BOTH)) == (None, None)
    assert None not in (*ends(against_zero(rows, PEOPLE)), *ends(against_zero(rows, BOTH)))
    two = [row[:2] for row in rows]
    assert ends(against_zero(two, TASKS)) == ends(against_zero(two, BOTH)) == (None, None)
    assert estimand(new_people=True, new_tasks=True, tasks=2) == PEOPLE
    assert estimand(new_people=True, new_tasks=True, tasks=3) == BOTH
    assert estimand(new_people=False, new_tasks=True, tasks=1) == TASKS
    assert estimand(new_people=False, new_tasks=False, tasks=9) == AGAIN


def test_what_the_data_cannot_tell_stays_open():
    for few in ([[0.4]], [[0.2, 0.6]], [[0.2], [0.6]], [[0.2, None], [None, 0.6]]):
        found = against_zero(few, AGAIN)
        assert (found.estimate, *ends(found)) == (near(0.4), None, None)
        assert {ends(one) for one in person_differences([[0.0] * len(row) for row in few], few)} == {(None, None)}
    equal = against_zero([[1.0, 1.0], [1.0, 1.0]], AGAIN)
    assert (equal.estimate, *ends(equal)) == (1.0, None, None)  # rounded ratings that show no spread
    assert ends(against_zero([[0.0, 0.0], [0.0, 0.0]], AGAIN)) == (0.0, 0.0)
    for empty in ([], [[]], [[None]]):
        assert paired_difference(empty, empty, AGAIN) is None
    assert paired_difference([[0.4, 0.5]], [[0.4, 0.5]], AGAIN, lambda utilities, weights: None) is None


def test_missing_cells_are_left_out_in_pairs():
    before = [[0.1, None, 0.3], [0.5, 0.7, None], [None, None, None]]
    after = [[0.2, 0.9, None], [0.6, 0.8, 0.9], [0.9, 0.9, 0.9]]
    found = paired_difference(before, after, AGAIN)
    assert (found.estimate, found.people, found.tasks) == (near(0.1), 2, 2)
    assert paired_difference(before, after, AGAIN, weights=[3, 1, 9]).estimate == near(0.1)
    weighted = against_zero([[0.2, 0.2], [0.6, 0.6]], AGAIN, weights=[3, 1])
    assert weighted.estimate == near(0.3)


def test_a_missing_cell_hardly_moves_an_interval():
    rng = np.random.default_rng(5)
    changes = (rng.normal(0, 1, (8, 6)) + rng.normal(0, 1, (8, 1))).tolist()
    whole = {which: against_zero(changes, which) for which in (AGAIN, TASKS, PEOPLE, BOTH)}
    changes[2][3] = None
    for which, found in whole.items():
        less = paired_difference([[0.0] * 6] * 8, changes, which)
        assert less.estimate == pytest.approx(found.estimate, abs=0.1)
        assert less.high - less.low == pytest.approx(found.high - found.low, rel=0.25)


def test_missing_cells_widen_an_interval():
    """The estimate is a mean of row means, so a row with one cell has more noise than one with four."""
    changes = [[0.3, 1.2, -0.4, 0.9], [0.1, 0.6, None, None], [None, None, 1.1, None], [0.2, -0.5, 0.8, 0.3]]
    table = np.array([[np.nan if cell is None else cell for cell in row] for row in changes])
    known = ~np.isnan(table)
    design = np.hstack([np.kron(np.eye(4), np.ones((4, 1))), np.tile(np.eye(4), (4, 1))])[known.ravel()]
    fitted = design @ np.linalg.lstsq(design, table[known], rcond=None)[0]
    noise = ((table[known] - fitted) ** 2).sum() / (11 - 7)
    half = scipy.stats.t.ppf(0.975, 4) * math.sqrt(noise * np.mean([1 / 4, 1 / 2, 1, 1 / 4]) / 4)
    found = paired_difference([[0.0] * 4] * 4, changes, AGAIN)
    assert (found.high - found.low) / 2 == pytest.approx(half)
    assert found.estimate == near(np.nanmean(table, axis=1).mean())


@pytest.mark.parametrize("name", ["nash", "alpha", "atkinson"])
def test_a_steep_function_has_no_interval_where_a_person_is_near_0(name):
    assert near_zero(name, 0.05, 3, 60, seed=1)[1] <= 0.05
    covered_share, given_share = near_zero(name, 0.3, 6, 60, seed=1)
    assert covered_share >= 0.85
    assert given_share >= 0.95
    assert near_zero("gini", 0.05, 3, 60, seed=1)[1] == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_welfare_function_is_a_statistic(name):
    rng = np.random.default_rng(4)
    before = np.clip(rng.normal(0.5, 0.1, (8, 1)) + rng.normal(0, 0.05, (8, 6)), 0, 1)
    after = np.clip(before + 0.1 + rng.normal(0, 0.05, (8, 6)), 0, 1)
    weights, welfare = [1, 2, 3, 1, 2, 3, 1, 2], parse(name)
    found = paired_difference(before.tolist(), after.tolist(), BOTH, welfare, weights=weights)
    means = [side.mean(axis=1).tolist() for side in (before, after)]
    assert found.estimate == near(welfare(means[1], weights) - welfare(means[0], weights))
    assert (found.low is None) == (not welfare.smooth)
    if welfare.smooth:
        assert found.low < found.estimate < found.high


def test_the_linear_part_of_a_mean_is_the_mean():
    rng = np.random.default_rng(6)
    before, after = (np.clip(rng.normal(mean, 0.1, (7, 4)), 0, 1).tolist() for mean in (0.4, 0.5))
    weights = [1, 2, 1, 1, 3, 1, 1]
    for which in (AGAIN, TASKS, PEOPLE, BOTH):
        plain = paired_difference(before, after, which, weights=weights)
        linear = paired_difference(before, after, which, parse("utilitarian"), weights=weights)
        assert (linear.low, linear.high) == pytest.approx((plain.low, plain.high), abs=1e-6)


def test_the_intervals_of_single_people_hold_together():
    rng = np.random.default_rng(8)
    missed = 0
    for _ in range(200):
        effects = rng.normal(0, 1, (6, 1))
        changes = (effects + rng.normal(0, 0.5, (6, 3))).tolist()
        found = person_differences([[0.0] * 3] * 6, changes)
        missed += any(not one.low <= truth <= one.high for one, truth in zip(found, effects[:, 0], strict=True))
    assert missed <= 22
    assert [one and one.people for one in person_differences([[1.0], [None]], [[2.0], [3.0]])] == [1, None]
    assert ends(person_differences([[1.0], [1.0]], [[2.0], [3.0]])[0]) == (None, None)


def test_a_persons_interval_is_narrower_by_the_noise_of_others_of_the_group_alone():
    changes = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.3, -0.1, 0.4], [0.02, 0.01, 0.03], [0.01, 0.03, 0.02]]
    groups = ["still", "moved", "moved", "less", "less"]
    found = person_differences([[0.0] * 3] * 5, changes, groups=groups)
    assert ends(found[0]) == (0.0, 0.0)
    alone, level = scipy.stats.t.ppf(1 - 0.025 / 5, 2), 0.95
    assert found[2].high - found[2].estimate == near(alone * np.std(changes[2], ddof=1) / math.sqrt(3))
    pooled = against_zero(changes[3:], AGAIN, level=1 - 0.05 / 5)
    assert found[3].high - found[3].estimate == near((pooled.high - pooled.low) / math.sqrt(2))
    assert {one.level for one in found} == {level}
    together = person_differences([[0.0] * 3] * 5, changes)
    assert all(ends(one) != ends(other) for one, other in zip(found[2:], together[2:], strict=True))


def test_one_person_has_the_interval_of_the_group():
    values = [[0.3, 1.2, -0.4, 0.9, 0.1]]
    assert person_differences([[0.0] * 5], values) == [against_zero(values, AGAIN)]


@pytest.mark.parametrize(("people", "tasks"), [(6, 3), (12, 8)])
def test_luck_alone_seldom_makes_somebody_gain_or_lose(people, tasks):
    seed = 20
    found = {reached: false_verdicts(people, tasks, reached, 60, seed) for reached in (1, 2, people)}
    print(f"seed {seed}: {found}")
    # Of 60; docs/benchmarks.md counts 2,000.
    assert all(max(shares) <= 0.15 for shares in found.values()), found


@pytest.mark.parametrize(
    ("before", "after", "weights"),
    [
        ([[1, 2]], [[1]], None),
        ([[1], [2]], [[1]], None),
        ([[1], [1, 2]], [[1], [1, 2]], None),
        ([[1]], [[1]], [1, 2]),
    ],
)
def test_tables_that_do_not_fit_are_refused(before, after, weights):
    with pytest.raises(ValueError, match=r"same users as rows|1 users, but 2 weights"):
        paired_difference(before, after, AGAIN, weights=weights)


def test_the_swap_test_as_scipy():
    changes = np.random.default_rng(9).normal(0.4, 1, 9)

    def difference(swapped):
        return np.where(swapped, -changes, changes).mean(axis=1)

    every = scipy.stats.permutation_test(
        (changes,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=np.inf, alternative="greater",
    )  # fmt: skip
    assert swap_test(difference, 9, draws=20, seed=1) == pytest.approx(every.pvalue)
    changes = np.random.default_rng(9).normal(0.2, 1, 14)
    drawn = scipy.stats.permutation_test(
        (changes,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=np.inf, alternative="greater",
    )  # fmt: skip
    assert swap_test(difference, 14, draws=20_000, seed=1) == pytest.approx(drawn.pvalue, rel=0.2)
    assert swap_test(lambda swapped: np.zeros(len(swapped)), 9, draws=50, seed=1) == 1.0


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_as_scipy_would(p_values):
    adjusted = holm(p_values)
    n, running = len(p_values), 0.0
    for rank, at in enumerate(np.argsort(p_values, kind="stable")):
        running = max(running, min(1.0, (n - rank) * p_values[at]))
        assert adjusted[at] == running
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
