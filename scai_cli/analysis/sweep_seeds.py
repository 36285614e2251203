"""What a sweep says about a setting over its seeds, and about welfare functions: their Pareto front."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from statistics import fmean, stdev
from typing import Any, Final

from scai_cli.analysis.pareto import ParetoFront, mean_point
from scai_cli.analysis.recovery_curves import RecoveryCurve, mean_curve
from scai_cli.analysis.sweep_axes import functions_of
from scai_cli.analysis.sweep_runs import SEED, WELFARE, SweepRun, setting, value_words
from scai_cli.analysis.verdicts import Verdict, change_words, signed
from scai_cli.runs.records import Estimate
from scai_cli.runs.sweep_directory import Sweep
from scai_cli.stats.clustered import clustered_mean
from scai_cli.text.counts import counted

_LEVEL: Final = 0.95
_MOST_PEOPLE: Final = 4
_RESULTS: Final[tuple[Verdict, ...]] = ("higher", "lower", "one constitution")


@dataclass(frozen=True, slots=True)
class SeedSummary:
    """The finished runs of one setting, with different seeds; `setting` has the values of the other axes.

    `welfare`: function -> mean and standard deviation over the runs, None for one run. `gain`: the mean gain of
    held-out people with Student's t interval over the runs; None without a holdout.
    """

    setting: tuple[str, ...]
    runs: int
    welfare: Mapping[str, tuple[float, float | None]]
    gain: Estimate | None

    @property
    def gain_words(self) -> str:
        """The mean gain with its interval."""
        if self.gain is None:
            return "–"
        if self.gain.low is None:
            return f"{signed(self.gain.estimate, 2)} (cannot tell how sure)"
        return change_words(self.gain, 2, over="")


@dataclass(frozen=True, slots=True)
class Repeats:
    """The finished runs of a sweep over seeds alone.

    `change`: the mean change of the own ratings, and `gain` that of held-out people's welfare, with Student's t
    intervals over the runs. `gained` and `lost`: name -> in how many runs that person's change is beyond chance, most
    first; `took_part`: name -> in how many runs that person made the rules.
    """

    metric: str
    participants: str
    verdicts: Mapping[Verdict, int]
    change: Estimate | None
    gain: Estimate | None
    gained: Mapping[str, int]
    lost: Mapping[str, int]
    took_part: Mapping[str, int]

    @property
    def runs(self) -> int:
        """The number of runs."""
        return sum(self.verdicts.values())

    @property
    def runs_words(self) -> str:
        """How many of the runs have which result: `It rose beyond chance in 2 of 8 runs; in 6 no rule was adopted.`."""
        rose, fell, same = (self.verdicts.get(each, 0) for each in _RESULTS)
        clear = [f"{verb} beyond chance in {count}" for verb, count in (("rose", rose), ("fell", fell)) if count]
        known = f"It {' and '.join(clear) or 'rose or fell beyond chance in none'} of {counted(self.runs, 'run')}"
        return f"{known}; in {same} no rule was adopted." if same else f"{known}."

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        estimates = {"change": self.change, "gain": self.gain}
        known = {name: each.model_dump(mode="json") if each else None for name, each in estimates.items()}
        return {"runs": self.runs, **{each.name: getattr(self, each.name) for each in fields(self)}, **known}

    def people_words(self, counts: Mapping[str, int]) -> str:
        """Return people with their numbers of runs, at most four: `Ann in 3 of 8 runs, Bob in 1 of 7 runs`."""
        people = [f"{name} in {count} of {counted(self.took_part[name], 'run')}" for name, count in counts.items()]
        more = f" and {len(people) - _MOST_PEOPLE} more" if len(people) > _MOST_PEOPLE else ""
        return ", ".join(people[:_MOST_PEOPLE]) + more


def repeats(runs: Mapping[str, SweepRun]) -> Repeats | None:
    """Return the result over the seeds; None if a sweep has other axes, or no finished run."""
    found = [run.repeat for run in runs.values() if run.repeat is not None]
    if not found:
        return None
    gains = [run.record.gain.value for run in runs.values() if run.record.gain is not None]
    return Repeats(
        found[0].metric,
        next(iter(runs.values())).participants,
        Counter(each.verdict for each in found),
        _mean_over([each.change for each in found if each.change is not None]),
        _mean_over(gains),
        dict(Counter(name for each in found for name in each.gained).most_common()),
        dict(Counter(name for each in found for name in each.lost).most_common()),
        Counter(name for each in found for name in each.people),
    )


def _mean_over(values: list[float]) -> Estimate | None:
    """Return the mean over runs with Student's t interval; None without values."""
    mean = clustered_mean(values, range(len(values)), level=_LEVEL)
    return None if mean is None else Estimate(estimate=mean.estimate, low=mean.low, high=mean.high, level=_LEVEL)


def seed_summaries(sweep: Sweep, runs: Mapping[str, SweepRun]) -> list[SeedSummary]:
    """Return a summary of each setting with finished runs; empty if the sweep has no seeds."""
    if SEED not in sweep.axes:
        return []
    others = [axis for axis in sweep.axes if axis != SEED]
    functions = functions_of(runs)
    return [_summary(values, found, functions) for values, found in _settings(sweep, runs, others).items()]


def setting_curves(sweep: Sweep, runs: Mapping[str, SweepRun]) -> list[tuple[str, RecoveryCurve]]:
    """Return the recovery of each setting with finished games, over its seeds, with the setting's values in words."""
    others = [axis for axis in sweep.axes if axis != SEED]
    found = {", ".join(values): group for values, group in _settings(sweep, runs, others).items()}
    curves = {words: [run.curve for run in group if run.curve is not None] for words, group in found.items()}
    return [(words or "All seeds", mean_curve(of)) for words, of in curves.items() if of]


def welfare_fronts(sweep: Sweep, runs: Mapping[str, SweepRun]) -> dict[str, ParetoFront]:
    """Return the Pareto front of the welfare functions for each setting of the other axes; empty without that axis.

    A point is the mean over the seeds that have finished under every function of the setting.
    """
    if WELFARE not in sweep.axes:
        return {}
    others = [axis for axis in sweep.axes if axis not in (SEED, WELFARE)]
    fronts = {
        ", ".join(f"{axis} = {value}" for axis, value in zip(others, values, strict=True)): _front(group)
        for values, group in _settings(sweep, runs, others).items()
    }
    return {words: front for words, front in fronts.items() if len(front.points) > 1}


def _settings(sweep: Sweep, runs: Mapping[str, SweepRun], axes: list[str]) -> dict[tuple[str, ...], list[SweepRun]]:
    """Return the finished runs by their values of some axes, in words, in the order of the file."""
    groups: dict[tuple[str, ...], list[SweepRun]] = {}
    for cell in sweep.cells:
        if cell.run_id in runs:
            values = tuple(map(value_words, setting(cell.values, *axes)))
            groups.setdefault(values, []).append(runs[cell.run_id])
    return groups


def _summary(values: tuple[str, ...], runs: list[SweepRun], functions: list[str]) -> SeedSummary:
    columns = {name: [run.record.welfare.get(name) for run in runs] for name in functions}
    known = {name: [value for value in column if value is not None] for name, column in columns.items()}
    welfare = {
        name: (fmean(column), stdev(column) if len(column) > 1 else None) for name, column in known.items() if column
    }
    gains = [run.record.gain.value for run in runs if run.record.gain is not None]
    return SeedSummary(values, len(runs), welfare, _mean_over(gains))


def _front(runs: list[SweepRun]) -> ParetoFront:
    by_function: dict[str, dict[str, SweepRun]] = {}
    for run in runs:
        by_function.setdefault(run.declared, {})[setting(run.record.values, SEED)[0]] = run
    shared = set[str].intersection(*(set(by_seed) for by_seed in by_function.values()))
    points = [
        mean_point([run.point for seed, run in by_seed.items() if seed in shared])
        for by_seed in by_function.values()
        if shared
    ]
    return ParetoFront(points)
