"""Fold a run's events into its `History`, decoding only the wanted events."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.runs import events
from scai_cli.runs.file_names import EVENTS
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, ReadEvent, read_events, selects
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.ratings import RatingIndex
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.history.status import outcome_of, status_of

EVERYTHING: Final = Selection()


def read_history(
    path: Path, *, messages: bool = True, ratings: bool = True, finals: bool = False, selection: Selection = EVERYTHING
) -> History:
    """Return the history of a run.

    `messages=False`, `ratings=False` and a `selection` leave out messages and ratings, which takes little memory on a
    large run. All answers are counted and the rating index has all ratings; with `finals`, it keeps the ratings of
    final answers one by one. Raises RunError with the line if it is damaged.
    """
    history = History(path, "interrupted", rating_index=RatingIndex(finals=finals))
    for event in _wanted(history, messages, ratings, selection):
        _fold(history, event)
    history.outcome = outcome_of(path)
    history.status = status_of(path, history.finished is not None, history.outcome)
    return history


def read_epochs(path: Path, selection: Selection = EVERYTHING) -> Iterator[tuple[History, Epoch]]:
    """Yield the history up to each epoch and the epoch, with its selected messages and ratings.

    Drops the messages and ratings of an epoch when the next one is requested. Raises RunError as `read_history` does,
    and at the end if the run does not have the selected epoch.
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
    history.epochs[-1] = replace(epoch, conversations={}, ratings=[])


def _wanted(history: History, messages: bool, ratings: bool, selection: Selection) -> Iterator[ReadEvent]:
    """Yield the events to fold; count every answer, and add every rating to the history's index."""
    selected, answers, add, known = selects(selection), history.answers, history.rating_index.add, _Known()
    for event in read_events(history.path):
        answers.add(event)
        # Nearly all events are ratings and messages, so their tests are here and not in a function.
        if isinstance(event, CompactRating):
            value = event.value
            is_on_scale = value is None or known.low <= value <= known.high
            fits = is_on_scale and event.epoch in known.epochs and event.conversation.count("/") == 2
            if fits:
                add(event)
            kept = ratings and selected(event.id.encode())
        elif isinstance(event, CompactMessage):
            fits = event.epoch in known.epochs
            kept = messages and selected(event.id.encode())
        else:
            fits, kept = known.add(event), True
        if not fits:
            where = f"{history.path / EVENTS}: the event {event.id[:200]!r}"
            raise RunError(f"{where} does not fit those before it; restore the file from a copy")
        if kept:
            yield event


@dataclass(slots=True)
class _Known:
    """What the events so far have begun, as a changed file can refer to what there is not."""

    epochs: set[int] = field(default_factory=set)
    versions: set[int] = field(default_factory=set)
    low: float = 0.0
    high: float = 0.0
    """The ends of the rating scale."""

    def add(self, event: ReadEvent) -> bool:
        """Note what an event begins; return whether the version that it refers to is made."""
        if isinstance(event, events.EpochStarted):
            self.epochs.add(event.epoch)
        elif isinstance(event, events.RunStarted):
            self.low, self.high = event.scale
            self.versions.add(event.constitution.version)
        elif isinstance(event, events.Revised):
            self.versions.add(event.constitution.version)
        return not isinstance(event, events.RunFinished) or event.version in self.versions


def _current(history: History) -> Epoch:
    if not history.epochs:
        raise RunError(f"{history.path / EVENTS}: its first lines are missing; restore the file from a copy")
    return history.epochs[-1]


def _fold(history: History, event: ReadEvent) -> None:
    if isinstance(event, events.RunStarted):
        history.started, history.started_at = event, event.time
        history.known_versions[event.constitution.version] = event.constitution, event.system_message
    elif isinstance(event, events.EpochStarted):
        constitution, system_message = history.known_versions.get(event.version) or history.product
        people = event.personas, event.tasks
        history.epochs.append(Epoch(event.epoch, constitution, system_message, *people, is_product=event.product))
    elif isinstance(event, CompactMessage):
        conversation = event.id.rpartition("/")[0]
        _current(history).conversations.setdefault(conversation, []).append(event)
    elif isinstance(event, CompactRating):
        _current(history).ratings.append(event)
    elif isinstance(event, events.WelfareMeasured):
        _current(history).welfare = event
    elif isinstance(event, events.BallotCast):
        history.approvals.add(event)
    elif isinstance(event, events.Revised):
        history.approvals.settle(event.ratified)
        _current(history).revision = event
        history.known_versions[event.constitution.version] = event.constitution, event.system_message
    elif isinstance(event, events.HoldoutCompared):
        history.holdout = event
    elif isinstance(event, events.RatersChecked):
        history.rater_check = event
    elif isinstance(event, events.RunFinished):
        history.finished = event
    elif isinstance(event, events.Problem):
        _current(history).problems.append(event)
