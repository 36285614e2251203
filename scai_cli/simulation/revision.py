"""What the meta-prompt decides from: an epoch as it was played."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.events import Candidate
from scai_cli.simulation.epoch_context import Agents, EpochContext
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import EpochUtilities


@dataclass(frozen=True, slots=True)
class RevisionContext:
    """The end of an epoch: what was played on the stage, how content everybody was, and the epochs before.

    `place` is the id under which a strategy and an acceptance rule make their calls.
    """

    epoch_context: EpochContext
    place: str
    conversations: Sequence[Conversation]
    utilities: EpochUtilities
    past: Sequence[Sequence[Conversation]] = ()
    """The conversations of the epochs before, the oldest first, as far as they are remembered."""

    @property
    def agents(self) -> Agents:
        """The speakers."""
        return self.epoch_context.agents

    @property
    def config(self) -> ExperimentConfig:
        """The experiment."""
        return self.epoch_context.agents.config

    @property
    def constitution(self) -> Constitution:
        """The constitution that was in force."""
        return self.epoch_context.constitution


@dataclass(frozen=True, slots=True)
class AcceptanceResult:
    """What an acceptance rule decided: the candidate to adopt, or None to keep what is."""

    adopted: Candidate | None
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    """Candidate id -> what was measured."""


Strategy = Callable[[RevisionContext], Awaitable[Sequence[Candidate]]]
Acceptance = Callable[[RevisionContext, Sequence[Candidate]], Awaitable[AcceptanceResult]]
