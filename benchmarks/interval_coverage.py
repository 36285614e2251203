"""Count how often intervals contain the true change, and write the table in `docs/benchmarks.md`.

python benchmarks/interval_coverage.py                 # all of it
python benchmarks/interval_coverage.py --draws 100     # a quick look, printed only
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.documents import line, write_between
from scai_cli.analysis.verdicts import gained_or_lost
from scai_cli.social_choice import welfare
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.stats.intervals import Estimand, paired_difference, person_differences

Array = NDArray[np.float64]
Found = TypeVar("Found")

SIZES = ((2, 1), (1, 3), (3, 1), (3, 3), (4, 3), (6, 3), (6, 4), (10, 5), (12, 8), (30, 10))
ESTIMANDS: tuple[Estimand, ...] = get_args(Estimand)
TARGET, HIGH = 0.93, 0.985


@dataclass(frozen=True, slots=True)
class Mix:
    """The standard deviations of a change: of people, tasks, their interaction, and from play to play."""

    people: float
    tasks: float
    interaction: float
    noise: float
    skewed: bool = False
    missing: float = 0.0
    """The share of cells that are missing."""

    def effects(self, rng: np.random.Generator, people: int, tasks: int) -> tuple[Array, Array, Array]:
        """Draw the effects of people, of tasks and of their interaction."""

        def draw(spread: float, shape: tuple[int, int]) -> Array:
            drawn: Array = rng.exponential(1.0, shape) - 1 if self.skewed else rng.normal(0.0, 1.0, shape)
            return spread * drawn

        return draw(self.people, (people, 1)), draw(self.tasks, (1, tasks)), draw(self.interaction, (people, tasks))


MIXES: Mapping[str, Mix] = {
    "noise alone": Mix(0.0, 0.0, 0.0, 1.0),
    "people differ": Mix(1.0, 0.2, 0.2, 0.5),
    "tasks differ": Mix(0.2, 1.0, 0.2, 0.5),
    "both differ": Mix(1.0, 1.0, 0.3, 0.5),
    "each in its own way": Mix(0.4, 0.4, 1.0, 0.5),
    "noise alone, a third of the cells missing": Mix(0.0, 0.0, 0.0, 1.0, missing=1 / 3),
    "both differ, a third of the cells missing": Mix(1.0, 1.0, 0.3, 0.5, missing=1 / 3),
}
SKEWED = Mix(1.0, 1.0, 0.3, 0.5, skewed=True)
"""Exponential effects: a few people and tasks have most of the change."""


def covered(mix: Mix, people: int, tasks: int, draws: int, seed: int) -> dict[Estimand, float | None]:
    """Return the share of intervals with the true change, by estimand; None if no interval is given."""
    rng = np.random.default_rng(seed)
    hits: dict[Estimand, list[bool]] = {estimand: [] for estimand in ESTIMANDS}
    for _ in range(draws):
        of_people, of_tasks, interaction = mix.effects(rng, people, tasks)
        both = of_people + of_tasks + interaction
        missing = _missing(rng, mix.missing, people, tasks)
        measured = np.where(missing, np.nan, both + rng.normal(0.0, mix.noise, both.shape))
        again = float(np.nanmean(np.where(missing, np.nan, both), axis=1).mean())
        truths = dict(zip(ESTIMANDS, (again, of_people.mean(), of_tasks.mean(), 0.0), strict=True))
        changes = np.where(missing, None, measured).tolist()
        for estimand, truth in truths.items():
            found = paired_difference(np.zeros(both.shape).tolist(), changes, estimand)
            if found is not None and found.low is not None and found.high is not None:
                hits[estimand].append(found.low <= truth <= found.high)
    return {estimand: float(np.mean(some)) if some else None for estimand, some in hits.items()}


def _missing(rng: np.random.Generator, share: float, people: int, tasks: int) -> NDArray[np.bool_]:
    """Draw which cells are missing; each person keeps a cell."""
    missing = np.zeros((people, tasks), dtype=bool)
    if share:
        missing.flat[rng.permutation(missing.size)[: round(share * missing.size)]] = True
        for row in np.flatnonzero(missing.all(axis=1)):
            missing[row, rng.integers(tasks)] = False
    return missing


def false_verdicts(people: int, tasks: int, reached: int, draws: int, seed: int) -> tuple[float, float]:
    """Return how often a person, and the group, changed though nothing did but the luck of the first `reached` people.

    Ratings are whole numbers from 0 to 10, as utilities; the others' are the same on both sides.
    """
    rng = np.random.default_rng(seed)
    wrong = wrong_of_group = 0
    for _ in range(draws):
        level = rng.uniform(3.0, 8.0, (people, 1)) + rng.normal(0.0, 0.5, (people, tasks))
        before, after = (np.clip(np.round(level + rng.normal(0.0, 1.0, level.shape)), 0, 10) / 10 for _ in range(2))
        after[reached:] = before[reached:]
        found = person_differences(before.tolist(), after.tolist(), groups=[n < reached for n in range(people)])
        wrong += any(gained_or_lost(interval) != "cannot tell" for interval in found)
        group = paired_difference(before.tolist(), after.tolist(), "these people and tasks again")
        wrong_of_group += gained_or_lost(group) != "cannot tell"
    return wrong / draws, wrong_of_group / draws


def near_zero(name: str, mean: float, tasks: int, draws: int, seed: int) -> tuple[float | None, float]:
    """Return the share of intervals with the true change, and the share of draws with an interval.

    Nothing changes for six people who rate in whole numbers from 0 to 10; one of them is dissatisfied, with this mean
    utility.
    """
    rng, function = np.random.default_rng(seed), welfare.parse(name)
    hits = []
    for _ in range(draws):
        level = rng.uniform(4.0, 8.0, (5, 1))

        def ratings(level: Array = level) -> list[list[float]]:
            content = np.clip(np.round(level + rng.normal(0.0, 0.8, (5, tasks))), 0, 10)
            both: list[list[float]] = (np.vstack([rng.binomial(10, mean, (1, tasks)), content]) / 10).tolist()
            return both

        found = paired_difference(ratings(), ratings(), ESTIMANDS[0], function)
        if found is not None and found.low is not None and found.high is not None:
            hits.append(found.low <= 0 <= found.high)
    return float(np.mean(hits)) if hits else None, len(hits) / draws


@dataclass(slots=True)
class Remembered:
    """A welfare function that keeps its values: intervals of all estimands need the same ones."""

    function: WelfareFunction
    values: dict[tuple[float | None, ...], float | None] = field(default_factory=dict)

    @property
    def smooth(self) -> bool:
        """As the function."""
        return self.function.smooth

    @property
    def steep(self) -> bool:
        """As the function."""
        return self.function.steep

    def __call__(self, utilities: Sequence[float | None], weights: Sequence[float], /) -> float | None:
        """Return the function's value."""
        given = (*utilities, *weights)
        if given not in self.values:
            self.values[given] = self.function(utilities, weights)
        return self.values[given]


def covered_welfare(name: str, people: int, tasks: int, draws: int, seed: int) -> dict[Estimand, float | None]:
    """Return the share of intervals of a welfare function's change with the truth, for utilities between 0 and 1."""
    rng, function = np.random.default_rng(seed), welfare.parse(name)

    def society(count: int, columns: int) -> tuple[Array, Array]:
        level, gain = rng.normal(0.45, 0.1, (count, 1)), rng.normal(0.1, 0.08, (count, 1))
        of_tasks, change = rng.normal(0, 0.05, (1, columns)), rng.normal(0, 0.04, (1, columns))
        return np.clip(level + of_tasks, 0.02, 1.0), np.clip(level + of_tasks + gain + change, 0.02, 1.0)

    def change(before: Array, after: Array) -> float:
        first, last = (function(side.mean(axis=1).tolist()) for side in (before, after))
        assert first is not None
        assert last is not None
        return last - first

    beyond = change(*society(4000, 400))
    hits: dict[Estimand, list[bool]] = {ESTIMANDS[0]: [], ESTIMANDS[3]: []}
    for _ in range(draws):
        sides = society(people, tasks)
        remembered = Remembered(function)
        measured = [np.clip(side + rng.normal(0, 0.06, side.shape), 0.0, 1.0).tolist() for side in sides]
        for estimand, truth in ((ESTIMANDS[0], change(*sides)), (ESTIMANDS[3], beyond)):
            found = paired_difference(measured[0], measured[1], estimand, remembered)
            if found is not None and found.low is not None and found.high is not None:
                hits[estimand].append(found.low <= truth <= found.high)
    return {estimand: float(np.mean(some)) if some else None for estimand, some in hits.items()}


def report(draws: int, pool: Executor) -> Iterator[str]:
    """Yield the lines of the tables; the pool counts their rows."""
    yield f"`python benchmarks/interval_coverage.py --draws {draws}`; in percent, for intervals of 95 %."
    yield ""
    yield from _of_means(draws, pool)
    yield ""
    yield line("skewed effects of people and tasks", *ESTIMANDS)
    yield line("---", *("---:" for _ in ESTIMANDS))
    sizes = [size for size in SIZES if min(size) > 1 and max(size) > 3]
    skewed = [(SKEWED, people, tasks, draws, people * 100 + tasks) for people, tasks in sizes]
    for (_, people, tasks, *_), found in _counted(pool, covered, skewed):
        yield line(f"{people} x {tasks}", *map(_percent, found.values()))
    yield ""
    yield line("welfare function", "people x tasks", ESTIMANDS[0], ESTIMANDS[3])
    yield line("---", "---", "---:", "---:")
    functions = [
        (name, people, tasks, draws, people)
        for name in ("nash", "atkinson", "alpha", "gini")
        for people, tasks in ((4, 3), (6, 3), (12, 8), (30, 10))
    ]
    for (name, people, tasks, *_), found in _counted(pool, covered_welfare, functions):
        yield line(name, f"{people} x {tasks}", *map(_percent, found.values()))
    yield ""
    yield from _near_zero(draws, pool)
    yield ""
    yield from _false_verdicts(draws, pool)


def _of_means(draws: int, pool: Executor) -> Iterator[str]:
    """Yield the table of intervals of means, and which of its cells are far from 95 %."""
    yield line("people x tasks", "what varies", *ESTIMANDS)
    yield line("---", "---", *("---:" for _ in ESTIMANDS))
    rows = [
        (name, people, tasks)
        for people, tasks in SIZES
        for name, mix in MIXES.items()
        if not mix.missing or min(people, tasks) > 1
    ]
    cases = [(MIXES[name], people, tasks, draws, people * 100 + tasks) for name, people, tasks in rows]
    low, high = [], []
    for (name, people, tasks), (_, found) in zip(rows, _counted(pool, covered, cases), strict=True):
        yield line(f"{people} x {tasks}", name, *map(_percent, found.values()))
        row = f"{people} x {tasks}, {name}"
        low += [f"{row}: {e}" for e, share in found.items() if share is not None and share < TARGET]
        high += [f"{row}: {e}" for e, share in found.items() if share is not None and share > HIGH]
    yield ""
    yield f"Below {100 * TARGET:g} %: {'; '.join(low) or 'none'}."
    yield ""
    yield f"Above {100 * HIGH:g} %, so wider than they need be: {'; '.join(high) or 'none'}."


def _near_zero(draws: int, pool: Executor) -> Iterator[str]:
    """Yield the table of intervals where one person of six is dissatisfied."""
    means = (0.05, 0.1, 0.15, 0.2, 0.3)
    heads = (f"mean {mean:g}" for mean in means)
    yield line("one dissatisfied person of six, no change: covered (given)", "tasks", *heads)
    yield line("---", "---:", *("---:" for _ in means))
    names = ("nash", "alpha", "atkinson", "gini")
    cases = [(name, mean, tasks, draws, 1) for name in names for tasks in (3, 6) for mean in means]
    found = [f"{_percent(share)} ({100 * given:.0f})" for _, (share, given) in _counted(pool, near_zero, cases)]
    for at in range(0, len(cases), len(means)):
        yield line(cases[at][0], str(cases[at][2]), *found[at : at + len(means)])


def _false_verdicts(draws: int, pool: Executor) -> Iterator[str]:
    """Yield the table of runs in which somebody or the group seems to have gained or lost by luck."""
    yield line(
        "people x tasks", "people whose ratings vary", "a person gained or lost, though nothing changed", "the group"
    )
    yield line("---", "---:", "---:", "---:")
    cases = [
        (people, tasks, reached, draws, people) for people, tasks in ((6, 3), (12, 8)) for reached in (1, 2, people)
    ]
    for (people, tasks, reached, *_), shares in _counted(pool, false_verdicts, cases):
        yield line(f"{people} x {tasks}", str(reached), *map(_percent, shares))


def _counted(
    pool: Executor, count: Callable[..., Found], cases: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[Any, Found]]:
    """Return each case with what was counted for it."""
    return zip(cases, pool.map(count, *zip(*cases, strict=True)), strict=True)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def main() -> None:
    """Parse, count, print, and write the tables unless it was a quick look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    draws = parser.parse_args().draws
    with ProcessPoolExecutor() as pool:
        text = "\n".join(report(draws, pool))
    print(text)
    if draws >= 2000:
        write_between("coverage", text)


if __name__ == "__main__":
    main()
