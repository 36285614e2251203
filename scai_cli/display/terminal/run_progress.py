"""Looking on while a run goes on: a live view on a terminal, plain lines elsewhere, nothing if quiet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from scai_cli.display.terminal.escape import number, one_line
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.models.gate import Meter
from scai_cli.runs.events import EpochStarted, Event, MessageSaid, Problem, Rated, Revised, RunFinished, WelfareMeasured
from scai_cli.runs.history.ratings import AnyMark


@dataclass(slots=True)
class Progress:
    """How far a run is, counted from its events."""

    run_id: str = ""
    epochs: int = 0
    epoch: int = 0
    conversations: int = 0
    ended: int = 0
    satisfaction: list[float] = field(default_factory=list)
    """Own ratings of final answers in this epoch."""
    before: list[float | None] = field(default_factory=list)
    """The mean satisfaction of each epoch that was played to its end."""
    problems: int = 0
    turns: int = 0

    def note(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, EpochStarted):
            self.epoch = event.epoch
            self.conversations = len(event.personas) * len(event.tasks)
            self.ended = 0
            self.satisfaction = []
        elif isinstance(event, MessageSaid):
            self.hear(event.id)
        elif isinstance(event, Rated):
            self.rate(event)
        elif isinstance(event, WelfareMeasured):
            known = [value for value in event.satisfaction.values() if value is not None]
            self.before.append(sum(known) / len(known) if known else None)
        elif isinstance(event, Problem):
            self.problems += 1

    def hear(self, message: str) -> None:
        """Count a message by its id."""
        self.ended += message.endswith(f"/m{2 * self.turns}")

    def rate(self, rating: AnyMark) -> None:
        """Count a rating."""
        if rating.final and rating.kind == "own" and rating.value is not None:
            self.satisfaction.append(rating.value)

    def line(self) -> str:
        """How far it is."""
        problems = f" · {self.problems} problems" if self.problems else ""
        return (
            f"{self.run_id} · epoch {self.epoch}/{self.epochs} · conversations {self.ended}/{self.conversations} · "
            f"satisfaction {number(self.mean)}{problems}"
        )

    @property
    def mean(self) -> float | None:
        """The mean satisfaction so far in this epoch."""
        return sum(self.satisfaction) / len(self.satisfaction) if self.satisfaction else None


class Silent:
    """Shows nothing."""

    def begin(self, run_id: str, config: ExperimentConfig, meters: Sequence[Meter]) -> None:
        """Nothing to show."""

    def see(self, event: Event) -> None:
        """Nothing to show."""

    def say(self, line: str) -> None:
        """Nothing to show."""

    def end(self) -> None:
        """Nothing to show."""


class PlainLines:
    """A line on stderr for what matters: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()

    def begin(self, run_id: str, config: ExperimentConfig, meters: Sequence[Meter]) -> None:  # noqa: ARG002
        """Say what begins."""
        self._progress.run_id, self._progress.epochs, self._progress.turns = run_id, config.epochs, config.turns
        people, tasks = len(config.personas.inline), len(config.tasks.inline)
        self.say(f"run {run_id}: {people} personas, {tasks} tasks, {config.epochs} epochs")

    def see(self, event: Event) -> None:
        """Say what an epoch came to, how the constitution changed and what went wrong."""
        self._progress.note(event)
        if (line := told(event, self._progress)) is not None:
            self.say(line)

    def say(self, line: str) -> None:
        """Say it."""
        self._console.print(Text(line), soft_wrap=True)

    def end(self) -> None:
        """Nothing more to say: the command tells how it ended."""


def told(event: Event, progress: Progress) -> str | None:
    """A line about an event that people want to hear of; None for the others."""
    if isinstance(event, WelfareMeasured):
        missing = f", {event.missing} ratings missing" if event.missing else ""
        value = number(event.values.get(event.declared))
        mean = number(progress.before[-1])
        return f"epoch {event.epoch}: mean satisfaction {mean}, {event.declared} welfare {value}{missing}"
    if isinstance(event, Revised):
        what = (
            f"revised to version {event.constitution.version}"
            if event.accepted
            else f"kept: {one_line(event.reason, 160)}"
        )
        rules = len(event.constitution.rules)
        return f"epoch {event.epoch}: constitution {what} ({rules} rules)"
    if isinstance(event, Problem):
        return f"problem at {event.where}: {one_line(event.problem, 200)}"
    if isinstance(event, RunFinished):
        return f"finished: {event.epochs} epochs, constitution version {event.version}"
    return None


class LiveView:
    """A view on a terminal that is redrawn while the run goes on and leaves its last state behind."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()
        self._lines: list[str] = []
        self._meters: Sequence[Meter] = ()
        self._live: Live | None = None

    def begin(self, run_id: str, config: ExperimentConfig, meters: Sequence[Meter]) -> None:
        """Start drawing."""
        self._progress.run_id, self._progress.epochs, self._progress.turns = run_id, config.epochs, config.turns
        self._meters = meters
        self._live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=4)
        self._live.start()

    def see(self, event: Event) -> None:
        """Count it; the next drawing shows it."""
        self._progress.note(event)
        line = told(event, self._progress)
        if line is not None and not isinstance(event, RunFinished):
            self._lines.append(line)

    def say(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)

    def end(self) -> None:
        """Draw once more and stop."""
        if self._live is not None:
            self._live.stop()

    def _draw(self) -> RenderableType:
        room = max(2, self._console.height - 4)
        width = self._console.width
        past = [Text(one_line(line, width), style="dim") for line in self._lines[-room:]]
        return Group(
            *past,
            Text(one_line(self._progress.line(), width), style="bold"),
            Text(one_line(metered(self._meters), width)),
        )


def metered(meters: Sequence[Meter]) -> str:
    """Calls, those in flight, tokens, and where prices are known money, over all endpoints."""
    usage = sum(meter.usage.total for meter in meters)
    calls, in_flight = sum(m.calls for m in meters), sum(m.in_flight for m in meters)
    costs = [meter.usd for meter in meters]
    money = "" if None in costs or not any(costs) else f" · ${sum(cost or 0 for cost in costs):.4f}"
    retries = sum(meter.retries for meter in meters)
    again = f" · {retries} retries" if retries else ""
    return f"{calls:,} calls, {in_flight} in flight · {usage:,} tokens{money}{again}"
