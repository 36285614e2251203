"""Divide a panel among the people of a pool so that quotas are met, with nearly equal chances (sortition).

Each person has the same chance, scaled only as far as the quotas demand (`raking.fit`). The flight phase of the cube
method (Deville and Tillé 2004) rounds the expected numbers of people, and keeps every chance and the expected number of
every quota. The few numbers that it leaves are rounded by a random search that keeps each quota's bounds, and changes
chances a little. It is not LEXIMIN (Flanigan et al. 2021), which makes the lowest chance as high as possible.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scai_cli.errors import ConfigError
from scai_cli.populations.quotas import Quota
from scai_cli.populations.raking import Margin, conflict, fit
from scai_cli.text.counts import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Cell = tuple[str, ...]
"""A label of a part for each quota."""

_ROUNDING: Final = 1e-9
_CLOSE: Final = 0.05
"""People by which an expected number may miss its bounds: where someone must get the chance 0, scaling is slow."""
_FLIGHTS: Final = 50
"""Roundings that are tried until one meets all quotas."""
_STEPS: Final = 20_000
"""Steps of a search for the last numbers."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The quotas as rows over the cells: which cells are in each part, and its fewest and most people."""

    rows: Array
    low: Array
    high: Array


def divide(
    cells: Mapping[Cell, Sequence[float]], quotas: Sequence[Quota], size: int, slack: int, seed: int
) -> tuple[dict[Cell, int], tuple[float, float]]:
    """Return the number of people to draw from each cell, and the lowest and highest mean chance in a cell.

    `cells` maps each combination of parts to its people's weights, to which chances are proportional as far as quotas
    and the size of a cell allow. Each part gets its share of the panel, rounded down or up, or up to `slack` people
    fewer or more. Raises ConfigError with the quotas that cannot be met.
    """
    import numpy as np

    names = sorted(cells)
    there = np.array([len(cells[name]) for name in names], dtype=float)
    start = np.array([math.fsum(cells[name]) for name in names])
    bounds = _bounds(names, there, quotas, size, slack)
    margins = list(_margins(names, quotas, bounds, size))
    found = fit(start, margins, there / size)
    if found.gap > _CLOSE / size:
        listed = " and ".join(margin.name for margin in conflict(start, margins, there / size, _CLOSE / size))
        raise ConfigError(
            f"--quota: the quotas of {listed} cannot be met together by {counted(size, 'person', 'people')} of this "
            "file; change shares or --n, merge values, or allow a --slack"
        )
    expected = np.minimum(found.shares * size, there)
    rng = random.Random(f"{seed}/panel")
    for _ in range(_FLIGHTS):
        numbers = _landed(_flown(expected, bounds.rows, rng), bounds, size, rng)
        if numbers is not None:
            chances = [number / count for number, count in zip(expected.tolist(), there.tolist(), strict=True)]
            return dict(zip(names, numbers, strict=True)), (min(chances), max(chances))
    raise ConfigError(
        f"--quota: found no {counted(size, 'person', 'people')} who meet all quotas in {_FLIGHTS} tries; allow a "
        "--slack, or leave a quota out"
    )


def _bounds(names: Sequence[Cell], there: Array, quotas: Sequence[Quota], size: int, slack: int) -> _Bounds:
    import numpy as np

    rows, low, high = [], [], []
    for place, quota in enumerate(quotas):
        for part in quota.parts:
            row = np.array([float(name[place] == part.label) for name in names])
            wanted, present = part.share * size, int(row @ there)
            fewest = max(0, math.floor(wanted + _ROUNDING) - slack)
            if present < fewest:
                raise ConfigError(
                    f"--quota {quota.attribute}: a panel of {size} needs {fewest} with {part.label!r}, and there "
                    f"are {present}; lower --n or the share, or allow a --slack of {fewest - present + slack}"
                )
            rows.append(row)
            low.append(fewest)
            high.append(min(present, math.ceil(wanted - _ROUNDING) + slack))
    return _Bounds(np.array(rows), np.array(low, dtype=float), np.array(high, dtype=float))


def _margins(names: Sequence[Cell], quotas: Sequence[Quota], bounds: _Bounds, size: int) -> Iterator[Margin]:
    """Yield each quota as a margin, with its own rows of the bounds as shares of the panel."""
    import numpy as np

    start = 0
    for place, quota in enumerate(quotas):
        labels = [part.label for part in quota.parts]
        own = slice(start, start + len(labels))
        parts = np.array([labels.index(cell[place]) for cell in names])
        yield Margin(quota.attribute, parts, bounds.low[own] / size, bounds.high[own] / size)
        start = own.stop


def _flown(expected: Array, rows: Array, rng: random.Random) -> Array:
    """Round all numbers but a few up or down at random; expected numbers and the sums of all rows stay the same.

    In each step the first numbers that are not whole yet move along a line on which no sum changes, to one of the two
    points where the next one becomes whole; the nearer a point, the more likely it is.
    """
    import numpy as np

    numbers = np.where(np.abs(expected - np.rint(expected)) < _ROUNDING, np.rint(expected), expected)
    order = list(range(len(numbers)))
    rng.shuffle(order)
    window: list[int] = []
    while True:
        window = [n for n in window if numbers[n] != np.rint(numbers[n])]
        while order and len(window) <= len(rows):
            if numbers[n := order.pop()] != np.rint(numbers[n]):
                window.append(n)
        direction = _null_vector(rows[:, window])
        if direction is None:
            return numbers
        part = numbers[window]
        up, down = (_reach(part, sign * direction) for sign in (1, -1))
        step = up if rng.random() * (up + down) < down else -down
        moved = part + step * direction
        numbers[window] = np.where(np.abs(moved - np.rint(moved)) < _ROUNDING, np.rint(moved), moved)


def _reach(numbers: Array, direction: Array) -> float:
    """Return how far numbers can move before one reaches the next whole number."""
    import numpy as np

    room = np.where(direction > 0, np.ceil(numbers) - numbers, numbers - np.floor(numbers))
    moving = np.abs(direction) > _ROUNDING
    return float((room[moving] / np.abs(direction[moving])).min())


def _null_vector(rows: Array) -> Array | None:
    """Return a direction, not 0, in which no row's sum changes; None if there is none. By Gauss-Jordan elimination."""
    import numpy as np

    rows, pivots = rows.copy(), list[int]()
    columns = rows.shape[1]
    for column in range(columns):
        free = rows[len(pivots) :, column]
        if not free.size or np.abs(free).max() < _ROUNDING:
            direction = np.zeros(columns)
            direction[column] = 1.0
            direction[pivots] = -rows[: len(pivots), column]
            return direction
        top = len(pivots)
        best = top + int(np.abs(free).argmax())
        rows[[top, best]] = rows[[best, top]]
        rows[top] /= rows[top, column]
        others = rows[:, column].copy()
        others[top] = 0.0
        rows -= others[:, None] * rows[top]
        pivots.append(column)
    return None


def _landed(numbers: Array, bounds: _Bounds, size: int, rng: random.Random) -> list[int] | None:
    """Return whole numbers within the bounds whose sum is `size`: those left are rounded by a random search.

    Each is first rounded up with its own chance, and the other way if no rounding of the later ones fits.
    """
    import numpy as np

    left = [n for n in range(len(numbers)) if numbers[n] != np.rint(numbers[n])]
    rng.shuffle(left)
    whole = np.floor(numbers)
    rows = np.vstack([bounds.rows, np.ones(len(numbers))])
    low, high = np.append(bounds.low, size), np.append(bounds.high, size)
    later = [rows[:, left[n:]].sum(axis=1) for n in range(len(left) + 1)]
    stack: list[tuple[int, Array, tuple[int, ...]]] = [(0, rows @ whole, ())]
    for _ in range(_STEPS):
        if not stack:
            return None
        depth, sums, ups = stack.pop()
        if (sums > high + _ROUNDING).any() or (sums + later[depth] < low - _ROUNDING).any():
            continue
        if depth == len(left):
            whole[list(ups)] += 1
            return [int(number) for number in whole]
        cell = left[depth]
        choices = [(depth + 1, sums, ups), (depth + 1, sums + rows[:, cell], (*ups, cell))]
        if rng.random() < 1 - (numbers[cell] - whole[cell]):
            choices.reverse()
        stack += choices
    return None
