"""Intervals and rank correlation: against other implementations and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import spearmanr

from scai_cli.social_choice.welfare import NAMES, parse
from scai_cli.stats.intervals import Interval, bootstrap, mean, paired_difference, spearman, widened


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
        assert ours == near(spearmanr(*kept.T).statistic)


def test_spearman_needs_pairs():
    assert spearman([1, 2, 9], [10, 20, 21]) == 1
    assert spearman([1, 2, None], [2, 1, 5]) == -1
    with pytest.raises(ValueError, match="inhomogeneous"):
        spearman([1, 2], [1])


def society(rng, users, tasks, noise=0.05):
    """A table with effects of users and of tasks around 0.5: what two-way clusters look like."""
    user, task = rng.normal(0, 0.1, (users, 1)), rng.normal(0, 0.07, (1, tasks))
    return (0.5 + user + task + rng.normal(0, noise, (users, tasks))).tolist()


def test_the_interval_covers_the_truth_for_new_users_and_new_tasks():
    rng = np.random.default_rng(1)
    hits = flat = 0
    for trial in range(200):
        table = society(rng, 15, 12)
        interval = bootstrap(table, draws=300, seed=trial)
        hits += interval.low <= 0.5 <= interval.high
        spread = 1.96 * np.std(table) / math.sqrt(15 * 12)  # what treating the cells as independent would say
        flat += abs(interval.estimate - 0.5) <= spread
    assert 0.87 <= hits / 200 <= 0.99
    assert flat / 200 < 0.6


def test_pairing_takes_out_what_is_peculiar_to_users_and_tasks():
    rng = np.random.default_rng(2)
    hits = 0
    for trial in range(100):
        before = society(rng, 12, 10)
        after = [[cell + 0.03 + rng.normal(0, 0.05) for cell in row] for row in before]
        paired = paired_difference(before, after, draws=300, seed=trial)
        alone = bootstrap(after, draws=300, seed=trial)
        assert paired.high - paired.low < (alone.high - alone.low) / 2
        hits += paired.low <= 0.03 <= paired.high
    assert hits >= 90


def test_the_same_seed_gives_the_same_interval():
    table = society(np.random.default_rng(3), 8, 6)
    assert bootstrap(table, seed=7) == bootstrap(table, seed=7)
    assert bootstrap(table, seed=7) != bootstrap(table, seed=8)
    assert bootstrap(table, seed=7, level=0.5).high < bootstrap(table, seed=7).high
    assert paired_difference(table, table, seed=7) == Interval(0, 0, 0, 0.95)


@pytest.mark.parametrize("name", NAMES)
def test_every_welfare_function_is_a_statistic(name):
    table = np.clip(society(np.random.default_rng(4), 8, 6), 0, 1).tolist()
    better = [[min(1.0, cell + 0.2) for cell in row] for row in table]
    weights = [1, 2, 3, 1, 2, 3, 1, 2]
    welfare = parse(name)
    means = [sum(row) / len(row) for row in table]
    assert bootstrap(table, welfare, weights=weights, draws=50, seed=1).estimate == near(welfare(means, weights))
    gain = paired_difference(table, better, welfare, weights=weights, draws=300, seed=1)
    raised = [sum(row) / len(row) for row in better]
    assert gain.estimate == near(welfare(raised, weights) - welfare(means, weights))
    assert 0 <= gain.low <= gain.high


def test_missing_cells_are_left_out_in_pairs():
    table = [[0.1, None, 0.3], [0.5, 0.7, None], [None, None, None]]
    assert bootstrap(table, seed=1).estimate == near((0.2 + 0.6) / 2)
    after = [[0.2, 0.9, None], [0.6, 0.8, 0.9], [0.9, 0.9, 0.9]]
    assert paired_difference(table, after, seed=1).estimate == near(0.1)
    weighted = bootstrap(table, weights=[3, 1, 9], seed=1)
    assert weighted.estimate == near(0.3)
    assert weighted == bootstrap([row[:] for row in table[:2]], weights=[3, 1], seed=1)


def test_a_drawn_user_brings_his_weight():
    # The heavy user, at 0, is in three draws of four: the 70 % point is his.
    assert bootstrap([[0.0], [1.0]], weights=[1e9, 1], level=0.4, seed=1).high == pytest.approx(0, abs=1e-6)


def test_what_the_data_cannot_tell_stays_open():
    assert bootstrap([[0.4]], seed=1) == Interval(0.4, None, None, 0.95)
    assert bootstrap([[0.4, None], [None, None]], seed=1) == Interval(0.4, None, None, 0.95)
    tasks, users = bootstrap([[0.1, 0.5, 0.9]], seed=1), bootstrap([[0.1], [0.5], [0.9]], seed=1)
    assert (tasks.low, tasks.high) == (users.low, users.high) == (near(0.1), near(0.9))
    for empty in ([], [[]], [[None]]):
        assert bootstrap(empty, seed=1) is None
        assert paired_difference(empty, empty, seed=1) is None
    assert bootstrap([[0.4, 0.5]], lambda utilities, weights: None, seed=1) is None
    assert mean([None, 0.5], [1, 0]) is None


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
        paired_difference(before, after, weights=weights, seed=1)


def test_an_interval_of_few_clusters_is_wider_by_students_t():
    values = [0.3, 1.2, -0.4, 0.9, 0.1, 0.6]
    n, centre = len(values), sum(values) / len(values)
    error = math.sqrt(sum((value - centre) ** 2 for value in values) / n / n)  # the bootstrap's: it divides by n
    found = widened(Interval(centre, centre - 1.96 * error, centre + 1.96 * error, 0.95), n)
    expected = stats.t.interval(0.95, n - 1, centre, stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-3)
    for clusters in (12, 30, 200):
        found = widened(Interval(0.0, -1.96, 1.96, 0.95), clusters)
        quantile = stats.t.ppf(0.975, clusters - 1) * math.sqrt(clusters / (clusters - 1))
        assert found.high == pytest.approx(quantile, rel=0.02)
    assert widened(Interval(1.0, None, None, 0.95), 1) == Interval(1.0, None, None, 0.95)
