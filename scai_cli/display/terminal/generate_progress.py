"""Looking on while rows are made: a view on a terminal, a line for every tenth elsewhere, nothing if quiet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.datasets.generate.row import GeneratedRow
from scai_cli.display.terminal.escape import number, one_line
from scai_cli.display.terminal.run_progress import metered
from scai_cli.models.gate import Meter

_TOLD = 3
"""Problems that are told in full; the others are counted."""


@dataclass(slots=True)
class Progress:
    """How far a set is, counted from its rows."""

    run_id: str = ""
    wanted: int = 0
    written: int = 0
    problems: int = 0
    compared: int = 0
    p: float = 0.0

    def note(self, row: GeneratedRow) -> None:
        """Count a row."""
        self.written += 1
        self.problems += row.problem is not None
        for judgement in row.judgements:
            if judgement.p is not None:
                self.compared += 1
                self.p += judgement.p

    @property
    def better(self) -> float | None:
        """The mean probability that the later of two answers is the better one, over this session's rows."""
        return self.p / self.compared if self.compared else None

    def told(self) -> str:
        """The progress in one line."""
        judged = "" if self.better is None else f", the later answer better with P {number(self.better)}"
        problems = f", {self.problems:,} with problems" if self.problems else ""
        return f"{self.written:,} of {self.wanted:,} rows{judged}{problems}"


class Silent:
    """Shows nothing."""

    def begin(self, generation: GenerateManifest, written: int, meters: Sequence[Meter]) -> None:
        """Nothing to show."""

    def see(self, row: GeneratedRow) -> None:
        """Nothing to show."""

    def say(self, line: str) -> None:
        """Nothing to show."""

    def end(self) -> None:
        """Nothing to show."""


class PlainLines:
    """A line on stderr for every tenth of the rows and for the first problems: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()

    def begin(self, generation: GenerateManifest, written: int, meters: Sequence[Meter]) -> None:  # noqa: ARG002
        """Say what begins."""
        self._progress = Progress(generation.run_id, generation.orders.n, written)
        self.say(beginning(generation, written))

    def see(self, row: GeneratedRow) -> None:
        """Say how far the set is, now and then, and what went wrong at first."""
        progress = self._progress
        progress.note(row)
        if (line := complaint(row, progress)) is not None:
            self.say(line)
        if progress.written * 10 // progress.wanted > (progress.written - 1) * 10 // progress.wanted:
            self.say(progress.told())

    def say(self, line: str) -> None:
        """Say it."""
        self._console.print(Text(one_line(line)), soft_wrap=True)

    def end(self) -> None:
        """Nothing more to say: the command tells how it ended."""


def beginning(generation: GenerateManifest, written: int) -> str:
    """What is made, in one line."""
    orders, learned = generation.orders, generation.learned
    users = f", {len(generation.names)} users by turns" if generation.by_turns else ""
    there = f", {written:,} are there" if written else ""
    return (
        f"set {generation.run_id}: {orders.n:,} rows from {generation.tasks.count:,} tasks{users}, "
        f"version {learned.version} of {generation.source} ({len(learned.rules)} rules){there}"
    )


def complaint(row: GeneratedRow, progress: Progress) -> str | None:
    """A line about a row's problem, if it is one of the first."""
    if row.problem is None or progress.problems > _TOLD:
        return None
    more = "; further problems are only counted" if progress.problems == _TOLD else ""
    return f"problem at {one_line(row.problem, 200)}{more}"


class LiveView:
    """A view on a terminal that is redrawn while rows are made and leaves its last state behind."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()
        self._lines: list[str] = []
        self._meters: Sequence[Meter] = ()
        self._live: Live | None = None

    def begin(self, generation: GenerateManifest, written: int, meters: Sequence[Meter]) -> None:
        """Start drawing."""
        self._progress = Progress(generation.run_id, generation.orders.n, written)
        self._meters = meters
        self._lines.append(beginning(generation, written))
        self._live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=4)
        self._live.start()

    def see(self, row: GeneratedRow) -> None:
        """Count it; the next drawing shows it."""
        self._progress.note(row)
        if (line := complaint(row, self._progress)) is not None:
            self._lines.append(line)

    def say(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)

    def end(self) -> None:
        """Draw once more and stop."""
        if self._live is not None:
            self._live.stop()

    def _draw(self) -> RenderableType:
        width = self._console.width
        past = [Text(one_line(line, width), style="dim") for line in self._lines]
        now = f"{self._progress.run_id} · {self._progress.told()}"
        return Group(*past, Text(one_line(now, width), style="bold"), Text(one_line(metered(self._meters), width)))
