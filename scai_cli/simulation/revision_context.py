"""What a strategy and an acceptance rule decide from: an epoch as it was played."""

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
    """The end of an epoch: its conversations and utilities, and the epochs before.

    `id` is the first part of the id of every call that a strategy or an acceptance rule makes.
    """

    config: ExperimentConfig
    epoch_context: EpochContext
    id: str
    conversations: Sequence[Conversation]
    utilities: EpochUtilities
    past: Sequence[Sequence[Conversation]] = ()
    """The conversations of the last epochs before this one, as many as `revision.memory` wants, the oldest first."""

    @property
    def agents(self) -> Agents:
        """The agents with their prompts."""
        return self.epoch_context.agents

    @property
    def constitution(self) -> Constitution:
        """The constitution that the epoch was played under."""
        return self.epoch_context.constitution


@dataclass(frozen=True, slots=True)
class AcceptanceResult:
    """What an acceptance rule decided: the candidate to adopt, or None to keep the constitution."""

    adopted: Candidate | None
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    """Candidate id -> what was measured."""


Strategy = Callable[[RevisionContext], Awaitable[Sequence[Candidate]]]
Acceptance = Callable[[RevisionContext, Sequence[Candidate]], Awaitable[AcceptanceResult]]
