"""Count how often intervals contain the true change, and write the table in `docs/benchmarks.md`.

python benchmarks/interval_coverage.py                 # all of it
python benchmarks/interval_coverage.py --draws 100     # a quick look, printed only
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.documents import line, write_between
from scai_cli.social_choice import welfare
from scai_cli.stats.intervals import Estimand, paired_difference

Array = NDArray[np.float64]

SIZES = ((2, 1), (3, 3), (4, 3), (6, 3), (6, 4), (10, 5), (12, 8), (30, 10))
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
        truths = dict(zip(ESTIMANDS, (both.mean(), of_people.mean(), of_tasks.mean(), 0.0), strict=True))
        changes = (both + rng.normal(0.0, mix.noise, both.shape)).tolist()
        for estimand, truth in truths.items():
            found = paired_difference(np.zeros(both.shape).tolist(), changes, estimand)
            if found is not None and found.low is not None and found.high is not None:
                hits[estimand].append(found.low <= truth <= found.high)
    return {estimand: float(np.mean(some)) if some else None for estimand, some in hits.items()}


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
        measured = [np.clip(side + rng.normal(0, 0.06, side.shape), 0.0, 1.0).tolist() for side in sides]
        for estimand, truth in ((ESTIMANDS[0], change(*sides)), (ESTIMANDS[3], beyond)):
            found = paired_difference(measured[0], measured[1], estimand, function)
            if found is not None and found.low is not None and found.high is not None:
                hits[estimand].append(found.low <= truth <= found.high)
    return {estimand: float(np.mean(some)) if some else None for estimand, some in hits.items()}


def report(draws: int) -> Iterator[str]:
    """Yield the lines of the tables."""
    yield f"`python benchmarks/interval_coverage.py --draws {draws}`; in percent, for intervals of 95 %."
    yield ""
    yield line("people x tasks", "what varies", *ESTIMANDS)
    yield line("---", "---", *("---:" for _ in ESTIMANDS))
    low, high = [], []
    for people, tasks in SIZES:
        for name, mix in MIXES.items():
            found = covered(mix, people, tasks, draws, seed=people * 100 + tasks)
            yield line(f"{people} x {tasks}", name, *map(_percent, found.values()))
            row = f"{people} x {tasks}, {name}"
            low += [f"{row}: {e}" for e, share in found.items() if share is not None and share < TARGET]
            high += [f"{row}: {e}" for e, share in found.items() if share is not None and share > HIGH]
    yield ""
    yield f"Below {100 * TARGET:g} %: {'; '.join(low) or 'none'}."
    yield ""
    yield f"Above {100 * HIGH:g} %, so wider than they need be: {'; '.join(high) or 'none'}."
    yield ""
    yield line("skewed effects of people and tasks", *ESTIMANDS)
    yield line("---", *("---:" for _ in ESTIMANDS))
    for people, tasks in SIZES[2:]:
        found = covered(SKEWED, people, tasks, draws, seed=people * 100 + tasks)
        yield line(f"{people} x {tasks}", *map(_percent, found.values()))
    yield ""
    yield line("welfare function", "people x tasks", ESTIMANDS[0], ESTIMANDS[3])
    yield line("---", "---", "---:", "---:")
    for name in ("nash", "atkinson", "alpha", "gini"):
        for people, tasks in ((4, 3), (6, 3), (12, 8), (30, 10)):
            found = covered_welfare(name, people, tasks, draws, seed=people)
            yield line(name, f"{people} x {tasks}", *map(_percent, found.values()))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def main() -> None:
    """Parse, count, print, and write the tables unless it was a quick look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    draws = parser.parse_args().draws
    text = "\n".join(report(draws))
    print(text)
    if draws >= 2000:
        write_between("coverage", text)


if __name__ == "__main__":
    main()
