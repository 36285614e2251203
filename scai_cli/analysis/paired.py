"""Paired comparisons of the same people and tasks, under two versions of a run or in two runs."""

from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from scai_cli.runs.history.history import History
from scai_cli.runs.history.ratings import RatingSums
from scai_cli.simulation.utilities import cell
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.stats.intervals import Interval, Table, estimand, paired_difference, person_differences

Kind = Literal["people", "tasks"]


@dataclass(frozen=True, slots=True)
class Cells:
    """The ratings or utilities of persons and tasks under one version of the constitution.

    `cells`: (persona, task) -> number, where it is rated; `weights`: persona -> weight; `where` names the version
    and its epochs, or the holdout, for people to read; `held_out`: the kinds that had no part in writing the rules.
    """

    where: str
    cells: Mapping[tuple[str, str], float]
    weights: Mapping[str, float]
    held_out: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The difference between two sets of cells with the same people and tasks; `people` are the ids of the people."""

    interval: Interval
    where: str
    against: str
    people: tuple[str, ...]

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {**asdict(self.interval), "measured_on": self.where}


def utilities(history: History, ratings: RatingSums) -> dict[tuple[str, str], float]:
    """Return the known utilities of an epoch's personas and tasks."""
    cells = {}
    for pair in dict.fromkeys((*ratings.own, *ratings.cross, *ratings.measured)):
        rated = ratings.own.get(pair), ratings.mean_cross(*pair)
        utility = cell(*rated, history.config.ratings, ratings.measured.get(pair))
        if utility is not None:
            cells[pair] = utility
    return cells


def holdout_cells(history: History, side: Literal["first", "last"] = "last") -> Cells | None:
    """Return the utilities of the held-out people under the first or the last constitution."""
    holdout = history.holdout
    if holdout is None:
        return None
    table = holdout.first_cells if side == "first" else holdout.last_cells
    if table:
        rows = {
            (u, t): v
            for u, row in zip(holdout.personas, table, strict=True)
            for t, v in zip(holdout.tasks, row, strict=True)
        }
    else:  # runs before 0.5 have means over the tasks: as one task
        tasks = " ".join(sorted(holdout.tasks))
        rows = {(user, tasks): v for user, v in (holdout.first if side == "first" else holdout.last).items()}
    cells = {pair: value for pair, value in rows.items() if value is not None}
    return Cells("holdout", cells, history.config.personas.weights, held_out(history))


def held_out(history: History) -> frozenset[Kind]:
    """Return the kinds that had no part in writing the rules."""
    given = history.config.holdout
    kinds: dict[Kind, object] = {"people": given.personas, "tasks": given.tasks}
    return frozenset(kind for kind, ids in kinds.items() if ids)


def paired(
    before: Cells, after: Cells, function: WelfareFunction | None = None, *, level: float = 0.95
) -> PairedDifference | None:
    """Return the welfare (default: the mean) of `after` minus that of `before` over shared cells; None without any."""
    first, last, users, tasks = _tables(before, after)
    if not users:
        return None
    statistic = None if function is None or function.is_mean else function
    weights = [before.weights.get(user, 1.0) for user in users]
    count, new = sum(len(column.split(" ")) for column in tasks), before.held_out & after.held_out
    of = estimand(new_people="people" in new, new_tasks="tasks" in new, tasks=len(tasks))
    interval = paired_difference(first, last, of, statistic, weights=weights, level=level)
    if interval is None:
        return None
    return PairedDifference(replace(interval, tasks=count), after.where, before.where, tuple(users))


def person_changes(before: Cells, after: Cells, group: Callable[[str], Hashable] | None = None) -> dict[str, Interval]:
    """Return persona -> its mean after minus before over shared cells; the intervals are valid together.

    Noise is pooled only over personas of the same `group`, by default over all.
    """
    first, last, users, _ = _tables(before, after)
    changes = person_differences(first, last, groups=[group(user) for user in users] if group else None)
    return {user: change for user, change in zip(users, changes, strict=True) if change is not None}


def _tables(before: Cells, after: Cells) -> tuple[Table, Table, list[str], list[str]]:
    """Return the shared cells of both sides, with the people of the rows and the tasks of the columns."""
    shared = [pair for pair in before.cells if pair in after.cells]
    users, tasks = (list(dict.fromkeys(pair[side] for pair in shared)) for side in (0, 1))
    first, last = (_table(side, users, tasks, set(shared)) for side in (before, after))
    return first, last, users, tasks


def _table(side: Cells, users: Iterable[str], tasks: Sequence[str], shared: Container[tuple[str, str]]) -> Table:
    return [[side.cells[u, t] if (u, t) in shared else None for t in tasks] for u in users]
