"""How often does the interval of a difference contain the true one, and that of a constitution against itself 0?

The people and the tasks of every data set are drawn from a large population. The truth is the mean difference of groups
of the same size that together are the whole population, as people also rate the answers to others of their group.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import fmean

from benchmarks.evaluate.playing import LEARNED, Place, experiment, library, measured, place
from benchmarks.evaluate.shares import Found, counted
from benchmarks.regret.societies import CELLS, MEMBERS, PLAYED, Society, society
from scai_cli.evaluation.suite import Difference
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.measures.requested import requested

POPULATIONS = 5
PEOPLE, TASKS = 8, 4
_LARGE = 300
_MORE_TASKS = 5
"""The tasks of each group that the truth is computed from."""
NONE, AGAIN = "none", "again"
_MORE_WORDS = "\n\nThese are all of them. Thank you."


@dataclass(slots=True)
class Counts:
    """The differences to the learned rules: of no rules, with the truth, and of the same rules in other words."""

    against_none: list[tuple[Difference, float]] = field(default_factory=list)
    against_itself: list[Difference] = field(default_factory=list)
    wrong: list[bool] = field(default_factory=list)
    """Whether the verdict on the same rules is better or worse."""


def rows(seed: int, data_sets: int) -> Iterator[Found]:
    """Yield the rows of the table."""
    assert not requested(_MORE_WORDS)
    counts = Counts()
    populations = min(POPULATIONS, data_sets)
    for n in range(populations):
        with place() as here:
            _draw(
                here, society(seed + n, CELLS[4 * n % len(CELLS)], _LARGE), seed + n, data_sets // populations, counts
            )
    none, again = counts.against_none, counts.against_itself
    yield Found("data sets", "", f"{len(none)} of {PEOPLE} people and {TASKS} tasks, in {populations} populations")
    yield Found("for whom, as the verdict says", "", none[0][0].whom)
    covered = sum(_contains(found, truth) for found, truth in none)
    yield Found(
        "the interval of none minus learned contains the true difference", "at least 93 %", counted(covered, len(none))
    )
    yield Found("– true differences", "", ", ".join(f"{truth:.3f}" for truth in dict.fromkeys(t for _, t in none)))
    yield Found("– mean of the differences", "", f"{fmean(found.estimate for found, _ in none):.3f}")
    yield Found("– mean width of the intervals", "", f"{fmean(_width(found) for found, _ in none):.3f}")
    same = sum(_contains(found, 0.0) for found in again)
    yield Found(
        "the interval of the learned rules against themselves contains 0", "at least 93 %", counted(same, len(again))
    )
    yield Found("– mean width of the intervals", "", f"{fmean(map(_width, again)):.3f}")
    yield Found("– verdict better or worse", "", counted(sum(counts.wrong), len(counts.wrong)))


def _draw(here: Place, one: Society, seed: int, data_sets: int, counts: Counts) -> None:
    """Learn from some of the people; evaluate with data sets of the others, and with all of them for the truth."""
    members, population, tasks = one.members[:MEMBERS], one.members[MEMBERS:], library()
    here.learn(experiment(one, members, PLAYED, seed))
    message = f"{here.message()}{_MORE_WORDS}"
    systems = (LEARNED, NONE, here.write(f"{AGAIN}.md", message))
    rng = random.Random(f"{seed}/coverage")
    truth = _truth(here, one, rng.sample(population, len(population)), rng.sample(tasks, len(tasks)), seed)
    for n in range(data_sets):
        config = experiment(one, rng.sample(population, PEOPLE), rng.sample(tasks, TASKS), 10_000 * seed + n)
        found = _difference(here, systems, config)
        counts.against_none.append((found[NONE], truth))
        counts.against_itself.append(found[AGAIN])
        counts.wrong.append((found[AGAIN].p or 0.0) < 0.05)


def _truth(here: Place, one: Society, people: Sequence[Persona], tasks: Sequence[Task], seed: int) -> float:
    """Return the mean difference of groups of the population, each with other tasks."""
    found, queue = [], cycle(tasks)
    for start in range(0, len(people) - PEOPLE + 1, PEOPLE):
        config = experiment(one, people[start : start + PEOPLE], list(islice(queue, _MORE_TASKS)), seed + start)
        found.append(_difference(here, (LEARNED, NONE), config)[NONE].estimate)
    return fmean(found)


def _difference(here: Place, systems: Sequence[str], config: ExperimentConfig) -> dict[str, Difference]:
    evaluation = here.evaluate(systems, "society", config)
    return {name: found for name, found in measured(evaluation).differences.items() if found is not None}


def _contains(found: Difference, truth: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def _width(found: Difference) -> float:
    return (found.high or 0.0) - (found.low or 0.0)
