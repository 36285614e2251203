"""Show the progress of a run or a generated set, live on a terminal, as plain lines elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from scai_cli.analysis.participants import participants
from scai_cli.analysis.revision_reasons import plain_reason
from scai_cli.analysis.run_measures import welfare_words
from scai_cli.display.numbers import number
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.jobs.session import SessionStart
from scai_cli.models.tally import Meter
from scai_cli.runs.events import EpochStarted, MessageSaid, Problem, Rated, Revised, RunFinished, WelfareMeasured
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, ReadEvent
from scai_cli.simulation.utilities import mean
from scai_cli.text.characters import one_line

Seen = TypeVar("Seen")
Noted = TypeVar("Noted", contravariant=True)


class Progress(Protocol[Noted]):
    """Counts events or rows, and describes the progress."""

    def begin(self, session: SessionStart) -> None:
        """Set the totals of the session."""

    def note(self, item: Noted) -> str | None:
        """Count an item; return a line about it, or None."""

    def milestone(self) -> str | None:
        """Return a further line about the last item, for outputs without a live view."""

    def line(self) -> str:
        """Return the progress in one line."""


class ProgressView(Generic[Seen]):
    """A live view that leaves its last state on the screen; without a terminal, plain lines.

    With human participants it prints plain lines, so that nothing is drawn over the questions.
    """

    def __init__(self, console: Console, progress: Progress[Seen]) -> None:
        self._console = console
        self._progress = progress
        self._lines: list[str] = []
        self._meters: Sequence[Meter] = ()
        self._live: Live | None = None

    def begin(self, session: SessionStart) -> None:
        """Start the view."""
        self._progress.begin(session)
        self._meters = session.meters
        if self._console.is_terminal and not any(persona.human for persona in session.config.personas.inline):
            self._live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=4)
            self._live.start()
        self._say_milestone()

    def see(self, item: Seen) -> None:
        """Count an item, and show its line."""
        if (line := self._progress.note(item)) is not None:
            self.say(line)
        self._say_milestone()

    def say(self, line: str) -> None:
        """Show a line."""
        if self._live is None:
            self._console.print(Text(one_line(line)), soft_wrap=True)
        else:
            self._lines.append(line)

    def end(self) -> None:
        """Draw the last state and stop."""
        if self._live is not None:
            self._live.stop()

    def _say_milestone(self) -> None:
        if self._live is None and (line := self._progress.milestone()) is not None:
            self.say(line)

    def _draw(self) -> RenderableType:
        room = max(2, self._console.height - 4)
        width = self._console.width
        # In full, as the end of a line is what to do about it.
        past = [
            row for line in self._lines[-room:] for row in Text(one_line(line), style="dim").wrap(self._console, width)
        ]
        return Group(
            *past[-room:],
            Text(one_line(self._progress.line(), width), style="bold"),
            Text(one_line(metered(self._meters), width)),
        )


@dataclass(slots=True)
class RunProgress:
    """The progress of a run."""

    run_id: str = ""
    epochs: int = 0
    epoch: int = 0
    is_product: bool = False
    """Whether the epoch plays the product after the last revision."""
    conversations: int = 0
    ended: int = 0
    satisfaction: list[float] = field(default_factory=list)
    """The own ratings of final answers in this epoch."""
    problems: int = 0
    config: ExperimentConfig | None = None
    people: str = ""
    """The people of this epoch in words."""
    _milestone: str | None = None

    def begin(self, session: SessionStart) -> None:
        """Set the experiment."""
        run_id, config = session.run_id, session.config
        self.run_id, self.epochs, self.config = run_id, config.epochs, config
        people = participants(config, brief=True)
        self._milestone = f"run {run_id}: {people}, {len(config.tasks.inline)} tasks, {config.epochs} epochs"

    def note(self, event: ReadEvent) -> str | None:
        """Count an event; returns what an epoch came to, how the constitution changed and what went wrong."""
        if isinstance(event, MessageSaid | CompactMessage):
            self.ended += self.config is not None and event.id.endswith(f"/m{2 * self.config.turns}")
        elif isinstance(event, Rated | CompactRating):
            if event.final and event.kind == "own" and event.value is not None:
                self.satisfaction.append(event.value)
        elif isinstance(event, EpochStarted):
            self.epoch, self.is_product = event.epoch, event.product
            self.conversations = len(event.personas) * len(event.tasks)
            self.people = participants(self.config, event.personas, brief=True) if self.config else ""
            self.ended = 0
            self.satisfaction = []
        elif isinstance(event, RunFinished):
            self._milestone = f"finished: {event.epochs} epochs, constitution version {event.version}"
        elif isinstance(event, WelfareMeasured):
            play = "product" if self.is_product else f"epoch {event.epoch}"
            return f"{play} (version {event.version}): {_measured(event, self.people)}"
        elif isinstance(event, Revised):
            return _revised(event)
        elif isinstance(event, Problem):
            self.problems += 1
            return f"problem at {event.where}: {one_line(event.problem, 200)}"
        return None

    def milestone(self) -> str | None:
        """Return the line of the run's beginning or end."""
        line, self._milestone = self._milestone, None
        return line

    def line(self) -> str:
        """Return the progress in one line."""
        problems = f" · {self.problems} problems" if self.problems else ""
        where = "product" if self.is_product else f"epoch {self.epoch}/{self.epochs}"
        return (
            f"{self.run_id} · {where} · conversations {self.ended}/{self.conversations} · "
            f"satisfaction {number(mean(self.satisfaction))} ({self.people}){problems}"
        )


def _measured(event: WelfareMeasured, people: str) -> str:
    average = number(mean(event.satisfaction.values()))
    missing = f", {event.missing} ratings missing" if event.missing else ""
    value = number(event.values.get(event.declared))
    return f"mean satisfaction of {people} {average}, welfare: {welfare_words(event.declared)} {value}{missing}"


def _revised(event: Revised) -> str:
    change = f"revised to version {event.constitution.version}" if event.accepted else "unchanged"
    reason = one_line(plain_reason(event.reason), 160)
    return f"epoch {event.epoch}: constitution {change} ({len(event.constitution.rules)} rules): {reason}"


def metered(meters: Sequence[Meter]) -> str:
    """Return the calls, calls in flight, tokens and, if known, cost over all endpoints."""
    usage = sum(meter.usage.total for meter in meters)
    calls, in_flight = sum(m.calls for m in meters), sum(m.in_flight for m in meters)
    costs = [meter.usd for meter in meters]
    money = "" if None in costs or not any(costs) else f" · ${sum(cost or 0 for cost in costs):.4f}"
    retries = sum(meter.retries for meter in meters)
    again = f" · {retries} retries" if retries else ""
    return f"{calls:,} calls, {in_flight} in flight · {usage:,} tokens{money}{again}"
