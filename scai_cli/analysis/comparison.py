"""Compare several runs with the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scai_cli.analysis.config_differences import Differences, config_differences
from scai_cli.analysis.paired import EpochCells, PairedDifference, epoch_cells, holdout_cells, paired
from scai_cli.analysis.run_measures import Measures, measures, product_values
from scai_cli.errors import RunError
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.social_choice import welfare

_ALWAYS: Final = ("utilitarian", "rawlsian")
"""The welfare functions to compare besides the declared one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs by name, compared with the first one.

    `paired`: run -> welfare function -> its welfare minus the first run's, over the users and tasks that both played;
    empty for a run that shares none with the first.
    """

    runs: Mapping[str, History]
    differences: Differences
    measures: Mapping[str, Measures]
    paired: Mapping[str, Mapping[str, PairedDifference]]

    @property
    def first(self) -> str:
        """The first run, the baseline."""
        return next(iter(self.runs))

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """Name of a measure -> run -> value, None for a run without it."""
        names = dict.fromkeys(name for values in self.measures.values() for name in values)
        return {name: {run: values.get(name) for run, values in self.measures.items()} for name in names}

    def as_object(self) -> dict[str, Any]:
        """Return the object that `scai compare --json` prints, without the similarity of the constitutions."""
        return {
            "runs": [_run_object(run, history) for run, history in self.runs.items()],
            "metrics": self.metrics,
            "config_differences": self.differences,
            "paired": {
                "against": self.first,
                "differences": {
                    run: {name: difference.as_object() for name, difference in by_function.items()}
                    for run, by_function in self.paired.items()
                },
            },
        }


def compare_runs(paths: Sequence[Path]) -> Comparison:
    """Compare runs, finished or not; a run given twice counts once.

    Raises RunError when fewer than two are left, or for a damaged one.
    """
    different = list(dict.fromkeys(path.resolve() for path in paths))
    if len(different) < 2:
        raise RunError("compare needs two runs or more; name another one, see `scai list`")
    return compare_histories([read_history(path, messages=False, ratings=False) for path in different])


def compare_histories(histories: Sequence[History]) -> Comparison:
    """Compare two or more different histories."""
    shared = {run for run, count in Counter(history.run_id for history in histories).items() if count > 1}
    runs = {str(h.path) if h.run_id in shared else h.run_id: h for h in histories}
    first, *others = runs
    return Comparison(
        runs,
        config_differences(runs),
        {run: measures(history) for run, history in runs.items()},
        {run: _paired(runs[first], runs[run]) for run in others},
    )


def _paired(first: History, other: History) -> dict[str, PairedDifference]:
    """Compare two runs by every function, on the first kind of cells that both have."""
    differences = {}
    for before, after in _cell_pairs(first, other):
        for name in dict.fromkeys((welfare.parse(first.config.welfare).label, *_ALWAYS)):
            difference = paired(before, after, welfare.parse(name), seed=first.config.seed)
            if difference is not None:
                differences[name] = difference
        if differences:
            break
    return differences


def _cell_pairs(first: History, other: History) -> Iterator[tuple[EpochCells, EpochCells]]:
    """Yield the kinds of cells to compare two runs by, the better evidence first."""
    before, after = holdout_cells(first), holdout_cells(other)
    if before is not None and after is not None:
        yield before, after
    before, after = (epoch_cells(h, h.measured[-1].epoch) if h.measured else None for h in (first, other))
    if before is not None and after is not None:
        yield before, after


def _run_object(run: str, history: History) -> dict[str, Any]:
    constitution, system_message = history.product if history.started else (None, None)
    measured_on, _ = product_values(history)
    return {
        "run_id": run,
        "name": history.started.name if history.started else None,
        "status": history.status,
        "epochs_done": history.epochs_done,
        "welfare": history.started.welfare if history.started else None,
        "product_measured_on": measured_on or None,
        "constitution": constitution.model_dump(mode="json", by_alias=True) if constitution else None,
        "system_message": system_message,
    }
