"""The finished runs of a sweep, read once for all comparisons between them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scai_cli.analysis.config_warnings import axis_warnings
from scai_cli.analysis.headline import headline
from scai_cli.analysis.paired import Cells, holdout_cells
from scai_cli.analysis.pareto import ParetoPoint, product_point
from scai_cli.analysis.participants import participants
from scai_cli.analysis.recovery_curves import RecoveryCurve, run_curves
from scai_cli.analysis.verdicts import Verdict, gained_or_lost
from scai_cli.analysis.version_cells import version_cells, version_plays
from scai_cli.runs.find import is_run
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.sweep_directory import CellRecord, Sweep
from scai_cli.social_choice import welfare

SEED: Final = "seed"
"""The axis whose values are repetitions; nothing is compared along it."""
WELFARE: Final = "welfare"
"""The axis whose values are welfare functions."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The result of one seed: the change of the mean own rating, 0 if no rule was adopted, None if it is not known.

    `people`: the names of those who made the rules; `gained` and `lost`: of those whose change is beyond chance.
    """

    metric: str
    change: float | None
    verdict: Verdict
    people: tuple[str, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A finished run of a sweep.

    `cells`: the utilities of the held-out people under the product, or without a holdout of the people who played it.
    `participants`: the run's people in words. `warnings`: the reasons to doubt an axis in this run. `repeat`: its own
    result, in a sweep over seeds alone. `curve`: the recovery of its users' hidden policies, in a game.
    """

    record: CellRecord
    declared: str
    cells: Cells
    point: ParetoPoint
    participants: str
    warnings: tuple[str, ...]
    repeat: Repeat | None = None
    curve: RecoveryCurve | None = None


def read_runs(sweep: Sweep) -> dict[str, SweepRun]:
    """Return run id -> run, for the finished cells with a run that has measured something; RunError if it is damaged.

    The messages and ratings of a run are dropped before the next one is read.
    """
    if sweep.command != "run":
        return {}
    return {run.record.run_id: run for record in sweep.cells for run in _read(sweep, record)}


def _read(sweep: Sweep, record: CellRecord) -> Iterator[SweepRun]:
    path = sweep.folder_of(record)
    if record.status != "finished" or not is_run(path):
        return
    history = read_history(path, messages=False, ratings=False)
    if history.finished is None or not history.measured:
        return
    declared, config = welfare.parse(history.config.welfare).label, history.config
    warnings = tuple(axis_warnings(sweep.axes, [config]))
    found = (product_point(history, declared), participants(config), warnings)
    repeat = _repeat(history) if list(sweep.axes) == [SEED] else None
    curve = next(run_curves(history), None)
    yield SweepRun(record, declared, holdout_cells(history) or _played(history), *found, repeat, curve)


def _repeat(history: History) -> Repeat | None:
    if (found := headline(history)) is None:
        return None
    own, people = found.satisfaction, {user: gained_or_lost(each.interval) for user, each in found.people.items()}
    names = [
        tuple(history.names.get(user, user) for user, sure in people.items() if kind in (None, sure))
        for kind in (None, "gained", "lost")
    ]
    return Repeat(own.name, 0.0 if own.verdict == "one constitution" else own.change, own.verdict, *names)


def _played(history: History) -> Cells:
    """Return the utilities under the product, or under the last version that was played."""
    product = version_plays(history, history.product[0].version)
    played = product if product.epochs else version_plays(history, history.measured[-1].version)
    return version_cells(history, played)[0].utility


def setting(values: Mapping[str, Any], *axes: str) -> tuple[str, ...]:
    """Return the values of some axes in a form that can be compared; an axis that a cell leaves out is empty."""
    return tuple(json.dumps(values[axis], sort_keys=True) if axis in values else "" for axis in axes)


def value_words(value: str) -> str:
    """Return a value of `setting` for people to read."""
    if not value:
        return "(not set)"
    read = json.loads(value)
    return read if isinstance(read, str) and read.strip() else value
