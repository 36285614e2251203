"""Several runs beside the first of them: the one value that `scai compare` comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scai_cli.analysis.config_differences import Differences, config_differences
from scai_cli.analysis.paired import EpochCells, PairedDifference, held_out, in_epoch, paired
from scai_cli.analysis.run_measures import Measures, measures, product_values
from scai_cli.analysis.version_similarity import BY_WORDS, Embed, VersionSimilarity, likeness
from scai_cli.errors import RunError
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.social_choice import welfare

_ALWAYS: Final = ("utilitarian", "rawlsian")
"""The welfare functions that are compared whatever is declared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs by name, the first being the one that the others are held against.

    `paired`: run -> welfare function -> its welfare minus the first's, over the users and tasks that both were played
    with; a run that shares none with the first has nothing there.
    """

    runs: Mapping[str, History]
    differences: Differences
    measures: Mapping[str, Measures]
    paired: Mapping[str, Mapping[str, PairedDifference]]
    likeness: VersionSimilarity

    @property
    def first(self) -> str:
        """The run that the others are held against."""
        return next(iter(self.runs))

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """Name of a number -> run -> its value, None where a run cannot tell."""
        names = dict.fromkeys(name for found in self.measures.values() for name in found)
        return {name: {run: found.get(name) for run, found in self.measures.items()} for name in names}

    def as_object(self) -> dict[str, Any]:
        """What `scai compare --json` prints."""
        return {
            "runs": [_run_object(run, history) for run, history in self.runs.items()],
            "metrics": self.metrics,
            "config_differences": self.differences,
            "paired": {
                "against": self.first,
                "differences": {
                    run: {name: found.as_object() for name, found in by_name.items()}
                    for run, by_name in self.paired.items()
                },
            },
            "similarity": self.likeness.as_object(),
        }


def compare_runs(paths: Sequence[Path], method: str = BY_WORDS, embed: Embed | None = None) -> Comparison:
    """Compare runs, finished or not; the same one named twice counts once.

    Raises RunError when fewer than two are left, or for a damaged one.
    """
    different = list(dict.fromkeys(path.resolve() for path in paths))
    if len(different) < 2:
        raise RunError("compare needs two runs or more; name another, `scai list` shows them")
    return compare_histories([read_history(path, messages=False, ratings=False) for path in different], method, embed)


def compare_histories(histories: Sequence[History], method: str = BY_WORDS, embed: Embed | None = None) -> Comparison:
    """Compare two or more different runs that have been read."""
    shared = {run for run, count in Counter(history.run_id for history in histories).items() if count > 1}
    runs = {str(h.path) if h.run_id in shared else h.run_id: h for h in histories}
    first, *others = runs
    return Comparison(
        runs,
        config_differences(runs),
        {run: measures(history) for run, history in runs.items()},
        {run: _paired(runs[first], runs[run]) for run in others},
        likeness(runs, method, embed),
    )


def _paired(first: History, other: History) -> dict[str, PairedDifference]:
    found = {}
    for before, after in _sides(first, other):
        for name in dict.fromkeys((welfare.parse(first.config.welfare).label, *_ALWAYS)):
            difference = paired(before, after, welfare.parse(name), seed=first.config.seed)
            if difference is not None:
                found[name] = difference
        if found:
            break
    return found


def _sides(first: History, other: History) -> Iterator[tuple[EpochCells, EpochCells]]:
    """Where two runs can be held against each other, the better proof first."""
    before, after = held_out(first), held_out(other)
    if before is not None and after is not None:
        yield before, after
    before, after = (in_epoch(h, h.measured[-1].epoch) if h.measured else None for h in (first, other))
    if before is not None and after is not None:
        yield before, after


def _run_object(run: str, history: History) -> dict[str, Any]:
    constitution, system_message = history.product if history.started else (None, None)
    measured_on, _ = product_values(history)
    return {
        "run_id": run,
        "name": history.started.name if history.started else None,
        "status": history.status,
        "epochs_done": len(history.measured),
        "welfare": history.started.welfare if history.started else None,
        "product_measured_on": measured_on or None,
        "constitution": constitution.model_dump(mode="json", by_alias=True) if constitution else None,
        "system_message": system_message,
    }
