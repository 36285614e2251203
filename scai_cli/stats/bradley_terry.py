"""The strength of a system against the reference on the scale of Bradley and Terry."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Final

from scai_cli.stats.clustered import ClusteredMean, clustered_mean, clustered_rate, wilson

_LEAST: Final = 1e-9


def bradley_terry_difference(wins: Sequence[float], clusters: Sequence[Hashable]) -> ClusteredMean | None:
    """Return the difference of log-strengths, system minus reference, from wins in [0, 1]; None without any.

    P(win) = 1 / (1 + exp(-difference)) (Bradley and Terry 1952). Where all systems meet only the reference, the maximum
    of the likelihood is the logit of each win rate, ties counted as half; so it is here, with the logits of the ends of
    `clustered_rate`. As games of one prompt depend on each other, the prompt is the cluster. A rate of 0 or 1 gets half
    a win for each side, so that all is finite. `p` is of a difference of 0, `error` by the delta method.
    """
    rate, even = clustered_rate(wins, clusters), clustered_mean([win - 0.5 for win in wins], clusters)
    if rate is None or even is None:
        return None
    estimate, low, high = rate.estimate, rate.low, rate.high
    if estimate in (0, 1):
        estimate = (estimate * rate.n + 0.5) / (rate.n + 1)
        if low is not None:
            ends = wilson(estimate, rate.n, NormalDist().inv_cdf((1 + rate.level) / 2))
            low, high = (ends[0], high) if rate.estimate == 0 else (low, ends[1])
    return replace(
        rate,
        estimate=_logit(estimate),
        low=None if low is None else _logit(low),
        high=None if high is None else _logit(high),
        p=even.p,
        error=None if rate.error is None else rate.error / (estimate * (1 - estimate)),
    )


def _logit(rate: float) -> float:
    rate = min(max(rate, _LEAST), 1 - _LEAST)
    return math.log(rate / (1 - rate))
