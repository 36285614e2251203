"""Compare the runs of a sweep along an axis: pairs of runs that differ in nothing but its value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scai_cli.analysis.comparison import SHOWN, paired_by_function
from scai_cli.analysis.run_measures import welfare_words
from scai_cli.analysis.sweep_runs import SEED, WELFARE, SweepRun, setting, value_words
from scai_cli.analysis.verdicts import change_words, for_whom, signed, verdict_of
from scai_cli.runs.records import Estimate
from scai_cli.runs.sweep_directory import Sweep
from scai_cli.stats.clustered import FEWEST_CLUSTERS, clustered_mean
from scai_cli.stats.intervals import Interval
from scai_cli.text.counts import counted

_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class AxisDifference:
    """Welfare by one function with `value` minus that with `against`, as the mean over pairs of runs.

    `estimate` is None without a pair. With one pair its interval is over people and tasks, otherwise it is Student's t
    over the pairs, or over the seeds if there are several, as runs with one seed have the same people. The intervals of
    an axis' values are valid together. `left_out`: combinations of the other axes in which one of the two runs is not
    finished; `apart`: pairs of runs that were not measured on the same people and tasks.
    """

    axis: str
    value: str
    against: str
    function: str
    estimate: Interval | Estimate | None
    pairs: int
    seeds: int
    left_out: int
    apart: int

    @property
    def words(self) -> str:
        """The difference with its interval, or why there is none."""
        found = self.estimate
        if found is None:
            return self._no_pair
        if found.low is None and not isinstance(found, Interval):
            return f"{signed(found.estimate, 2)} (cannot tell how sure: {self._too_few})"
        if found.estimate == found.low == found.high == 0:
            return "no difference at all"
        return change_words(found, 2, "difference", over="")

    @property
    def over(self) -> str:
        """The sample of the interval: `3 pairs of runs with 3 seeds`, `1 pair of runs, the same 6 people and ...`."""
        pairs = f"{counted(self.pairs, 'pair')} of runs"
        if isinstance(self.estimate, Interval):
            return f"{pairs}, {for_whom(self.estimate)}"
        return f"{pairs} with {counted(self.seeds, 'seed')}" if self.seeds > 1 else pairs

    @property
    def sentence(self) -> str:
        """The difference in a sentence, with its sample."""
        sides = f"with {self.axis} = {self.value} minus that with {self.against}"
        over = f", over {self.over}" if self.estimate is not None else ""
        return f"{welfare_words(self.function).capitalize()} {sides}: {self.words}{over}."

    @property
    def _no_pair(self) -> str:
        if self.apart:
            return "cannot tell: the runs were not measured on the same people and tasks"
        return "no pair of finished runs yet" if self.left_out else "no pair: no two runs differ in this key alone"

    @property
    def _too_few(self) -> str:
        count, noun = (self.seeds, "seeds") if self.seeds > 1 else (self.pairs, "pairs of runs")
        if count >= FEWEST_CLUSTERS:
            return "all pairs differ by the same"
        return f"an interval takes {FEWEST_CLUSTERS} {noun}, not {count}"

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        found = self.estimate
        ends = (None, None, None) if found is None else (found.estimate, found.low, found.high)
        return {
            "axis": self.axis,
            "value": self.value,
            "against": self.against,
            "function": self.function,
            "verdict": verdict_of(found),
            **dict(zip(("estimate", "low", "high"), ends, strict=True)),
            "level": _LEVEL,
            "pairs": self.pairs,
            "seeds": self.seeds,
            "left_out": self.left_out,
            "sentence": self.sentence,
        }


Row = Sequence[AxisDifference]
"""The differences of one value, one for each welfare function."""


def all_differences(sweep: Sweep, runs: Mapping[str, SweepRun]) -> list[Row]:
    """Return a row for each value along all axes of a sweep."""
    return [row for axis in compared_axes(sweep) for row in axis_differences(sweep, runs, axis)]


def main_differences(row: Row) -> Row:
    """Return the differences of a row to be said in sentences: a welfare function trades one for another."""
    return row if row[0].axis == WELFARE else row[:1]


def functions_of(runs: Mapping[str, SweepRun]) -> list[str]:
    """Return the welfare functions to compare by: the declared one if all runs have the same, the mean, the minimum."""
    declared = {run.declared for run in runs.values()}
    return list(dict.fromkeys((*(declared if len(declared) == 1 else ()), *SHOWN)))


def compared_axes(sweep: Sweep) -> list[str]:
    """Return the axes along which runs are compared: those with several values, without the seed."""
    axes = sweep.axes if sweep.command == "run" else ()
    return [axis for axis in axes if axis != SEED and len(values_of(sweep, axis)) > 1]


def values_of(sweep: Sweep, axis: str) -> list[str]:
    """Return the different values of an axis as `setting` writes them, in the order of the file."""
    return list(dict.fromkeys(setting(cell.values, axis)[0] for cell in sweep.cells))


def axis_differences(sweep: Sweep, runs: Mapping[str, SweepRun], axis: str) -> Iterator[Row]:
    """Yield for each value of an axis but the first one its differences to it, one for each welfare function."""
    others = [other for other in sweep.axes if other != axis]
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for cell in sweep.cells:
        groups.setdefault(setting(cell.values, *others), {})[setting(cell.values, axis)[0]] = cell.run_id
    against, *values = values_of(sweep, axis)
    level = 1 - (1 - _LEVEL) / len(values)  # Bonferroni
    for value in values:
        ids = [(group[against], group[value]) for group in groups.values() if against in group and value in group]
        pairs = [(runs[first], runs[other]) for first, other in ids if first in runs and other in runs]
        names = (axis, value_words(value), value_words(against))
        yield list(_differences(names, pairs, functions_of(runs), level, left_out=len(ids) - len(pairs)))


def _differences(
    names: tuple[str, str, str],
    pairs: Sequence[tuple[SweepRun, SweepRun]],
    functions: Sequence[str],
    level: float,
    *,
    left_out: int,
) -> Iterator[AxisDifference]:
    measured: dict[str, list[Interval]] = {name: [] for name in functions}
    seeds = []
    for first, other in pairs:
        is_alike = bool(first.cells.held_out) == bool(other.cells.held_out)
        found = paired_by_function(functions, first.cells, other.cells, level=level) if is_alike else {}
        if len(found) == len(functions):
            seeds.append(setting(first.record.values, SEED)[0])
            for name, difference in found.items():
                measured[name].append(difference.interval)
    several = len(set(seeds)) > 1
    for name, intervals in measured.items():
        estimate = _over_pairs(intervals, seeds if several else range(len(seeds)), level)
        counts = (len(intervals), len(set(seeds)) if several else 1, left_out, len(pairs) - len(intervals))
        yield AxisDifference(*names, name, estimate, *counts)


def _over_pairs(
    intervals: Sequence[Interval], clusters: Sequence[str] | range, level: float
) -> Interval | Estimate | None:
    if len(intervals) < 2:
        return replace(intervals[0], level=_LEVEL) if intervals else None
    mean = clustered_mean([interval.estimate for interval in intervals], clusters, level=level)
    assert mean is not None
    return Estimate(estimate=mean.estimate, low=mean.low, high=mean.high, level=_LEVEL)
