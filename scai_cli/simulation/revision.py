"""What the meta-prompt decides from: an epoch as it was played."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.events import Candidate
from scai_cli.simulation.epoch_context import Company, Stage
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import Contentment


@dataclass(frozen=True, slots=True)
class Occasion:
    """The end of an epoch: what was played on the stage, how content everybody was, and the epochs before.

    `place` is the id under which a strategy and an acceptance rule make their calls.
    """

    stage: Stage
    place: str
    conversations: Sequence[Conversation]
    content: Contentment
    past: Sequence[Sequence[Conversation]] = ()
    """The conversations of the epochs before, the oldest first, as far as they are remembered."""

    @property
    def company(self) -> Company:
        """The speakers."""
        return self.stage.company

    @property
    def config(self) -> ExperimentConfig:
        """The experiment."""
        return self.stage.company.config

    @property
    def constitution(self) -> Constitution:
        """The constitution that was in force."""
        return self.stage.constitution


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an acceptance rule decided: the candidate to adopt, or None to keep what is."""

    adopted: Candidate | None
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    """Candidate id -> what was measured."""


Strategy = Callable[[Occasion], Awaitable[Sequence[Candidate]]]
Acceptance = Callable[[Occasion, Sequence[Candidate]], Awaitable[Verdict]]
