"""Means and rates of clustered values: against formulas in other forms, scipy, and planted truths."""

import math
from itertools import product

import numpy as np
import pytest
import scipy  # its parts are imported where they are used
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.evaluation_statistics import covered, differences, labels
from scai_cli.stats.clustered import FEWEST_CLUSTERS, clustered_mean, clustered_rate, wilson

ROWS = st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 4)), min_size=1, max_size=30)


def near(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def bell_mccaffrey(clusters):
    """CR2's weights and degrees of freedom of a mean, by matrices, with roots by eigenvalues."""
    n = len(clusters)
    members = [np.flatnonzero(np.array(clusters) == label) for label in dict.fromkeys(clusters)]
    left = np.eye(n) - np.ones((n, n)) / n
    adjusted = []
    for rows in members:
        values, vectors = np.linalg.eigh(left[np.ix_(rows, rows)])
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        adjusted.append(left[:, rows] @ root @ np.ones(len(rows)) / n)
    of_columns = np.column_stack(adjusted)
    eigenvalues = np.linalg.eigvalsh(of_columns.T @ of_columns)
    return of_columns, eigenvalues.sum() ** 2 / (eigenvalues**2).sum()


@given(ROWS)
def test_one_way_is_cr2_by_matrices(rows):
    values, clusters = [value / 4 for value, _ in rows], [f"user {label}" for _, label in rows]
    found = clustered_mean(values, clusters)
    assert (found.estimate, found.n, found.clusters) == (near(np.mean(values)), len(rows), len(set(clusters)))
    if found.clusters < FEWEST_CLUSTERS:
        assert found.low is found.high is found.p is None
        return
    if not any(values):
        assert (found.low, found.high, found.p) == (0, 0, 1)
        return
    columns, freedom = bell_mccaffrey(clusters)
    variance = ((np.array(values) @ columns) ** 2).sum()
    if variance < 1e-14:
        assert found.low is None
        return
    assert found.error == near(math.sqrt(variance))
    assert found.freedom == near(freedom)
    half = scipy.stats.t.ppf(0.975, freedom) * found.error
    assert (found.low, found.high) == (near(found.estimate - half), near(found.estimate + half))
    assert found.p == near(2 * scipy.stats.t.sf(abs(found.estimate) / found.error, freedom))


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=20).filter(lambda values: len(set(values)) > 1))
def test_a_cluster_of_one_each_is_the_t_interval(values):
    found = clustered_mean(values, range(len(values)), level=0.9)
    ends = scipy.stats.t.interval(0.9, len(values) - 1, np.mean(values), scipy.stats.sem(values))
    assert (found.low, found.high) == near(ends)
    assert found.p == near(scipy.stats.ttest_1samp(values, 0).pvalue)


def test_two_ways_by_hand():
    table = np.array([[1.0, 2.0, 6.0], [2.0, 2.0, 5.0], [0.0, 4.0, 8.0], [1.0, 1.0, 7.0]])
    users, tasks = zip(*product("abcd", range(3)), strict=True)
    rest = table - table.mean()
    of_users = (rest.sum(axis=1) ** 2).sum() / (1 - 1 / 4) / 144
    of_tasks = (rest.sum(axis=0) ** 2).sum() / (1 - 1 / 3) / 144
    of_cells = (rest**2).sum() / (1 - 1 / 12) / 144
    found = clustered_mean(table.ravel().tolist(), users, tasks)
    assert of_users < of_cells  # the users differ less than by chance
    assert found.error == near(math.sqrt(of_tasks))
    assert (found.freedom, found.clusters, found.n) == (near(2), 3, 12)
    raised = clustered_mean((table + 3 * np.arange(4)[:, None]).ravel().tolist(), users, tasks)
    rest += 3 * (np.arange(4)[:, None] - 1.5)
    of_users = (rest.sum(axis=1) ** 2).sum() / (1 - 1 / 4) / 144
    of_cells = (rest**2).sum() / (1 - 1 / 12) / 144
    assert max(of_users, of_tasks) < of_users + of_tasks - of_cells
    assert raised.error == near(math.sqrt(of_users + of_tasks - of_cells))


def test_values_that_show_no_spread():
    assert clustered_mean([], []) is None
    assert clustered_rate([], []) is None
    same = clustered_mean([0.5] * 6, "aabbcc")
    assert (same.estimate, same.low, same.high, same.p, same.error) == (0.5, None, None, None, None)
    balanced = clustered_mean([1, -1] * 4, "aabbccdd")
    assert balanced.low is None  # the clusters are equal by chance, not the systems
    identical = clustered_mean([0.0] * 6, "aabbcc")
    assert (identical.low, identical.high, identical.p) == (0, 0, 1)
    assert clustered_mean([0.0] * 4, "aabb").low is None
    assert clustered_mean([0.0] * 4, "abcd", "xxyy").low is None


def test_labels_have_to_fit():
    with pytest.raises(ValueError, match="label of its cluster"):
        clustered_mean([1, 2], "a")
    with pytest.raises(ValueError, match="two dimensions"):
        clustered_mean([1, 2], "ab", "ab", "ab")


@given(st.integers(1, 300), st.data())
def test_wilson_as_scipy(n, data):
    k = data.draw(st.integers(0, n))
    interval = scipy.stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k / n, n, scipy.stats.norm.ppf(0.975)) == near((interval.low, interval.high))


@given(st.lists(st.booleans(), min_size=3, max_size=40))
def test_a_rate_of_single_items_is_wilsons(successes):
    interval = scipy.stats.binomtest(sum(successes), len(successes)).proportion_ci(0.95, method="wilson")
    found = clustered_rate(successes, range(len(successes)))
    assert (found.low, found.high) == near((interval.low, interval.high))


def test_no_violation_of_12_is_not_safe():
    alone, repeated = clustered_rate([False] * 12, range(12)), clustered_rate([False] * 36, [*range(12)] * 3)
    assert alone.low == 0
    assert alone.high == pytest.approx(0.2425, abs=1e-4)
    assert repeated.high == near(alone.high)  # three tries of a probe may be one
    assert clustered_rate([False] * 2, "ab").high is None


def test_a_rate_of_copies_has_the_interval_of_the_originals():
    once = [True] * 3 + [False] * 9
    single, copied = clustered_rate(once, range(12)), clustered_rate(once * 4, [*range(12)] * 4)
    assert copied.error == near(single.error)
    assert copied.low < single.low  # less is known of how alike they are
    assert copied.high == pytest.approx(single.high, abs=0.05)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=40))
def test_a_rate_is_within_its_interval(rows):
    found = clustered_rate([value for value, _ in rows], [label for _, label in rows])
    if found.low is not None:
        assert 0 <= found.low <= found.estimate + 1e-12
        assert found.estimate - 1e-12 <= found.high <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "sizes", "rho"), [(6, "unequal", 0.3), (12, "5", 0.9), (40, "one half", 0.0)])
@pytest.mark.parametrize("kind", ["normal", "binary", "A against A"])
def test_intervals_contain_the_truth(clusters, sizes, rho, kind):
    groups = labels(clusters, sizes)

    def draw(rng):
        values, truth = differences(rng, groups, rho, kind)
        return clustered_mean(values.tolist(), groups), truth

    assert covered(draw, 1000)[0] >= 0.93
