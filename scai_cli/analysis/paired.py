"""The same people with the same tasks, twice: in two epochs of a run, or in two runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scai_cli.runs.history.history import History
from scai_cli.simulation.utilities import cell
from scai_cli.stats.intervals import Interval, Statistic, paired_difference

_WORK: Final = 60_000
"""Users times draws of a bootstrap: about 0.2 s."""
_DRAWS: Final = (200, 2000)
"""The fewest and the most draws: the fewest are for groups of 300 users and more, and give a rough interval."""


@dataclass(frozen=True, slots=True)
class EpochCells:
    """How content people came out of some conversations.

    `cells`: (persona, task) -> utility in [0, 1], where it is rated; `weights`: persona -> its weight; `where` says
    what was played, for people to read.
    """

    where: str
    cells: Mapping[tuple[str, str], float]
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A difference between two who were played with the same people and tasks."""

    interval: Interval
    users: int
    tasks: int
    draws: int
    where: str

    def as_object(self) -> dict[str, Any]:
        """What `--json` prints."""
        found = self.interval
        return {
            "estimate": found.estimate,
            "low": found.low,
            "high": found.high,
            "level": found.level,
            "users": self.users,
            "tasks": self.tasks,
            "draws": self.draws,
            "measured_on": self.where,
        }


def in_epoch(history: History, number: int) -> EpochCells | None:
    """The final answers of an epoch, from the ratings in short; None for an epoch of which they are not kept."""
    cells = history.marks.cells.get(number)
    if cells is None:
        return None
    ratings = history.config.ratings
    found = {}
    for place in (*cells.own, *(place for place in cells.cross if place not in cells.own)):
        utility = cell(cells.own.get(place), cells.mean_cross(*place), ratings)
        if utility is not None:
            found[place] = utility
    return EpochCells(f"epoch {number}", found, _weights(history))


def held_out(history: History) -> EpochCells | None:
    """The run's last constitution with the users and tasks that were held out; its cells are means over the tasks."""
    proof = history.proof
    if proof is None:
        return None
    tasks = " ".join(sorted(proof.tasks))  # as one task: what is kept of the proof is not told by task
    cells = {(user, tasks): utility for user, utility in proof.last.items() if utility is not None}
    return EpochCells("holdout", cells, _weights(history))


def paired(before: EpochCells, after: EpochCells, statistic: Statistic, *, seed: int) -> PairedDifference | None:
    """Statistic of `after` - statistic of `before` over the cells that both have; None where they share none."""
    shared = [place for place in before.cells if place in after.cells]
    users, tasks = (list(dict.fromkeys(place[side] for place in shared)) for side in (0, 1))
    if not shared:
        return None
    draws = max(_DRAWS[0], min(_DRAWS[1], _WORK // len(users)))
    first, last = (_table(played, users, tasks, set(shared)) for played in (before, after))
    weights = [before.weights.get(user, 1.0) for user in users]
    interval = paired_difference(first, last, statistic, weights=weights, draws=draws, seed=seed)
    return (
        None
        if interval is None
        else PairedDifference(interval, len(users), sum(map(_count, tasks)), draws, after.where)
    )


def _count(tasks: str) -> int:
    """How many tasks a column stands for: ids hold no spaces."""
    return len(tasks.split(" "))


def _table(
    played: EpochCells, users: Iterable[str], tasks: Iterable[str], shared: set[tuple[str, str]]
) -> list[list[float | None]]:
    tasks = list(tasks)
    return [[played.cells[u, t] if (u, t) in shared else None for t in tasks] for u in users]


def _weights(history: History) -> dict[str, float]:
    return {persona.id: persona.weight for persona in history.config.personas.inline}
