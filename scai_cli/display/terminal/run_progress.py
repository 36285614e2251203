"""The progress of a run."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scai_cli.analysis.participants import participants
from scai_cli.analysis.revision_reasons import plain_reason
from scai_cli.analysis.run_measures import welfare_words
from scai_cli.display.numbers import number
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.personas import Persona, people_mean
from scai_cli.jobs.session import SessionStart
from scai_cli.runs.events import (
    CONVERSATION_FAILED,
    EpochStarted,
    Problem,
    Rated,
    Revised,
    RunFinished,
    WelfareMeasured,
)
from scai_cli.runs.history.event_lines import CompactRating, ReadEvent
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted


@dataclass(slots=True)
class RunProgress:
    """Counts conversations and ratings; returns lines for what an epoch came to, and for what went wrong."""

    run_id: str = ""
    epochs: int = 0
    epoch: int = 0
    is_product: bool = False
    """Whether the epoch plays the product after the last revision."""
    conversations: int = 0
    ended: int = 0
    satisfaction: list[tuple[str, float]] = field(default_factory=list)
    """The raters and own ratings of final answers in this epoch."""
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
        size = f"{counted(len(config.tasks.inline), 'task')}, {counted(config.epochs, 'epoch')}"
        self._milestone = f"run {run_id}: {people}, {size}"

    def note(self, event: ReadEvent) -> str | None:
        """Count an event; returns what an epoch came to, how the constitution changed and what went wrong."""
        if isinstance(event, Rated | CompactRating):
            if event.final and event.kind == "own":
                self.ended += event.problem != CONVERSATION_FAILED
                if event.value is not None:
                    self.satisfaction.append((event.rater, event.value))
        elif isinstance(event, EpochStarted):
            self.epoch, self.is_product = event.epoch, event.product
            self.conversations = len(event.personas) * len(event.tasks)
            self.people = participants(self.config, event.personas, brief=True) if self.config else ""
            self.ended = 0
            self.satisfaction = []
        elif isinstance(event, RunFinished):
            self._milestone = f"finished: {counted(event.epochs, 'epoch')}, constitution version {event.version}"
        elif isinstance(event, WelfareMeasured):
            play = "final play" if self.is_product else f"epoch {event.epoch}"
            return f"{play} (version {event.version}): {_measured(event, self.people, self._personas)}"
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

    @property
    def _personas(self) -> Sequence[Persona]:
        return self.config.personas.inline if self.config else ()

    @property
    def phase(self) -> str:
        """What the run does now, as far as its events say."""
        where = "final play" if self.is_product else f"epoch {self.epoch} of {self.epochs}"
        return f"{where}: conversations {self.ended:,} of {self.conversations:,}"

    def line(self, phase: str) -> str:
        """Return the state of the run in one line."""
        average = number(people_mean(self.satisfaction, self._personas))
        satisfaction = f"satisfaction {average} ({self.people})" if self.satisfaction else ""
        problems = counted(self.problems, "problem") if self.problems else ""
        return " · ".join(filter(None, (self.run_id, phase, problems, satisfaction)))


def _measured(event: WelfareMeasured, people: str, personas: Sequence[Persona]) -> str:
    average = number(people_mean(event.satisfaction.items(), personas))
    missing = f", {counted(event.missing, 'rating')} missing" if event.missing else ""
    value = number(event.values.get(event.declared))
    return f"mean satisfaction of {people} {average}, welfare: {welfare_words(event.declared)} {value}{missing}"


def _revised(event: Revised) -> str:
    change = f"revised to version {event.constitution.version}" if event.accepted else "unchanged"
    reason = one_line(plain_reason(event.reason), 160)
    return f"epoch {event.epoch}: constitution {change} ({counted(len(event.constitution.rules), 'rule')}): {reason}"
