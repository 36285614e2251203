"""`scai show --follow`: a run that another process writes, as it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from scai_cli.display.terminal.consoles import out
from scai_cli.display.terminal.escape import one_line, styled
from scai_cli.display.terminal.run_progress import RunProgress
from scai_cli.display.terminal.summary import print_summary
from scai_cli.display.terminal.transcripts import check_known, print_message, print_rating
from scai_cli.errors import RunError
from scai_cli.runs.events import Event, MessageSaid, Rated, RunStarted
from scai_cli.runs.history.event_lines import Within, look, read_event, read_mark
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.jsonl import damaged
from scai_cli.runs.locks import is_locked
from scai_cli.runs.run_directory import EVENTS
from scai_cli.text.json_text import json_line

POLL_S: Final = 0.3


def follow(path: Path, chosen: Selection) -> None:
    """Print what happens in a run, from its beginning until nobody writes it any more; then the summary.

    With a selection, what is said and rated there is printed too, as it is said and rated.
    """
    console = out()
    follower = _Follower(console, History(path, "running"), chosen, RunProgress(run_id=path.name))
    live = Live(console=console, get_renderable=follower.draw, refresh_per_second=4, transient=True)
    with live if console.is_terminal else nullcontext():
        for number, line in new_lines(path):
            follower.see(number, line)
    console.print()
    print_summary(console, read_history(path, messages=False, ratings=False))


def follow_json(path: Path, chosen: Selection) -> None:
    """Print the events of a run as lines of JSON, as they happen; of messages and ratings those that are chosen."""
    within = Within.of(chosen)
    for number, line in new_lines(path):
        place, kind = look(line)
        if kind in (b"message", b"rating") and not within.has(place):
            continue
        try:
            event = json.loads(line)
        except ValueError:
            raise RunError(damaged(path / EVENTS, number)) from None
        print(json_line(event), flush=True)  # noqa: T201 - data for stdout


def new_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The complete lines of a run's events with their numbers, waiting for more until it is finished or left alone."""
    number, file = 0, path / EVENTS
    while is_locked(path) and not file.exists():
        time.sleep(POLL_S)
    if not file.exists():
        return
    with file.open("rb") as events:
        while True:
            alive, finished, at = is_locked(path), False, events.tell()
            while (line := events.readline()).endswith(b"\n"):
                number += 1
                at += len(line)
                finished = look(line).kind == b"run_finished"
                yield number, line
            events.seek(at)
            if finished or not alive:
                return
            time.sleep(POLL_S)


@dataclass(slots=True)
class _Follower:
    """Prints what people want to hear of, and knows how far the run is."""

    console: Console
    history: History
    chosen: Selection
    progress: RunProgress
    last: str = ""
    """The conversation that was printed last."""
    within: Within | None = field(init=False)
    """Where everything said and rated is printed."""

    def __post_init__(self) -> None:
        self.within = None if self.chosen == Selection() else Within.of(self.chosen)

    def draw(self) -> Text:
        """How far the run is, in a line."""
        return Text(one_line(self.progress.line(), self.console.width), style="bold")

    def see(self, number: int, line: bytes) -> None:
        """Take in a line of the events, decoding no more of it than is wanted."""
        place, kind = look(line)
        here = self.within is not None and self.within.has(place)
        if kind == b"message" and not here:
            self.progress.hear(place.decode())
        elif kind == b"rating" and not here:
            self.progress.rate(read_mark(self.history.path, number, line))
        else:
            self._hear(read_event(self.history.path, number, line))

    def _hear(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.history.started = event
            check_known(self.history, self.chosen)
            self.progress.epochs, self.progress.turns = event.epochs, self.history.config.turns
        text = self.progress.note(event) or self.progress.milestone()
        if isinstance(event, MessageSaid):
            self._turn_to(event.id.rpartition("/")[0])
            print_message(self.console, self.history, event)
        elif isinstance(event, Rated):
            self._turn_to(event.conversation)
            print_rating(self.console, self.history, event)
        elif text is not None:
            self.console.print(styled(text), soft_wrap=True)

    def _turn_to(self, conversation: str) -> None:
        if conversation != self.last:
            self.console.print(styled(conversation, "bold"))
            self.last = conversation
