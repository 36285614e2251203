"""A judge's biases and the corrected rates: by hand, by limits, and with planted judges."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.evaluation_statistics import JUDGES, covered, gold, planted
from scai_cli.stats.bradley_terry import bradley_terry_difference
from scai_cli.stats.clustered import clustered_mean, clustered_rate
from scai_cli.stats.judge_error import (
    Calibration,
    calibration_of,
    corrected_difference,
    corrected_win_rate,
    position_bias,
    rogan_gladen,
)
from scai_cli.stats.length_control import length_controlled

EXACT = Calibration(tp=10**9, fn=0, fp=0, tn=10**9)
GOOD = Calibration(tp=90, fn=10, fp=20, tn=80)


def near(value):
    return pytest.approx(value, rel=1e-6, abs=1e-6)


def rate_of(successes, n):
    return clustered_rate([True] * successes + [False] * (n - successes), range(n))


def test_first_place_wins_by_hand():
    found = position_bias([1, 1, 0.5, 1], [1, 0, 0.5, 0], "abcd")
    assert found.estimate == (0 + 0.5 + 0 + 0.5) / 4
    always_first = position_bias([1] * 9, [0] * 9, range(9))
    assert (always_first.estimate, always_first.low) == (0.5, None)
    with pytest.raises(ValueError, match="shorter"):
        position_bias([1, 1], [1], "ab")


def test_rogan_gladen_by_hand():
    found = rogan_gladen(rate_of(100, 200), GOOD)
    assert found.estimate == pytest.approx((0.5 + 0.8 - 1) / (0.9 + 0.8 - 1))
    assert found.low < found.estimate < found.high
    assert found.p is found.error is None


@given(st.integers(1, 99))
def test_a_judge_without_errors_changes_nothing(wins):
    rate = rate_of(wins, 100)
    for corrected in (rogan_gladen(rate, EXACT), corrected_win_rate(rate, EXACT)):
        assert (corrected.estimate, corrected.low, corrected.high) == near((rate.estimate, rate.low, rate.high))
    difference = clustered_mean([0.2, -0.1, 0.3, 0.4], "abcd")
    corrected = corrected_difference(difference, EXACT)
    assert (corrected.low, corrected.high, corrected.p) == near((difference.low, difference.high, difference.p))


def test_labels_are_counted_by_hand():
    found = calibration_of([(True, 1.0, 1), (True, 2 / 3, 2), (True, 1.0, 3), (False, 1 / 3, 4), (False, 0.0, 5)])
    assert (found.tp, found.fn, found.fp, found.tn) == near((8 / 3, 1 / 3, 1 / 3, 5 / 3))
    assert calibration_of([(True, 1.0, 1)]) == Calibration(1, 0, 0, 0)
    twice = [(label, share, cluster) for label, share, cluster in [(True, 1.0, 1), (False, 0.0, 2)] for _ in range(2)]
    assert calibration_of(twice) == Calibration(1, 0, 0, 1)


@pytest.mark.parametrize("judges", [1, 3, 5])
def test_the_mean_of_a_panel_is_corrected_by_the_errors_of_its_mean(judges):
    """Judges that are right in 80 %: a true difference of 0.4 is judged as 0.24, whatever their number."""
    rng = np.random.default_rng(judges)

    def panel(truth):
        return (np.where(rng.random((judges, len(truth))) < 0.8, truth, ~truth)).mean(axis=0)

    truth = np.arange(4000) < 2000
    calibration = calibration_of(zip(truth.tolist(), panel(truth).tolist(), range(4000), strict=True))
    before, after = (panel(rng.random(4000) < rate) for rate in (0.1, 0.5))
    judged = clustered_mean((after - before).tolist(), range(4000))
    assert judged.estimate == pytest.approx(0.24, abs=0.03)
    corrected = corrected_difference(judged, calibration)
    assert corrected.estimate == pytest.approx(0.4, abs=0.05)
    assert corrected.low < 0.4 < corrected.high


def test_labels_of_one_prompt_are_not_independent():
    """Six answers a prompt, on all of which the judge errs alike: the interval is that of the prompts."""

    def draw(rng, by_prompt):
        truth = np.repeat(np.arange(40) < 20, 6)
        said = np.repeat(rng.random(40) < 0.8, 6) == truth
        prompts = np.repeat(np.arange(40), 6) if by_prompt else np.arange(240)
        calibration = calibration_of(zip(truth.tolist(), (said * 1.0).tolist(), prompts.tolist(), strict=True))
        right = int(rng.binomial(300, 0.8 * 0.3 + 0.2 * 0.7))
        return rogan_gladen(rate_of(right, 300), calibration), 0.3

    shares = [covered(lambda rng, by=by: draw(rng, by), 150)[0] for by in (True, False)]
    assert shares[0] >= 0.92
    assert shares[1] < 0.88


def test_fewer_labels_make_wider_intervals():
    few, many = (Calibration(9 * k, k, 2 * k, 8 * k) for k in (3, 100))
    rate, difference = rate_of(100, 200), clustered_mean([0.2, -0.1, 0.3, 0.4] * 9, range(36))
    for correct, judged in (
        (rogan_gladen, rate),
        (corrected_win_rate, rate_of(140, 200)),
        (corrected_difference, difference),
    ):
        wide, narrow = (correct(judged, labels) for labels in (few, many))
        assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


def test_a_judge_by_chance_cannot_judge():
    rate, difference = rate_of(100, 200), clustered_mean([0.2, -0.1, 0.3, 0.4], "abcd")
    always_yes, coin = Calibration(50, 0, 50, 0), Calibration(6, 4, 5, 5)
    for calibration in (always_yes, coin, Calibration(0, 0, 3, 50), Calibration(5, 95, 95, 5)):
        assert not calibration.can_judge()
        assert rogan_gladen(rate, calibration) is None
        assert corrected_win_rate(rate, calibration) is None
        assert corrected_difference(difference, calibration) is None
    assert GOOD.can_judge()
    assert (Calibration(0, 0, 0, 0).sensitivity, Calibration(0, 0, 0, 0).specificity) == (None, None)


def test_corrected_rates_are_rates():
    for wins in (30, 40, 170, 180):
        found = rogan_gladen(rate_of(wins, 200), GOOD)
        assert 0 <= found.low <= found.estimate <= found.high <= 1
    doubled = corrected_difference(clustered_mean([1.0, 0.6, 0.8, 0.5], "abcd"), GOOD)
    assert (doubled.estimate, doubled.high) == (1, 1)
    assert doubled.low < 1


def test_a_rate_that_contradicts_the_labels_is_open():
    for correct, wins in ((rogan_gladen, 0), (corrected_win_rate, 200)):  # fewer false alarms than on the labels
        found = correct(rate_of(wins, 200), GOOD)
        assert (found.estimate, found.low, found.high) == (wins > 0, None, None)
    open_rate = replace(rate_of(100, 200), low=None, high=None)
    assert rogan_gladen(open_rate, GOOD).high is None


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.integers(0, 9), st.integers(0, 60))
def test_estimates_are_within_their_intervals(tp, tn, fp, fn, wins):
    calibration = Calibration(tp, fn, fp, tn)
    for correct in (rogan_gladen, corrected_win_rate):
        found = correct(rate_of(wins, 60), calibration)
        if found is not None and found.low is not None:
            assert 0 <= found.low <= found.estimate + 1e-9
            assert found.estimate - 1e-9 <= found.high <= 1


def test_an_interval_of_few_labels_contains_the_true_rate():
    def draw(rng):
        judged = rate_of(int(rng.binomial(300, 0.9 * 0.3 + 0.1 * 0.7)), 300)
        return rogan_gladen(judged, gold(rng, 60, 0.9, 0.9)), 0.3

    share, given_share, _ = covered(draw, 200)
    assert (share >= 0.92, given_share) == (True, 1)


@pytest.mark.parametrize("name", JUDGES)
def test_planted_judges_are_seen_through(name):
    first, words, unread, wrong = judge = JUDGES[name]
    rng = np.random.default_rng(7)
    draws = [planted(rng, judge) for _ in range(5)]
    biases = np.mean([biases for biases, _, _ in draws], axis=0)
    assert biases == pytest.approx([(1 - 2 * wrong) * first, (1 - 2 * wrong) * words, unread, wrong], abs=0.03)
    assert np.mean([rates[-1] - truth for _, rates, truth in draws]) == pytest.approx(0, abs=0.03)
    if words:
        assert np.mean([rates[0] - truth for _, rates, truth in draws]) > 0.03  # without the correction


def test_length_control_is_least_squares_with_the_jackknife():
    rng = np.random.default_rng(3)
    words, wins, clusters = rng.normal(40, 80, 24), rng.random(24), np.repeat(range(8), 3)
    found = length_controlled(wins.tolist(), words.tolist(), clusters.tolist())

    def fit(kept):
        return np.polyfit(words[kept] / 100, wins[kept], 1)

    slope, level = fit(np.ones(24, dtype=bool))
    without = np.array([fit(clusters != label) for label in range(8)])
    errors = np.sqrt(7 / 8 * ((without - [slope, level]) ** 2).sum(axis=0))
    assert (found.per_100_words.estimate, found.win_rate.estimate) == near((slope, level))
    assert (found.per_100_words.error, found.win_rate.error) == near(tuple(errors))
    assert found.win_rate.freedom == near(7)
    even = length_controlled((wins - wins.mean() + 0.5).tolist(), (words - words.mean()).tolist(), clusters.tolist())
    assert even.win_rate.p == near(1)  # a win rate of 0.5


def test_length_control_needs_lengths():
    assert length_controlled([1, 0, 1], [5, 5, 5], "abc") is None
    assert length_controlled([], [], []) is None
    one_differs = length_controlled([1, 0, 1, 0], [0, 0, 0, 90], "abcd")
    assert one_differs.win_rate.low is None
    always = length_controlled([1] * 8, range(8), range(8))
    assert (always.win_rate.estimate, always.win_rate.low) == (near(1), None)
    assert length_controlled([1, 0, 1], [1, 2, 4], "aaa").win_rate.low is None


def test_strength_is_the_logit_of_the_win_rate():
    found = bradley_terry_difference([1] * 60 + [0] * 40, range(100))
    assert found.estimate == near(np.log(1.5))
    assert (found.low, found.high) == pytest.approx((0.01, 0.81), abs=0.02)  # not +-2.8
    mirrored = bradley_terry_difference([0] * 60 + [1] * 40, range(100))
    assert (mirrored.low, mirrored.high) == near((-found.high, -found.low))
    assert mirrored.p == near(found.p)
    assert bradley_terry_difference([], []) is None
    assert bradley_terry_difference([0.5, 0.5, 0.5], "abc").estimate == 0


def test_strength_of_a_system_that_always_wins_is_finite():
    found, lost = bradley_terry_difference([1.0] * 50, range(50)), bradley_terry_difference([0.0] * 50, range(50))
    assert found.estimate == near(np.log(50.5 / 0.5))
    assert 2 < found.low < found.estimate < found.high < 10
    assert (lost.low, lost.estimate, lost.high) == near((-found.high, -found.estimate, -found.low))
    assert bradley_terry_difference([1.0] * 2, "ab").low is None
    assert np.isfinite(bradley_terry_difference([1e-300, 0.0, 0.0], "abc").low)


def test_games_of_a_prompt_are_not_independent():
    def share(by_prompt):
        prompts = np.repeat(np.arange(20), 10).tolist()

        def draw(rng):
            wins = (rng.random(200) < rng.beta(6, 4, 20)[prompts]).tolist()
            return bradley_terry_difference(wins, prompts if by_prompt else range(200)), np.log(1.5)

        return covered(draw, 300)[0]

    assert share(by_prompt=False) < 0.89
    assert share(by_prompt=True) >= 0.92
