"""Show the progress of a session, live on a terminal, as plain lines elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from rich.cells import cell_len
from rich.console import Console

from scai_cli.display.terminal.calls_bar import CallsBar, CallsLines, spent_words
from scai_cli.display.terminal.frames import Frames
from scai_cli.jobs.session import SessionStart
from scai_cli.models.call_count import CallCount
from scai_cli.text.characters import one_line

_SHOWN_PROBLEMS: Final = 3
"""The number of problems shown in full; later ones are only counted."""
Seen = TypeVar("Seen")
Noted = TypeVar("Noted", contravariant=True)


class Work(Protocol[Noted]):
    """Counts events or rows, and describes what they have come to."""

    def begin(self, session: SessionStart) -> None:
        """Set the totals of the session."""

    def note(self, item: Noted) -> str | None:
        """Count an item; return a line about it, or None."""

    def milestone(self) -> str | None:
        """Return a further line about the last item, for outputs without a live view."""

    def line(self, phase: str) -> str:
        """Return the state of the work in one line; `phase` is what it does now, or empty."""


@dataclass(slots=True)
class SomeCalls:
    """Work without items: only its name and phase are shown."""

    name: str = ""

    def begin(self, session: SessionStart) -> None:
        """Set the name."""
        self.name = session.run_id

    def note(self, item: object) -> None:
        """Return None, as there is no item."""

    def milestone(self) -> None:
        """Return None."""

    def line(self, phase: str) -> str:
        """Return the name and the phase."""
        return " · ".join(filter(None, (self.name, phase)))


class ProgressView(Generic[Seen]):
    """A live view that leaves its last state on the screen; without a terminal, plain lines.

    With human participants it prints plain lines, so that nothing is drawn over the questions.
    """

    def __init__(self, console: Console, work: Work[Seen], clock: Callable[[], float] = time.monotonic) -> None:
        self._work, self._clock = work, clock
        self._count = CallCount()
        self._frames = Frames(console, lambda width: _fitting(work.line(self._count.words), width))

    def begin(self, session: SessionStart) -> None:
        """Start the view."""
        self._work.begin(session)
        if not any(persona.human for persona in session.config.personas.inline):
            self._count, limits = session.count, session.config.limits
            console, spent = self._frames.console, session.spent
            bar = CallsBar(console, session.count, lambda: spent_words(spent(), limits), session.meters)
            self._frames.start(bar)
            if not self._frames.is_live:
                session.count.changed = CallsLines(bar, self.say, self._clock).look
        self._say_milestone()

    def see(self, item: Seen) -> None:
        """Count an item, and show its line."""
        if (line := self._work.note(item)) is not None:
            self.say(line)
        self._say_milestone()

    def say(self, line: str) -> None:
        """Show a line, above a live view."""
        self._frames.say(line)

    def end(self) -> None:
        """Draw the last state and stop."""
        self._frames.end()

    def _say_milestone(self) -> None:
        if not self._frames.is_live and (line := self._work.milestone()) is not None:
            self.say(line)


def complaint(problem: str | None, problems: int) -> str | None:
    """Return a line about a row's problem; None without one, and after the first few `problems`."""
    if problem is None or problems > _SHOWN_PROBLEMS:
        return None
    more = "; further problems are only counted" if problems == _SHOWN_PROBLEMS else ""
    return f"problem at {one_line(problem, 200)}{more}"


def _fitting(line: str, width: int) -> str:
    """Return a line without the last of its parts that are too much for the width; the first two are cut instead."""
    parts = one_line(line).split(" · ")
    while len(parts) > 2 and cell_len(" · ".join(parts)) > width:
        parts.pop()
    return one_line(" · ".join(parts), width)
