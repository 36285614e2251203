"""Compare several runs with the first of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scai_cli.analysis.config_differences import Differences, config_differences
from scai_cli.analysis.headline import Headline, headline
from scai_cli.analysis.health import health_warnings
from scai_cli.analysis.paired import Cells, PairedDifference, holdout_cells, paired
from scai_cli.analysis.participants import participants
from scai_cli.analysis.run_measures import Measures, measures, product_values, welfare_words
from scai_cli.analysis.verdicts import Verdict, change_words, verdict_of
from scai_cli.errors import RunError
from scai_cli.experiment.constitution import listed
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.social_choice import welfare

SHOWN: Final = ("utilitarian", "rawlsian")
"""The welfare functions to compare besides the declared one."""
_VERDICTS: Final[Mapping[Verdict, str]] = {
    "higher": "better",
    "lower": "worse",
    "no change beyond chance": "no difference beyond chance",
    "cannot tell": "cannot tell",
}


def by_verdict(differences: Mapping[str, PairedDifference]) -> dict[str, list[str]]:
    """Return `better`, `worse`, `no difference beyond chance` or `cannot tell` -> the runs to which it applies."""
    runs: dict[str, list[str]] = {}
    for run, difference in differences.items():
        runs.setdefault(_VERDICTS[verdict_of(difference.interval)], []).append(run)
    return runs


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs by name, compared with the first one.

    `paired`: run -> welfare function -> its welfare minus the first run's, over the users and tasks that both played;
    empty for a run that shares none with the first. `headlines`: run -> its change; None before an epoch was played.
    """

    runs: Mapping[str, History]
    differences: Differences
    measures: Mapping[str, Measures]
    paired: Mapping[str, Mapping[str, PairedDifference]]
    headlines: Mapping[str, Headline | None]

    @property
    def sentence(self) -> str:
        """The result in plain words, then the first run's declared welfare in the others minus that in the first."""
        first = self.runs[self.first]
        declared = welfare.parse(first.config.welfare).label
        found = {run: by_name[declared] for run, by_name in self.paired.items() if declared in by_name}
        if not found:
            return f"No other run has a person and a task in common with {self.first} that were rated in both."
        some = next(iter(found.values()))
        people = participants(first.config, some.people)
        by = f"Measured from 0 to 1, {welfare_words(declared)}"
        verdicts = by_verdict(found)
        if len(found) > 1:
            parts = "; ".join(f"{verdict}: {listed(runs)}" for verdict, runs in verdicts.items())
            return f"Against {self.first}, for {people}, {parts}. {by}."
        ((run, difference),) = found.items()
        (verdict,) = verdicts
        if difference.interval.low == difference.interval.high == 0:
            serves = f"{self.first} and {run} serve {people} equally well"
        elif verdict in ("better", "worse"):
            serves = f"{run} serves {people} {verdict} than {self.first}"
        else:
            serves = f"These ratings do not say which of {self.first} and {run} serves {people} better"
        words = change_words(difference.interval, 2, "difference")
        return f"{serves}. {by}, {run} ({difference.where}) minus {self.first} ({some.against}): {words}."

    @property
    def care(self) -> str:
        """Why the numbers are hard to compare, in sentences; empty where people are played and utilities made alike."""
        return " ".join(filter(None, (self._other_raters, self._other_utilities)))

    @property
    def _other_utilities(self) -> str:
        is_measured = any(history.config.ratings.measured_weight for history in self.runs.values())
        keys = [key for key in self.differences if key.startswith("ratings.")]
        named = [key for key in keys if is_measured or key != "ratings.measures"]
        if not named:
            return ""
        why = f"utilities are made otherwise ({listed(named)})"
        return f"Take care: a difference is not one of the answers alone, as {why}."

    @property
    def _other_raters(self) -> str:
        configs = [history.config for history in self.runs.values() if history.started]
        raters = dict.fromkeys(
            frozenset(config.rater_of(person).label for person in config.personas.inline if not person.human)
            for config in configs
        )
        if len(raters) < 2:
            return ""
        names = listed(list(dict.fromkeys(label for labels in raters for label in sorted(labels))))
        return f"Take care: different models play the people ({names}), and may rate the same answer otherwise."

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
            "sentence": self.sentence,
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
        raise RunError(f"compare needs two runs or more, not {different[0].name!r} alone; see `scai list`")
    histories = [read_history(path, messages=False, ratings=False) for path in different]
    return compare_histories([(history, headline(history)) for history in histories])


def compare_histories(histories: Sequence[tuple[History, Headline | None]]) -> Comparison:
    """Compare two or more different histories, each with its headline."""
    shared = {run for run, count in Counter(history.run_id for history, _ in histories).items() if count > 1}
    named = {str(h.path) if h.run_id in shared else h.run_id: (h, found) for h, found in histories}
    runs = {run: history for run, (history, _) in named.items()}
    first, *others = runs
    cells = {run: [holdout_cells(h), found.cells[1].utility if found else None] for run, (h, found) in named.items()}
    return Comparison(
        runs,
        config_differences(runs),
        {run: measures(history) for run, history in runs.items()},
        {run: _paired(runs[first], cells[first], cells[run]) for run in others},
        {run: found for run, (_, found) in named.items()},
    )


def _paired(
    first: History, before: Sequence[Cells | None], after: Sequence[Cells | None]
) -> dict[str, PairedDifference]:
    """Compare two runs by every function, on the best kind of cells that both have."""
    declared = welfare.parse(first.config.welfare).label
    for one, other in zip(before, after, strict=True):
        differences = paired_by_function((declared, *SHOWN), one, other) if one and other else {}
        if differences:
            return differences
    return {}


def paired_by_function(
    functions: Sequence[str], before: Cells, after: Cells, *, level: float = 0.95
) -> dict[str, PairedDifference]:
    """Return welfare function -> `after` minus `before` over shared cells; empty without any."""
    found = {name: paired(before, after, welfare.parse(name), level=level) for name in functions}
    return {name: difference for name, difference in found.items() if difference is not None}


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
        "health": health_warnings(history.answers, history.config),
    }
