"""What a run's events come to: the only reader of events; everything that people take away is made from a `History`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from scai_cli.config import ExperimentConfig
from scai_cli.constitution import Constitution
from scai_cli.errors import RunError
from scai_cli.events import (
    ANY_EVENT,
    ControlRated,
    EpochStarted,
    Event,
    HeldOut,
    Judged,
    MessageSaid,
    Problem,
    Rated,
    Revised,
    RunFinished,
    RunStarted,
    WelfareMeasured,
)
from scai_cli.loading import load_saved
from scai_cli.store import CALLS, CONFIG, EVENTS, OUTCOME, all_runs, damaged, is_locked, lines, newest_first

Status = Literal["finished", "stopped", "failed", "interrupted", "running"]

_TYPE = re.compile(rb'"type":"(\w+)"')
_HEAD = 300
"""A line's type stands within so many characters."""


@dataclass(slots=True)
class Epoch:
    """One epoch: the constitution in force, what was said and rated under it, and the revision it led to."""

    number: int
    constitution: Constitution
    system_message: str
    personas: tuple[str, ...]
    tasks: tuple[str, ...]
    conversations: dict[str, list[MessageSaid]] = field(default_factory=dict)
    """Conversation id -> its messages in order."""
    ratings: list[Rated] = field(default_factory=list)
    anchors: list[Rated] = field(default_factory=list)
    """Ratings of answers of an earlier epoch, which count nowhere."""
    welfare: WelfareMeasured | None = None
    revision: Revised | None = None
    problems: list[Problem] = field(default_factory=list)


@dataclass
class History:
    """A run as far as it went; `epochs` may be empty."""

    path: Path
    status: Status
    started: RunStarted | None = None
    started_at: str | None = None
    epochs: list[Epoch] = field(default_factory=list)
    proof: HeldOut | None = None
    """The first and the last constitution with users and tasks that were held out."""
    controls: list[ControlRated] = field(default_factory=list)
    """Ratings of the last epoch's answers by nobody in particular and by others."""
    judged: list[Judged] = field(default_factory=list)
    finished: RunFinished | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """How the last session on the run ended: `status`, `reason`, `calls`, `usage`, `wall_s`; empty if it was killed."""

    @property
    def run_id(self) -> str:
        """The run's id, which is its directory's name."""
        return self.path.name

    @cached_property
    def config(self) -> ExperimentConfig:
        """The resolved experiment."""
        return load_saved(self.path / CONFIG)

    @property
    def names(self) -> Mapping[str, str]:
        """Persona id -> name."""
        return self.started.personas if self.started else {}

    @property
    def measured(self) -> list[WelfareMeasured]:
        """The epochs that were played to their end, in numbers."""
        return [epoch.welfare for epoch in self.epochs if epoch.welfare is not None]

    @property
    def product(self) -> tuple[Constitution, str]:
        """The run's product, or the constitution as it stands while the run goes on; with its system message."""
        if self.finished is not None:
            return self.versions()[self.finished.version]
        for epoch in reversed(self.epochs):
            if epoch.revision is not None:
                return epoch.revision.constitution, epoch.revision.system_message
        if self.started is None:
            raise RunError(f"run {self.run_id!r} holds no events yet; wait, or `scai resume {self.run_id}`")
        return self.started.constitution, self.started.system_message

    def chosen(self, number: int | None) -> list[Epoch]:
        """The epoch of that number alone, or all of them; raises RunError if there is none of that number."""
        epochs = [epoch for epoch in self.epochs if number in (None, epoch.number)]
        if number is not None and not epochs:
            raise RunError(f"run {self.run_id!r} has no epoch {number}; it has {len(self.epochs)}")
        return epochs

    def versions(self) -> dict[int, tuple[Constitution, str]]:
        """Every version of the constitution with its system message, by its number."""
        found = {}
        if self.started:
            found[self.started.constitution.version] = (self.started.constitution, self.started.system_message)
        for epoch in self.epochs:
            if epoch.revision:
                revision = epoch.revision
                found[revision.constitution.version] = (revision.constitution, revision.system_message)
        return found


def read_history(path: Path, *, messages: bool = True) -> History:
    """Fold a run's events; without `messages` what was said is passed over, which is much faster on a large run.

    Raises RunError for a damaged line, naming it.
    """
    history = History(path, "interrupted")
    for event in read_events(path, messages=messages):
        _fold(history, event)
    history.outcome = _outcome(path)
    history.status = status_of(path, history.finished is not None, history.outcome)
    return history


def read_events(path: Path, *, messages: bool = True) -> Iterator[Event]:
    """A run's events in order; a torn last line is left out; raises RunError for a damaged one."""
    for number, line in lines(path / EVENTS):
        if not messages and _kind(line) == b"message":
            continue
        yield read_event(path, number, line)


def read_event(path: Path, number: int, line: bytes) -> Event:
    """The event on a line of a run's events; raises RunError, naming the line, when it is damaged."""
    try:
        return ANY_EVENT.validate_json(line)
    except ValidationError:
        raise RunError(damaged(path / EVENTS, number)) from None


def read_calls(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run's call log in order; a torn last line is left out; raises RunError for a damaged one."""
    for number, line in lines(path / CALLS):
        try:
            yield json.loads(line)
        except ValueError:
            raise RunError(damaged(path / CALLS, number)) from None


def status_of(path: Path, finished: bool, outcome: Mapping[str, Any]) -> Status:
    """Finished, still running, or how the last session on the run ended (killed: interrupted)."""
    if finished:
        return "finished"
    if is_locked(path):
        return "running"
    status = outcome.get("status")
    return status if status in ("stopped", "failed", "interrupted") else "interrupted"


def _outcome(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((path / OUTCOME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("status") != "running" else {}


def _current(history: History) -> Epoch:
    if not history.epochs:
        raise RunError(f"{history.path / EVENTS}: its first lines are missing; restore the file from a copy")
    return history.epochs[-1]


def _fold(history: History, event: Event) -> None:
    if isinstance(event, RunStarted):
        history.started, history.started_at = event, event.time
    elif isinstance(event, EpochStarted):
        constitution, system_message = history.product
        history.epochs.append(Epoch(event.epoch, constitution, system_message, event.personas, event.tasks))
    elif isinstance(event, MessageSaid):
        conversation = event.id.rpartition("/")[0]
        _current(history).conversations.setdefault(conversation, []).append(event)
    elif isinstance(event, Rated):
        epoch = _current(history)
        (epoch.anchors if event.kind == "anchor" else epoch.ratings).append(event)
    elif isinstance(event, WelfareMeasured):
        _current(history).welfare = event
    elif isinstance(event, Revised):
        _current(history).revision = event
    elif isinstance(event, ControlRated):
        history.controls.append(event)
    elif isinstance(event, Judged):
        history.judged.append(event)
    elif isinstance(event, HeldOut):
        history.proof = event
    elif isinstance(event, RunFinished):
        history.finished = event
    elif isinstance(event, Problem):
        _current(history).problems.append(event)


def list_entries(runs: Path) -> list[dict[str, Any]]:
    """What `scai list` tells of every run, newest first; a run that cannot be read is listed as such."""
    return [_entry(path) for path in newest_first(all_runs(runs))]


def _entry(path: Path) -> dict[str, Any]:
    history = History(path, "interrupted")
    done, finished = 0, False
    for number, line in lines(path / EVENTS):
        kind = _kind(line)
        if kind == b"run_started":
            with suppress(RunError):
                _fold(history, read_event(path, number, line))
        done += kind == b"revision"
        finished = finished or kind == b"run_finished"
    started = history.started
    return {
        "run_id": path.name,
        "name": started.name if started else None,
        "status": status_of(path, finished, _outcome(path)),
        "started": history.started_at,
        "epochs_done": done,
        "epochs": started.epochs if started else None,
        "model": ", ".join(dict.fromkeys(started.models.values())) if started else None,
    }


def _kind(line: bytes) -> bytes:
    found = _TYPE.search(line, 0, _HEAD)
    return found[1] if found else b""
