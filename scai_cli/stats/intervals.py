"""Estimate uncertainty: cluster bootstrap over users and tasks, paired differences, rank correlation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Table = Sequence[Sequence[float | None]]
"""One row per user, one column per task; None is missing."""

Statistic = Callable[[Sequence[float | None], Sequence[float]], float | None]
"""Utilities of the users and their weights -> a number; every `WelfareFunction` is one."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its interval; `low` and `high` are None if the data do not determine them."""

    estimate: float
    low: float | None
    high: float | None
    level: float


def mean(utilities: Sequence[float | None], weights: Sequence[float]) -> float | None:
    """Return the weighted mean of the values that are present, of any range; None if there are none."""
    present = [(u, w) for u, w in zip(utilities, weights, strict=True) if u is not None and w > 0]
    total = math.fsum(w for _, w in present)
    return math.fsum(u * w for u, w in present) / total if total else None


def bootstrap(
    table: Table,
    statistic: Statistic = mean,
    *,
    weights: Sequence[float] | None = None,
    draws: int = 2000,
    level: float = 0.95,
    seed: int,
) -> Interval | None:
    """Return `statistic` of the users' means over tasks, with its two-way cluster bootstrap interval.

    Users and tasks are drawn with replacement, independently, as whole rows and columns (pigeonhole bootstrap, Owen
    2007); the interval is the percentile one. It covers new users *and* new tasks, and is wide if the noise within a
    cell is larger than both. With one user (or one task) it covers new tasks (or users) only; with a single cell it is
    open. It is too narrow for few clusters (95 % covered 78 % with 3 x 3, 86 % with 6 x 4, 94 % with 10 x 5 users x
    tasks in a trial) and rough for a minimum, because no draw has a person who is worse off than the worst of the
    sample. Draws with the statistic None are left out; the result is None if it is None for the table itself. The same
    seed gives the same interval. Raises ValueError for rows of unequal length and for weights that do not fit.
    """
    return _interval([table], statistic, weights, draws, level, seed)


def paired_difference(
    before: Table,
    after: Table,
    statistic: Statistic = mean,
    *,
    weights: Sequence[float] | None = None,
    draws: int = 2000,
    seed: int,
) -> Interval | None:
    """Return statistic(after) - statistic(before) on the same users x tasks, with an interval as from `bootstrap`.

    A cell that is missing in one table is left out of both. Both are drawn with the same users and tasks, so effects of
    a single user or task cancel. Raises ValueError if the tables differ in shape.
    """
    return _interval([after, before], statistic, weights, draws, 0.95, seed)


def widened(interval: Interval, clusters: int) -> Interval:
    """Return a bootstrap interval of one kind of cluster, corrected for their number: sqrt(n / (n - 1)) t / z wider.

    t is Student's quantile with n - 1 degrees of freedom in place of the normal z, the root undoes that the variance of
    a bootstrap divides by n (Cameron, Gelbach and Miller 2008). For a level of 95 % and two clusters or more.
    """
    if interval.low is None or interval.high is None or clusters < 2:
        return interval
    factor = math.sqrt(clusters / (clusters - 1)) * _student(clusters - 1) / _NORMAL
    below, above = (factor * (interval.estimate - end) for end in (interval.low, interval.high))
    return Interval(interval.estimate, interval.estimate - below, interval.estimate - above, interval.level)


_NORMAL: Final = 1.96
_STUDENT: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def _student(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t; above 10 degrees of freedom within 1 %."""
    return _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else _NORMAL * (1 + (_NORMAL**2 + 1) / (4 * freedom))


def spearman(first: Sequence[float | None], second: Sequence[float | None]) -> float | None:
    """Return the rank correlation in [-1, 1]: Pearson's over average ranks (Spearman 1904); a million take a second.

    Pairs with a missing value are left out. None if fewer than two are left or one side is constant. Raises ValueError
    if the lengths differ.
    """
    import numpy as np

    pairs = np.array([first, second], dtype=np.float64)
    x, y = (_centred_ranks(column) for column in pairs[:, ~np.isnan(pairs).any(axis=0)])
    spread = math.sqrt(float(x @ x) * float(y @ y))
    return max(-1.0, min(1.0, float(x @ y) / spread)) if spread else None


def _centred_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half of (values below - values above) for each value: its average rank minus the mean rank."""
    import numpy as np

    order = np.sort(values)
    below, not_above = (np.searchsorted(order, values, side=side) for side in ("left", "right"))
    ranks: NDArray[np.float64] = (below - (len(values) - not_above)) / 2
    return ranks


def _interval(
    tables: Sequence[Table], statistic: Statistic, weights: Sequence[float] | None, draws: int, level: float, seed: int
) -> Interval | None:
    """Bootstrap statistic(first table), minus that of the second if there are two."""
    import numpy as np

    cells, user_weights = _cells(tables, weights)
    estimate = _contrast(statistic, np.nanmean(cells, axis=2), user_weights) if cells.size else None
    if estimate is None:
        return None
    _, users, tasks = cells.shape
    if users == tasks == 1:
        return Interval(estimate, None, None, level)
    random = np.random.default_rng(seed)
    who = random.integers(users, size=(draws, users))
    counts = random.multinomial(tasks, [1 / tasks] * tasks, size=draws).T
    with np.errstate(invalid="ignore"):  # a user without any drawn task: 0 / 0 is missing, as intended
        means = (np.nan_to_num(cells) @ counts) / (~np.isnan(cells) @ counts)
    samples = (_contrast(statistic, means[:, who[draw], draw], user_weights[who[draw]]) for draw in range(draws))
    low, high = np.quantile([s for s in samples if s is not None], [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), level)


def _cells(tables: Sequence[Table], weights: Sequence[float] | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (tables, users, tasks), NaN if any table lacks the cell, and user weights; empty rows and columns go."""
    import numpy as np

    widths = {len(row) for table in tables for row in table}
    if len(widths) > 1 or len({len(table) for table in tables}) > 1:
        raise ValueError("the tables need the same users as rows and the same tasks as columns")
    cells = np.array(tables, dtype=float).reshape(len(tables), len(tables[0]), max(widths, default=0))
    user_weights = np.ones(cells.shape[1]) if weights is None else np.array(weights, dtype=float)
    if user_weights.shape != (cells.shape[1],):
        raise ValueError(f"{cells.shape[1]} users, but {user_weights.size} weights")
    cells[:, np.isnan(cells).any(axis=0)] = np.nan
    seen = ~np.isnan(cells[0])
    users, tasks = seen.any(axis=1), seen.any(axis=0)
    return cells[:, users][:, :, tasks], user_weights[users]


def _contrast(statistic: Statistic, means: NDArray[np.float64], weights: NDArray[np.float64]) -> float | None:
    """Apply the statistic to the users' means of each table; return the first, or the first minus the second."""
    shares = weights.tolist()
    values = [statistic([None if u != u else u for u in row], shares) for row in means.tolist()]
    if any(value is None for value in values):
        return None
    first, *second = [value for value in values if value is not None]
    return first - math.fsum(second)
