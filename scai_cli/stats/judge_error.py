"""A judge's errors: its preference for the first place, and rates corrected by its errors on human labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

from scai_cli.stats.clustered import ClusteredMean, clustered_mean, design_effect, wilson

_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Calibration:
    """Counts of a judge's answers on items with human labels: true and false positives and negatives.

    For comparisons "positive" is that the system wins: an agreement on one order, or the answers of both. The items are
    independent, like those judged later, and the judge's errors do not depend on the system (else no count corrects
    them). A count may be a fraction.
    """

    tp: float
    fn: float
    fp: float
    tn: float

    @property
    def sensitivity(self) -> float | None:
        """The share of positive items that the judge calls positive; None without any."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else None

    @property
    def specificity(self) -> float | None:
        """The share of negative items that the judge calls negative; None without any."""
        return self.tn / (self.tn + self.fp) if self.tn + self.fp else None

    def can_judge(self, level: float = 0.95) -> bool:
        """Return whether sensitivity + specificity exceed 1, a judge by chance, by their interval."""
        shares = _shares(self, level)
        return shares is not None and shares[0].value + shares[1].value - 1 > math.hypot(shares[0].down, shares[1].down)


@dataclass(frozen=True, slots=True)
class _Estimate:
    """A value with the distances to the ends of its interval."""

    value: float
    down: float
    up: float


def calibration_of(labelled: Iterable[tuple[bool, float, Hashable]]) -> Calibration:
    """Return the counts of items with people's label, the judge's share or probability of a positive, and a cluster.

    A share counts as it is, in part true and in part false: the mean of a panel is corrected by the errors of its mean.
    The counts are those of as many independent items as inform equally (the number divided by the design effect).
    """
    found: dict[bool, list[tuple[float, Hashable]]] = {True: [], False: []}
    for is_positive, share, cluster in labelled:
        found[is_positive].append((share, cluster))
    (tp, fn), (fp, tn) = (_counts(*zip(*found[label], strict=True)) if found[label] else (0, 0) for label in found)
    return Calibration(tp=tp, fn=fn, fp=fp, tn=tn)


def _counts(shares: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, float]:
    positive, effect = sum(shares), design_effect(shares, clusters)
    return positive / effect, (len(shares) - positive) / effect


def position_bias(
    shown_first: Sequence[float], shown_second: Sequence[float], clusters: Sequence[Hashable]
) -> ClusteredMean | None:
    """Return by how much the first place raises the probability of a win, in [-0.5, 0.5].

    The arguments are the system's wins (1, 0, a tie 0.5) in both orders of each pair, its answer first and second: half
    the mean difference. The average of both orders is free of it.
    """
    halves = [(first - second) / 2 for first, second in zip(shown_first, shown_second, strict=True)]
    return clustered_mean(halves, clusters)


def rogan_gladen(rate: ClusteredMean, calibration: Calibration) -> ClusteredMean | None:
    """Return the true rate behind a judged one, in [0, 1]; None if the judge may be no better than chance.

    It is (rate + specificity - 1) / (sensitivity + specificity - 1) (Rogan and Gladen 1978). The interval contains each
    rate that agrees with the judged one within the intervals of rate, sensitivity and specificity (Wilson's), their
    distances combined as by Zou and Donner (2008) and solved for the rate as by Fieller (1954). Thus the calibration's
    uncertainty counts, also with errors of 0 (compare Lang and Reiczigel 2014). It is open if no rate agrees. There is
    neither `p` nor `error`.
    """
    shares = _shares(calibration, rate.level)
    if shares is None or not calibration.can_judge(rate.level):
        return None
    hits, rejections = shares

    def excess(true: float) -> float:
        gap = rate.estimate - true * hits.value - (1 - true) * (1 - rejections.value)
        assert rate.low is not None
        assert rate.high is not None
        ends = (rate.estimate - rate.low, hits.up, rejections.down)
        if gap < 0:
            ends = (rate.high - rate.estimate, hits.down, rejections.up)
        return gap**2 - ends[0] ** 2 - (true * ends[1]) ** 2 - ((1 - true) * ends[2]) ** 2

    estimate = (rate.estimate + rejections.value - 1) / (hits.value + rejections.value - 1)
    return _corrected(replace(rate, p=None), estimate, excess, (0.0, 1.0))


def corrected_win_rate(rate: ClusteredMean, calibration: Calibration) -> ClusteredMean | None:
    """Return the true win rate behind a judged one of both orders; None if the judge may be no better than chance.

    A judge that does not know which answer is the system's errs equally often on both sides. So its errors only bring
    the rate nearer to 0.5, and this needs far fewer human labels than `rogan_gladen`.
    """
    centred = _divided(shifted(rate, -0.5), calibration, (-0.5, 0.5))
    return None if centred is None else shifted(centred, 0.5)


def shifted(mean: ClusteredMean, by: float) -> ClusteredMean:
    """Return a mean and its interval, moved."""
    low, high = (None if end is None else end + by for end in (mean.low, mean.high))
    return replace(mean, estimate=mean.estimate + by, low=low, high=high)


def scaled(mean: ClusteredMean, by: float) -> ClusteredMean:
    """Return a mean, its interval and its error, times a positive number."""
    low, high, error = (None if number is None else number * by for number in (mean.low, mean.high, mean.error))
    return replace(mean, estimate=mean.estimate * by, low=low, high=high, error=error)


def corrected_difference(difference: ClusteredMean, calibration: Calibration) -> ClusteredMean | None:
    """Return the true difference of two rates of the same judge, in [-1, 1]; None if it may be no better than chance.

    It is the judged one divided by sensitivity + specificity - 1, with the interval as in `rogan_gladen`; false
    alarms on both sides cancel. `p` is unchanged: whether there is a difference does not depend on the factor. `error`
    is that of a true difference of 0, where the calibration's uncertainty has no part.
    """
    return _divided(difference, calibration, (-1.0, 1.0))


def _divided(difference: ClusteredMean, calibration: Calibration, limits: tuple[float, float]) -> ClusteredMean | None:
    shares = _shares(calibration, difference.level)
    if shares is None or not calibration.can_judge(difference.level):
        return None
    factor = shares[0].value + shares[1].value - 1
    down, up = math.hypot(*(one.down for one in shares)), math.hypot(*(one.up for one in shares))

    def excess(true: float) -> float:
        gap = difference.estimate - true * factor
        assert difference.low is not None
        assert difference.high is not None
        end = difference.estimate - difference.low if gap > 0 else difference.high - difference.estimate
        return gap**2 - end**2 - (true * (up if gap * true > 0 else down)) ** 2

    found = _corrected(difference, difference.estimate / factor, excess, limits)
    error = None if difference.error is None else difference.error / factor
    return replace(found, error=error, freedom=difference.freedom)


def _corrected(
    judged: ClusteredMean, estimate: float, excess: Callable[[float], float], limits: tuple[float, float]
) -> ClusteredMean:
    """Return the estimate within the limits; its interval ends where `excess`, negative at the estimate, is 0.

    It is open if no value within the limits agrees: the judge errs otherwise here than on the labelled items.
    """
    inside, low, high = _clipped(estimate, limits), None, None
    if judged.low is not None and judged.high is not None and (inside == estimate or excess(inside) <= 0):
        low, high = (_root(excess, inside, limit) for limit in limits)
    return replace(judged, estimate=inside, low=low, high=high, error=None, freedom=None)


def _root(excess: Callable[[float], float], inside: float, limit: float) -> float:
    if excess(limit) <= 0:
        return limit
    outside = limit
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if excess(middle) <= 0 else (inside, middle)
    return outside


def _clipped(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


def _shares(calibration: Calibration, level: float) -> tuple[_Estimate, _Estimate] | None:
    """Return sensitivity and specificity with Wilson's intervals; None if one has no items."""
    normal = NormalDist().inv_cdf((1 + level) / 2)
    found = []
    for share, n in (
        (calibration.sensitivity, calibration.tp + calibration.fn),
        (calibration.specificity, calibration.tn + calibration.fp),
    ):
        if share is None:
            return None
        low, high = wilson(share, n, normal)
        found.append(_Estimate(share, share - low, high - share))
    return found[0], found[1]
