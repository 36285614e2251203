"""From a run's events to its `History`, decoding only the events that are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.runs import events
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, ReadEvent, read_events, selects
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.ratings import RatingIndex
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.history.status import outcome_of, status_of
from scai_cli.runs.run_directory import EVENTS

EVERYTHING: Final = Selection()


def read_history(
    path: Path, *, messages: bool = True, ratings: bool = True, finals: bool = False, selection: Selection = EVERYTHING
) -> History:
    """Fold a run's events.

    Without `messages` or `ratings`, and outside of the epoch, persona and task of a `selection`, messages and ratings
    are left out, which is several times faster on a large run and takes hardly any memory. All else is there, and the
    index always has all ratings; with `finals`, it keeps those of final answers one by one. Raises RunError for a
    damaged line, naming it; of a message that is left out only the head and the end are looked at.
    """
    history = History(path, "interrupted", rating_index=RatingIndex(finals=finals))
    for event in _wanted(history, messages, ratings, selection):
        _fold(history, event)
    history.outcome = outcome_of(path)
    history.status = status_of(path, history.finished is not None, history.outcome)
    return history


def read_epochs(path: Path, selection: Selection = EVERYTHING) -> Iterator[tuple[History, Epoch]]:
    """Yield a run's epochs as they are read, each with its selected messages and ratings, and the run up to there.

    An epoch's messages and ratings are dropped when the next epoch is asked for. Raises RunError as `read_history`,
    and at the end where the run has no selected epoch.
    """
    history = History(path, "interrupted")
    for event in _wanted(history, True, True, selection):
        if isinstance(event, events.EpochStarted) and history.epochs:
            yield from _drop_last(history, selection)
        _fold(history, event)
    if history.epochs:
        yield from _drop_last(history, selection)
    history.chosen(selection.epoch)


def _drop_last(history: History, selection: Selection) -> Iterator[tuple[History, Epoch]]:
    epoch = history.epochs[-1]
    if selection.epoch in (None, epoch.number):
        yield history, epoch
    history.epochs[-1] = replace(epoch, conversations={}, ratings=[], anchors=[])


def _wanted(history: History, messages: bool, ratings: bool, selection: Selection) -> Iterator[ReadEvent]:
    """Yield the events to fold; ratings are added to the history's index whether they are wanted or not."""
    selected = selects(selection)
    add = history.rating_index.add

    def is_wanted(name: bytes, kind: bytes) -> bool:
        return kind != b"message" or (messages and selected(name))

    for event in read_events(history.path, is_wanted):
        if isinstance(event, CompactRating):
            add(event)
            if not (ratings and selected(event.id.encode())):
                continue
        yield event


def _current(history: History) -> Epoch:
    if not history.epochs:
        raise RunError(f"{history.path / EVENTS}: its first lines are missing; restore the file from a copy")
    return history.epochs[-1]


def _fold(history: History, event: ReadEvent) -> None:
    if isinstance(event, events.RunStarted):
        history.started, history.started_at = event, event.time
    elif isinstance(event, events.EpochStarted):
        constitution, system_message = history.product
        people = event.personas, event.tasks
        history.epochs.append(Epoch(event.epoch, constitution, system_message, *people, is_product=event.product))
    elif isinstance(event, CompactMessage):
        conversation = event.id.rpartition("/")[0]
        _current(history).conversations.setdefault(conversation, []).append(event)
    elif isinstance(event, CompactRating):
        epoch = _current(history)
        (epoch.anchors if event.kind == "anchor" else epoch.ratings).append(event)
    elif isinstance(event, events.WelfareMeasured):
        _current(history).welfare = event
    elif isinstance(event, events.Revised):
        _current(history).revision = event
    elif isinstance(event, events.ControlRated):
        history.controls.append(event)
    elif isinstance(event, events.Judged):
        history.judged.append(event)
    elif isinstance(event, events.HoldoutCompared):
        history.holdout = event
    elif isinstance(event, events.RunFinished):
        history.finished = event
    elif isinstance(event, events.Problem):
        _current(history).problems.append(event)
