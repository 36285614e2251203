"""The input of strategies and acceptance rules: one epoch with its conversations and utilities."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.yaml_source import YamlSource, explain
from scai_cli.runs.events import Candidate
from scai_cli.simulation.epoch_context import Agents, EpochContext
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import EpochUtilities

Options = TypeVar("Options", bound=BaseModel)
OptionsKey = Literal["strategy_options", "acceptance_options"]


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

    def options(self, model: type[Options], key: OptionsKey | None = None) -> Options:
        """Read the keys that a strategy or an acceptance rule needs, by a pydantic model of its own.

        A built-in one has its keys in `revision`, a third party's are in the mapping `key` there. Raises ConfigError
        that names the key.
        """
        if key is None:
            return model.model_validate(self.config.revision, from_attributes=True)
        values = getattr(self.config.revision, key)
        try:
            return model.model_validate(values)
        except ValidationError as error:
            source = YamlSource("config.yaml", values, lines={})
            raise explain(error, source, model, ("revision", key)) from None

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
