"""The win rate at equal length: what remains of it without the judge's preference for longer answers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scai_cli.stats.clustered import ClusteredMean, codes_of, freedom_of, student_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LengthControl:
    """The win rate of answers as long as the reference's, in [0, 1], and what 100 more words add to it."""

    win_rate: ClusteredMean
    per_100_words: ClusteredMean


def length_controlled(
    p_win: Sequence[float], extra_words: Sequence[float], clusters: Sequence[Hashable], *, level: float = 0.95
) -> LengthControl | None:
    """Fit wins in [0, 1] by the words that the answer has more than the reference's; None if these are all equal.

    The idea is that of length-controlled AlpacaEval (Dubois et al. 2024, arXiv 2404.04475). Here the fit is linear, by
    least squares: a preference that adds to the probability is found without bias, averages of both orders and ties fit
    as well, and a system that always wins has an estimate. The variances are those of the cluster jackknife (CR3;
    MacKinnon, Nielsen and Webb 2023). It assumes that length itself is not a merit.
    """
    import numpy as np

    x = np.column_stack([np.ones(len(p_win)), np.array(extra_words, dtype=np.float64) / 100])
    y = np.array(p_win, dtype=np.float64) - 0.5
    if not len(y) or np.ptp(x[:, 1]) == 0:
        return None
    codes = codes_of(clusters)
    sizes = np.bincount(codes).astype(np.float64)
    products = _sums(x[:, :, None] * x[:, None, :], codes)
    responses = _sums(x * y[:, None], codes)
    whole = products.sum(axis=0)
    fitted = np.linalg.solve(whole, responses.sum(axis=0))
    variances, freedom = np.zeros(2), 0.0
    others = whole - products
    if len(sizes) > 1 and (np.linalg.det(others) > 1e-9 * np.linalg.det(whole)).all():
        without = np.linalg.solve(others, (responses.sum(axis=0) - responses)[:, :, None])[:, :, 0]
        variances = (1 - 1 / len(sizes)) * ((without - fitted) ** 2).sum(axis=0)
        freedom = freedom_of(sizes)
    level_of, slope = (
        student_mean(float(value), float(variance), freedom, level, (len(y), len(sizes)))
        for value, variance in zip(fitted, variances, strict=True)
    )
    ends = (None if end is None else min(max(end + 0.5, 0.0), 1.0) for end in (level_of.low, level_of.high))
    rate = min(max(level_of.estimate + 0.5, 0.0), 1.0)
    return LengthControl(replace(level_of, estimate=rate, low=next(ends), high=next(ends)), slope)


def _sums(values: Array, codes: NDArray[np.intp]) -> Array:
    """Return the sums of rows by cluster."""
    import numpy as np

    sums = np.zeros((codes.max() + 1, *values.shape[1:]))
    np.add.at(sums, codes, values)
    return sums
