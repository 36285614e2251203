"""Does `society` put no rules below learned ones, and those below the best of a search, with people held out?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from benchmarks.evaluate.playing import LEARNED, experiment, library, measured, place
from benchmarks.evaluate.shares import Found, counted
from benchmarks.regret.search import best
from benchmarks.regret.societies import CELLS, JUDGED, PLAYED, society
from benchmarks.regret.truth import Judge
from scai_cli.evaluation.results import Evaluation

NONE, BEST = "none", "best"
_NAMES = (NONE, LEARNED, BEST)
_TASKS = (*JUDGED[len(PLAYED) :], *(task for task in library() if task.id in ("new-in-town", "two-faiths-child")))
"""The held-out tasks."""


@dataclass(frozen=True, slots=True)
class Values:
    """The welfare of each system by the suite, its true expected utility, and the verdicts against no rules."""

    suite: dict[str, float]
    true: dict[str, float]
    verdicts: dict[str, str]


def rows(seed: int, societies: int) -> Iterator[Found]:
    """Yield the rows of the table."""
    found = [values(seed + n, n) for n in range(societies)]
    wanted = f"at least {round(0.9 * societies)} of {societies}"
    for title, side, least in (
        ("none < learned < best, by the suite's welfare", [v.suite for v in found], wanted),
        ("the same by the true expected utility", [v.true for v in found], ""),
    ):
        yield Found(title, least, counted(sum(v[NONE] < v[LEARNED] < v[BEST] for v in side), societies))
        for low, high in ((NONE, LEARNED), (LEARNED, BEST)):
            yield Found(f"– {low} < {high}", "", counted(sum(v[low] < v[high] for v in side), societies))
        yield Found("– means", "", ", ".join(f"{name} {fmean(v[name] for v in side):.3f}" for name in _NAMES))
    for name in (LEARNED, BEST):
        hits = sum(v.verdicts[name] == "better" for v in found)
        yield Found(f"verdict `better` for {name} against none", "", counted(hits, societies))


def values(seed: int, number: int) -> Values:
    """Learn in a society, search the best text for its newcomers, and evaluate both with the newcomers."""
    one = society(seed, CELLS[number % len(CELLS)])
    holdout = {"personas": tuple(p.id for p in one.newcomers), "tasks": tuple(t.id for t in _TASKS)}
    config = experiment(one, (*one.members, *one.newcomers), (*PLAYED, *_TASKS), seed, holdout=holdout)
    text = best(one.newcomers, one.cell)
    with place() as here:
        here.learn(config)
        file = here.write(f"{BEST}.md", text)
        evaluation = here.evaluate((NONE, LEARNED, file), "society", config)
    judge = Judge.of(one, _TASKS)
    true = {
        system.name: fmean(judge.utilities(one.newcomers, system.constitution.render()))
        for system in evaluation.manifest.systems
    }
    return Values(
        {name: float(value or 0.0) for name, value in measured(evaluation).values.items()},
        {**true, BEST: fmean(judge.utilities(one.newcomers, text))},
        _verdicts(evaluation),
    )


def _verdicts(evaluation: Evaluation) -> dict[str, str]:
    return {finding.system: finding.verdict for finding in evaluation.findings}
