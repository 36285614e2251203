"""Estimate uncertainty: intervals over people and tasks that say for whom they are valid; rank correlation."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol

from scai_cli.stats.student import quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Table = Sequence[Sequence[float | None]]
"""One row per person, one column per task; None is missing."""

Estimand = Literal["these people and tasks again", "new tasks", "new people", "new people and tasks"]
"""For whom an interval is valid: the same people and tasks with other luck, or others like those that were drawn."""

FEWEST_PEOPLE: Final = 4
"""The minimal number of people for an interval for new ones."""
FEWEST_TASKS: Final = 3
"""The minimal number of tasks for an interval for new ones."""
FEWEST_CELLS: Final = 3
"""The minimal number of cells for any interval: two changes are often equal through rounding and show no spread."""
_MOST_PEOPLE: Final = 500
"""The maximal number of people for an interval of another statistic than the mean: its time is quadratic."""
LEAST_UTILITY: Final = 0.15
"""The minimal mean of each person for an interval of a statistic that is steep near 0.

There its linear part is far from it: with one person of six near 0, it contained the truth in 60 % of simulated runs.
"""
_STEP: Final = 1e-5
_ROUNDS: Final = 50
"""The number of improvements of the values in place of missing cells."""


class Statistic(Protocol):
    """A function of the people's utilities and weights; every `WelfareFunction` is one."""

    @property
    def smooth(self) -> bool:
        """Whether it changes gradually with each utility; if not, it has no interval."""

    @property
    def steep(self) -> bool:
        """Whether a utility near 0 decides it; then there is an interval only from `LEAST_UTILITY` on."""

    def __call__(self, utilities: Sequence[float | None], weights: Sequence[float], /) -> float | None:
        """Return the value of these utilities; None if there is none."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its interval for an estimand; `low` and `high` are None if the data do not determine them.

    `people` and `tasks` are the numbers of those measured. `level` is that of all intervals together, where several are
    valid together.
    """

    estimate: float
    low: float | None
    high: float | None
    level: float
    estimand: Estimand
    people: int
    tasks: int


def estimand(*, new_people: bool, new_tasks: bool, tasks: int) -> Estimand:
    """Return what can be estimated from people and tasks that the rules were written from, or from held-out ones.

    With too few held-out tasks, an interval for new people alone.
    """
    if new_people:
        return "new people and tasks" if new_tasks and tasks >= FEWEST_TASKS else "new people"
    return "new tasks" if new_tasks else "these people and tasks again"


def paired_difference(
    before: Table,
    after: Table,
    estimand: Estimand,
    statistic: Statistic | None = None,
    *,
    weights: Sequence[float] | None = None,
    level: float = 0.95,
) -> Interval | None:
    """Return statistic(after) - statistic(before) of the same people's means over the same tasks, with its interval.

    Without a `statistic` it is the weighted mean. A cell that is missing in one table is left out of both; None without
    any cell. The interval is Student's t with a crossed two-way analysis of variance: for the same people and tasks
    again, the rest that they leave unexplained is the noise; for new ones, their own variance is added, with degrees of
    freedom by Satterthwaite (1946). No component counts as negative. Another smooth statistic has the interval of its
    linear part, and none if it is steep and a person's mean is below `LEAST_UTILITY`. Coverage: `docs/benchmarks.md`.
    It needs `FEWEST_CELLS`, for new people `FEWEST_PEOPLE`, and for new tasks `FEWEST_TASKS`. Raises ValueError for
    tables or weights that do not fit.
    """
    cells, shares = _cells((before, after), weights)
    if not cells.size:
        return None
    _, people, tasks = cells.shape
    first, last = (_row_means(side) for side in cells)
    if statistic is None:
        estimate = float(shares @ (last - first))
        table = people * shares[:, None] * (cells[1] - cells[0] - estimate)
    else:
        values = [statistic(means.tolist(), shares.tolist()) for means in (first, last)]
        if values[0] is None or values[1] is None:
            return None
        estimate = values[1] - values[0]
        is_near_zero = statistic.steep and min(first.min(), last.min()) < LEAST_UTILITY
        if not statistic.smooth or is_near_zero or people > _MOST_PEOPLE:
            return Interval(estimate, None, None, level, estimand, people, tasks)
        table = _linear(cells[1], last, shares, statistic) - _linear(cells[0], first, shares, statistic)
    error = _error(table, estimand, still=people - int(_moved(cells[1] - cells[0]).sum()))
    return _of(estimate, error, level, estimand, people, tasks)


def person_differences(
    before: Table, after: Table, *, groups: Sequence[Hashable] | None = None, level: float = 0.95
) -> list[Interval | None]:
    """Return each person's mean after minus before; the intervals are valid together, for these people and tasks again.

    The noise is the rest that people and tasks leave unexplained, pooled over the people of a group who changed at all;
    `groups` has one label per row, and without it all belong together. Where a pool shows no rest, as with one person,
    the noise is the person's own spread over `FEWEST_CELLS` tasks or more. All intervals together contain the true
    changes at `level`: each is wider, by the number of people (Bonferroni). None for a person without a cell in both
    tables.
    """
    import numpy as np

    cells, _ = _cells((before, after), None)
    changes = cells[1] - cells[0] if cells.size else np.empty((0, 0))
    shared = [any(None not in pair for pair in zip(*rows, strict=True)) for rows in zip(before, after, strict=True)]
    given = [None] * len(shared) if groups is None else groups
    labels = [label for label, is_rated in zip(given, shared, strict=True) if is_rated]
    pools = {label: _pool(changes[[other == label for other in labels]]) for label in set(labels)}
    found = (_person(row, pools[label], level, len(changes)) for row, label in zip(changes, labels, strict=True))
    return [next(found) if is_rated else None for is_rated in shared]


def _pool(changes: Array) -> tuple[float, int]:
    """Return the rest of the people who changed at all; the unchanged would make their noise seem smaller."""
    import numpy as np

    moved = changes[_moved(changes)]
    moved = moved[:, ~np.isnan(moved).all(axis=0)]
    return _rest(moved, _filled(moved))


def _moved(changes: Array) -> NDArray[np.bool_]:
    """Return which people changed in any task, by more than a rounding error."""
    import numpy as np

    moved: NDArray[np.bool_] = np.any(abs(np.nan_to_num(changes)) > _STEP**2, axis=1)
    return moved


def _person(row: Array, pool: tuple[float, int], level: float, people: int) -> Interval:
    """Return a person's change with one of `people` intervals that are valid together at `level`."""
    import numpy as np

    known = row[~np.isnan(row)]
    variance, freedom = pool
    if not freedom and len(known) >= FEWEST_CELLS:
        variance, freedom = float(known.var(ddof=1)), len(known) - 1
    error = (variance / len(known), freedom) if freedom else None
    corrected = 1 - (1 - level) / people
    found = _of(float(known.mean()), error, corrected, "these people and tasks again", 1, len(known))
    return replace(found, level=level)


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


def _of(
    estimate: float, error: tuple[float, float] | None, level: float, estimand: Estimand, people: int, tasks: int
) -> Interval:
    """Return the interval of a variance and its degrees of freedom; open without them.

    Cells that all changed by the same amount, as rounded ratings can, do not show how sure their change is.
    """
    if error is None or (error[0] <= _STEP**3 and estimate):
        return Interval(estimate, None, None, level, estimand, people, tasks)
    half = quantile(level, error[1]) * math.sqrt(error[0])
    return Interval(estimate, estimate - half, estimate + half, level, estimand, people, tasks)


def _error(table: Array, estimand: Estimand, still: int) -> tuple[float, float] | None:
    """Return the variance of the mean of a table's row means and its degrees of freedom; None if it is not known.

    `still` people of it did not change.
    """
    import numpy as np

    people, tasks = table.shape
    counts = (~np.isnan(table)).sum(axis=1)
    if counts.sum() < FEWEST_CELLS:
        return None
    filled = _filled(table)
    # Not of `filled`: which cells are missing varies from person to person, too.
    of_people = _row_means(table).var(ddof=1) / people if people > 1 else 0.0
    of_tasks = filled.mean(axis=0).var(ddof=1) / tasks if tasks > 1 else 0.0
    variance, freedom = _rest(table, filled)
    # People who did not change at all, as no changed rule reaches them, show nothing of the noise.
    freedom = max(freedom - still * (tasks - 1), min(freedom, tasks - 1))
    rest = variance * float((1 / counts).mean()) / people
    if estimand == "these people and tasks again":
        if freedom:
            return rest, freedom
        return float(max(of_people, of_tasks)), max(people, tasks) - 1  # one of them alone, and its noise
    if (estimand != "new tasks" and people < FEWEST_PEOPLE) or (estimand != "new people" and tasks < FEWEST_TASKS):
        return None
    if estimand == "new people":
        return float(max(of_people, rest)), people - 1
    if estimand == "new tasks":
        return float(max(of_tasks, rest)), tasks - 1
    variance = max(of_people + of_tasks - rest, of_people, of_tasks)
    squares = of_people**2 / (people - 1) + of_tasks**2 / (tasks - 1) + (rest**2 / freedom if freedom else 0.0)
    return float(variance), max(variance**2 / squares if squares else 0.0, min(people, tasks) - 1)


def _rest(table: Array, filled: Array) -> tuple[float, int]:
    """Return the variance of a cell that people and tasks leave unexplained, and its degrees of freedom, 0 for none."""
    import numpy as np

    people, tasks = table.shape
    freedom = max(people - 1, 0) * max(tasks - 1, 0) - int(np.isnan(table).sum())
    if freedom < 1:
        return 0.0, 0
    rest = filled - filled.mean(axis=1, keepdims=True) - filled.mean(axis=0, keepdims=True) + filled.mean()
    return float((rest**2).sum()) / freedom, freedom


def _filled(table: Array) -> Array:
    """Return a table with person + task - mean in each missing cell, so that it adds nothing to the rest."""
    import numpy as np

    missing = np.isnan(table)
    if not missing.any():
        return table
    filled = np.where(missing, np.nanmean(table), table)
    of_row, of_column = (np.full(count, 1 / count) for count in table.shape[::-1])
    for _ in range(_ROUNDS):  # a product is faster than `mean` by far in a small table
        rows = filled @ of_row
        filled = np.where(missing, rows[:, None] + of_column @ filled - of_column @ rows, table)
    return filled


def _linear(table: Array, means: Array, shares: Array, statistic: Statistic) -> Array:
    """Return the table whose mean varies as the statistic does, to first order: by person, and by cell within one.

    A person adds what the statistic gains by more people of this kind (the influence function), a cell what it gains by
    the person's utility. The first has mean 0 over the people.
    """
    import numpy as np

    def value(utilities: Array, weights: Array) -> float:
        found = statistic(utilities.tolist(), weights.tolist())
        return 0.0 if found is None else found

    people = len(means)
    of_person, of_utility = np.zeros(people), np.zeros(people)
    for n in range(people):
        one = np.eye(people)[n]
        of_person[n] = (value(means, shares * np.exp(_STEP * one)) - value(means, shares * np.exp(-_STEP * one))) / 2
        above, below = (np.clip(means + step * one, 0.0, 1.0) for step in (_STEP, -_STEP))
        of_utility[n] = (value(above, shares) - value(below, shares)) / max(above[n] - below[n], 1e-12)
    return people * (of_person[:, None] / _STEP + of_utility[:, None] * (table - means[:, None]))


def _row_means(table: Array) -> Array:
    import numpy as np

    means: Array = np.nanmean(table, axis=1)
    return means


def _cells(tables: Sequence[Table], weights: Sequence[float] | None) -> tuple[Array, Array]:
    """Return (tables, people, tasks), NaN where any table lacks the cell, and the people's shares of the weight.

    Rows and columns without any cell are left out.
    """
    import numpy as np

    widths = {len(row) for table in tables for row in table}
    if len(widths) > 1 or len({len(table) for table in tables}) > 1:
        raise ValueError("the tables need the same users as rows and the same tasks as columns")
    cells = np.array(tables, dtype=float).reshape(len(tables), len(tables[0]), max(widths, default=0))
    shares = np.ones(cells.shape[1]) if weights is None else np.array(weights, dtype=float)
    if shares.shape != (cells.shape[1],):
        raise ValueError(f"{cells.shape[1]} users, but {shares.size} weights")
    cells[:, np.isnan(cells).any(axis=0)] = np.nan
    seen = ~np.isnan(cells[0])
    people, tasks = seen.any(axis=1), seen.any(axis=0)
    shares = shares[people]
    return cells[:, people][:, :, tasks], shares / shares.sum() if shares.sum() else shares
