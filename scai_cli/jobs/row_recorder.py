"""What generated sets and evaluations share: rows taken in order, a stop after too many failures, ids in use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from scai_cli.errors import CallFailed, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import changed_text
from scai_cli.jobs.session import Observer, taken
from scai_cli.models.call_count import CallCount
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.find import is_evaluation, is_generated, is_run
from scai_cli.runs.history.status import outcome_of, status_of
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.row_directory import EXPERIMENT, RowDirectory, row_number
from scai_cli.simulation.stops import stop_if_too_many

RECENT: Final = 100
"""The number of last rows among which `max_failures` is the allowed share of failures."""
_KINDS: Final[dict[str, Callable[[Path], bool]]] = {
    "run": is_run,
    "generated set": is_generated,
    "evaluation": is_evaluation,
}


class RowWithProblem(Protocol):
    """A generated row or one of an evaluation."""

    @property
    def problem(self) -> str | None:
        """Why it cannot be used, or None."""


@dataclass(slots=True)
class RowsResult:
    """The numbers of rows written, rows wanted, and rows with a problem."""

    rows: int
    wanted: int
    problems: int
    health: list[str] = field(default_factory=list)
    """Reasons not to trust the rows, in sentences."""


@dataclass(slots=True)
class RowRecorder:
    """Writes every row, passes it to the observer, and stops the work if too many rows fail."""

    directory: RowDirectory
    observer: Observer[Any]
    result: RowsResult
    max_failures: float
    recent: deque[CallFailed | None] = field(default_factory=lambda: deque(maxlen=RECENT))
    encode: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder)

    def write(self, row: RowWithProblem, failure: CallFailed | None) -> None:
        """Write a row; raise TooManyFailures before it if too many of the last ones failed."""
        self.recent.append(failure)
        wanted = min(RECENT, self.result.wanted)
        stop_if_too_many(self.recent, wanted, self.max_failures, f"{'last ' * (wanted == RECENT)}rows")
        self.directory.write_row(self.encode.encode(row))
        self.result.rows = self.directory.written
        self.result.problems += row.problem is not None
        self.observer.see(row)


def calls_to_come(directory: RowDirectory, count: CallCount) -> closing[CallIndex]:
    """Return the logged calls of rows that are not written; those of written rows are only counted."""
    following = directory.next

    def is_to_come(call: str) -> bool:
        number = row_number(call)
        return number is None or number >= following

    return closing(CallIndex.read(directory.folder.path / CALLS, {}, is_to_come, seen=count.log))


def keep_settings(directory: RowDirectory, config: ExperimentConfig) -> None:
    """Write the experiment again if a resume has changed its limits, prices or addresses."""
    if (text := changed_text(directory.folder.path / EXPERIMENT, config)) is not None:
        directory.folder.write_text(EXPERIMENT, text, lasting=True)


def refuse_taken(wanted: str, path: Path) -> None:
    """Raise RunError if the id is in use; `wanted` is the kind of the new work."""
    kind = next((kind for kind, is_kind in _KINDS.items() if is_kind(path)), None)
    if kind == wanted:
        outcome = outcome_of(path)
        raise taken(kind, path, status_of(path, outcome.get("status") == "finished", outcome))
    if kind is not None:
        article = "an" if kind == "evaluation" else "a"
        raise RunError(f"{path.name!r} is the id of {article} {kind}; choose another --run-id")
