"""Intervals, rank correlation and strengths: against other implementations and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize
from scipy.stats import spearmanr

from scai_cli.social_choice.welfare import NAMES, parse
from scai_cli.stats.bradley_terry import bradley_terry
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
    with pytest.raises(ValueError, match="argument 2 is shorter"):
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


def games(matrix, names):
    pairs = [(a, b) for a in range(len(names)) for b in range(len(names)) if a != b]
    return [(names[a], names[b], matrix[a][b]) for a, b in pairs]


def test_strengths_of_a_worked_example():
    # The worked example of Wikipedia's article on the model.
    fitted = bradley_terry(games([[0, 2, 0, 1], [3, 0, 5, 0], [0, 3, 0, 1], [4, 0, 3, 0]], "ABCD"), prior=1e-9)
    strengths = [math.exp(fitted[name].estimate) for name in "ABCD"]
    assert [round(s / sum(strengths), 3) for s in strengths] == [0.139, 0.226, 0.143, 0.492]


@pytest.mark.parametrize("seed", range(12))
def test_strengths_maximise_the_likelihood_with_the_phantom(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 7))
    won = rng.integers(0, 6, (size, size)) * (rng.random((size, size)) < 0.6) / 2
    np.fill_diagonal(won, 0)
    fitted = bradley_terry(games(won, "ABCDEF"[:size]), prior=0.25)

    def loss(s):
        against = np.logaddexp(0, s - s[:, None])
        return (won * against).sum() + 0.25 * (np.logaddexp(0, s) + np.logaddexp(0, -s)).sum()

    theirs = minimize(loss, np.zeros(size), method="BFGS", options={"gtol": 1e-7}).x
    ours = np.array([fitted[name].estimate for name in "ABCDEF"[:size]])
    assert ours == pytest.approx(theirs, abs=1e-5)
    step = 1e-4 * np.eye(size)
    curvature = [
        [loss(ours + a + b) - loss(ours + a - b) - loss(ours - a + b) + loss(ours - a - b) for b in step] for a in step
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(np.array(curvature) / 4e-8)))
    half = [(fitted[name].high - fitted[name].low) / 2 for name in "ABCDEF"[:size]]
    assert half == pytest.approx(1.959964 * errors, rel=1e-3)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("XYZ"), st.integers(0, 10**6)), max_size=8))
def test_strengths_are_finite_and_turn_around_with_the_results(wins):
    fitted = bradley_terry(wins)
    assert all(math.isfinite(x) for i in fitted.values() for x in (i.estimate, i.low, i.high))
    assert all(i.low < i.estimate < i.high for i in fitted.values())
    turned = bradley_terry([(loser, winner, number) for winner, loser, number in wins])
    for name, interval in fitted.items():
        assert turned[name].estimate == pytest.approx(-interval.estimate, abs=1e-6)


def test_strengths_far_apart_are_found_too():
    wins = [("A", "B", 50_000), ("B", "C", 0.05), ("B", "D", 0.005), ("E", "D", 90_000), ("F", "A", 900_000)]
    wins += [("F", "D", 300_000), ("D", "G", 1)]
    strength = {name: interval.estimate for name, interval in bradley_terry(wins, prior=2e-4).items()}
    for name, s in strength.items():  # at the maximum everybody has won as often as the model expects
        excess = -2e-4 * math.tanh(s / 2)
        for winner, loser, number in wins:
            share = number / (1 + math.exp(strength[winner] - strength[loser]))
            excess += share * (name == winner) - share * (name == loser)
        assert excess == pytest.approx(0, abs=1e-8)


def test_intervals_of_strengths_cover_the_truth():
    rng = np.random.default_rng(5)
    truth = {"A": 0.8, "B": 0.1, "C": -0.9}
    hits = 0
    for _ in range(200):
        wins = []
        for a, b in (("A", "B"), ("B", "C"), ("A", "C")):
            n = rng.binomial(60, 1 / (1 + math.exp(truth[b] - truth[a])))
            wins += [(a, b, n), (b, a, 60 - n)]
        fitted = bradley_terry(wins)
        hits += sum(fitted[name].low <= s <= fitted[name].high for name, s in truth.items())
    assert hits >= 0.9 * 600


@pytest.mark.parametrize("wins", [[("A", "A", 1)], [("A", "B", -1)], [("A", "B", math.inf)], [("A", "B", math.nan)]])
def test_games_that_cannot_be_are_refused(wins):
    with pytest.raises(ValueError, match="cannot beat"):
        bradley_terry(wins)
    with pytest.raises(ValueError, match="prior"):
        bradley_terry([], prior=0)


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
