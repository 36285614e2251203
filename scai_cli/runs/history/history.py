"""The history of a run, finished or not: its epochs, status and product."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from scai_cli.errors import RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.load import load_saved
from scai_cli.runs import events
from scai_cli.runs.file_names import CONFIG
from scai_cli.runs.history.answers import AnswerCounts
from scai_cli.runs.history.ballots import Approvals
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating
from scai_cli.runs.history.ratings import RatingIndex
from scai_cli.runs.history.status import Status


@dataclass(slots=True)
class Epoch:
    """One epoch: the constitution in force, the messages and ratings under it, and the revision at its end."""

    number: int
    constitution: Constitution
    system_message: str
    personas: tuple[str, ...]
    tasks: tuple[str, ...]
    is_product: bool = False
    """Whether it plays the product after the last revision and has none itself."""
    conversations: dict[str, list[CompactMessage]] = field(default_factory=dict)
    """Conversation id -> its messages in order."""
    ratings: list[CompactRating] = field(default_factory=list)
    welfare: events.WelfareMeasured | None = None
    revision: events.Revised | None = None
    problems: list[events.Problem] = field(default_factory=list)


@dataclass
class History:
    """The history of a run, finished or not; `epochs` may be empty, and the last one may play the product."""

    path: Path
    status: Status
    started: events.RunStarted | None = None
    started_at: str | None = None
    epochs: list[Epoch] = field(default_factory=list)
    known_versions: dict[int, tuple[Constitution, str]] = field(default_factory=dict)
    """What `versions` returns."""
    rating_index: RatingIndex = field(default_factory=RatingIndex)
    """Sums of all ratings, including those that `Epoch.ratings` leaves out."""
    answers: AnswerCounts = field(default_factory=AnswerCounts)
    """How all answers came out, including those that `Epoch.conversations` leaves out."""
    approvals: Approvals = field(default_factory=Approvals)
    """Who approves which of the rules that were put to a ballot."""
    holdout: events.HoldoutCompared | None = None
    """The comparison of the first and the last constitution on held-out users and tasks."""
    rater_check: events.RatersChecked | None = None
    """Whether the users' models can tell good answers from bad ones; None in old runs and simulated ones."""
    finished: events.RunFinished | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """The end of the last session: `status`, `reason`, `calls`, `usage`, `wall_s`; empty if it was killed."""

    @property
    def run_id(self) -> str:
        """The run's id, the name of its directory."""
        return self.path.name

    @cached_property
    def config(self) -> ExperimentConfig:
        """The resolved experiment."""
        return load_saved(self.path / CONFIG)

    @property
    def names(self) -> Mapping[str, str]:
        """Persona id -> name, for namesakes with the id behind it."""
        return self.started.names if self.started else {}

    @property
    def measured(self) -> list[events.WelfareMeasured]:
        """The measurements of the completed epochs."""
        return [epoch.welfare for epoch in self.epochs if epoch.welfare is not None]

    @property
    def epochs_done(self) -> int:
        """The number of completed epochs, of those planned."""
        return sum(epoch.welfare is not None and not epoch.is_product for epoch in self.epochs)

    @property
    def product_epoch(self) -> Epoch | None:
        """The epoch that plays the product after the last revision, or None."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.is_product), None)

    @property
    def product(self) -> tuple[Constitution, str]:
        """The product with its system message; for an unfinished run, the current constitution."""
        if self.finished is not None:
            return self.known_versions[self.finished.version]
        for epoch in reversed(self.epochs):
            if epoch.revision is not None:
                return epoch.revision.constitution, epoch.revision.system_message
        if self.started is None:
            raise RunError(f"run {self.run_id!r} has no events yet; wait, or run `scai resume {self.run_id}`")
        return self.started.constitution, self.started.system_message

    def after(self, epoch: int) -> Constitution:
        """Return the constitution after the revision of an epoch, of 0 the first; raises RunError if there is none."""
        versions = {each.number: each.revision.constitution for each in self.epochs if each.revision is not None}
        versions |= {0: self.started.constitution} if self.started else {}
        if epoch not in versions:
            last = max(versions, default=0)
            raise RunError(f"run {self.run_id!r} has no revision after epoch {epoch}; its last is after {last}")
        return versions[epoch]

    def chosen(self, number: int | None) -> list[Epoch]:
        """Return the epoch with this number, or all epochs for None; raises RunError if there is none."""
        epochs = [epoch for epoch in self.epochs if number in (None, epoch.number)]
        if number is not None and not epochs:
            raise RunError(f"run {self.run_id!r} has no epoch {number}; it has {len(self.epochs)}")
        return epochs

    def versions(self) -> dict[int, tuple[Constitution, str]]:
        """Return the versions of the constitution with their system messages: number -> both."""
        return dict(self.known_versions)
