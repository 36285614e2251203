"""Detectable differences and the number of items: against scipy and by simulation."""

import math

import numpy as np
import pytest
import scipy  # its parts are imported where they are used
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.stats.clustered import clustered_mean
from scai_cli.stats.power import detectable, detectable_before, items_needed


def test_detectable_is_detected_in_four_of_five_draws():
    rng, n = np.random.default_rng(1), 30
    effect = detectable(1 / math.sqrt(n), n - 1)
    assert effect * math.sqrt(n) == pytest.approx(scipy.stats.t.ppf(0.975, 29) + scipy.stats.t.ppf(0.8, 29))
    samples = rng.normal(effect, 1, (2000, n))
    found = (scipy.stats.ttest_1samp(samples, 0, axis=1).pvalue <= 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.04)


@given(st.floats(0.001, 0.5), st.integers(3, 500), st.floats(0.01, 0.5))
def test_items_needed_are_the_fewest(error, n, target):
    needed = items_needed(error, n, target)

    def effect(items):
        return detectable(error * math.sqrt(n / items), (n - 1) * items / n)

    assert needed >= n
    assert effect(needed) <= target
    assert needed == n or effect(needed - 1) > target


def test_items_of_clusters():
    values, clusters = [0.2, 0.4, -0.1, 0.3, 0.5, 0.0, 0.2, -0.3], "aabbccdd"
    found = clustered_mean(values, clusters)
    needed = items_needed(found.error, found.n, 0.1, freedom=found.freedom)
    assert needed > items_needed(found.error, found.n, 0.2, freedom=found.freedom) > found.n
    with pytest.raises(ValueError, match="target"):
        items_needed(0.1, 8, 0)


def test_before_any_measurement():
    assert detectable_before(2) is None
    assert detectable_before(40) == pytest.approx(detectable(0.5 / math.sqrt(40), 39))
    independent = detectable_before(40, 5, correlation=0)
    assert independent < detectable_before(40, 5) < detectable_before(40, 5, correlation=1)
    assert detectable_before(40, 5, correlation=1) == pytest.approx(detectable_before(40))
    assert detectable_before(40, sd=0.25) == pytest.approx(detectable_before(40) / 2)
