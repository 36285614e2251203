"""From a run's events to its `History`, decoding no more of them than is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.runs.events import (
    ControlRated,
    EpochStarted,
    Event,
    HoldoutCompared,
    Judged,
    MessageSaid,
    Problem,
    Rated,
    Revised,
    RunFinished,
    RunStarted,
    WelfareMeasured,
)
from scai_cli.runs.history.event_lines import Within, glance, read_event, read_mark
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.history.status import outcome_of, status_of
from scai_cli.runs.jsonl import lines
from scai_cli.runs.run_directory import EVENTS

EVERYTHING: Final = Selection()


def read_history(
    path: Path, *, messages: bool = True, ratings: bool = True, selection: Selection = EVERYTHING
) -> History:
    """Fold a run's events.

    Without `messages` or `ratings`, and outside of the epoch, persona and task of a `selection`, what was said or rated
    is passed over, which is several times faster on a large run and takes hardly any memory; all else is there, and the
    ratings in short (`History.marks`) are always all of them. Raises RunError for a damaged line, naming it; of a
    message that is passed over only the head and the end are looked at.
    """
    history = History(path, "interrupted")
    for event in _wanted(history, messages, ratings, selection):
        _fold(history, event)
    history.outcome = outcome_of(path)
    history.status = status_of(path, history.finished is not None, history.outcome)
    return history


def read_epochs(path: Path, selection: Selection = EVERYTHING) -> Iterator[tuple[History, Epoch]]:
    """A run's epochs as they are read, each with what was said and rated in the selection, and the run as far as known.

    What was said and rated in an epoch is let go of when the next is asked for. Raises RunError as `read_history`, and
    at the end where the run has no epoch of the selection.
    """
    history = History(path, "interrupted")
    for event in _wanted(history, True, True, selection):
        if isinstance(event, EpochStarted) and history.epochs:
            yield from _let_go(history, selection)
        _fold(history, event)
    if history.epochs:
        yield from _let_go(history, selection)
    history.chosen(selection.epoch)


def _let_go(history: History, selection: Selection) -> Iterator[tuple[History, Epoch]]:
    epoch = history.epochs[-1]
    if selection.epoch in (None, epoch.number):
        yield history, epoch
    history.epochs[-1] = replace(epoch, conversations={}, ratings=[], anchors=[])


def _wanted(history: History, messages: bool, ratings: bool, selection: Selection) -> Iterator[Event]:
    """The events that are read whole; of the ratings that are not, the history gets the marks."""
    within = Within.of(selection)
    for number, line in lines(history.path / EVENTS):
        place, kind = glance(line)
        if kind == b"message":
            if not messages or not within.has(place):
                continue
        elif kind == b"rating" and not (ratings and within.has(place)):
            history.marks.add(read_mark(history.path, number, line))
            continue
        yield read_event(history.path, number, line)


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
        history.marks.add(event)
    elif isinstance(event, WelfareMeasured):
        _current(history).welfare = event
    elif isinstance(event, Revised):
        _current(history).revision = event
    elif isinstance(event, ControlRated):
        history.controls.append(event)
    elif isinstance(event, Judged):
        history.judged.append(event)
    elif isinstance(event, HoldoutCompared):
        history.holdout = event
    elif isinstance(event, RunFinished):
        history.finished = event
    elif isinstance(event, Problem):
        _current(history).problems.append(event)
