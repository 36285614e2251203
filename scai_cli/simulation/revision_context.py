"""The input of strategies and acceptance rules: one epoch with its conversations and utilities."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.yaml_source import YamlSource, explain
from scai_cli.runs.records import Candidate, RatifiedRule
from scai_cli.simulation.epoch_context import Agents, EpochContext
from scai_cli.simulation.outcome import Outcome
from scai_cli.simulation.prompts import NotApproved
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import EpochUtilities

Options = TypeVar("Options", bound=BaseModel)
OptionsKey = Literal["strategy_options", "acceptance_options"]


@dataclass(frozen=True, slots=True)
class RevisionContext:
    """The conversations and utilities of an epoch, and earlier ones; `id` begins the ids of a revision's calls."""

    config: ExperimentConfig
    epoch_context: EpochContext
    id: str
    conversations: Sequence[Conversation]
    """The whole ones; of a large epoch some, drawn evenly by persona (`kept_conversations`)."""
    outcomes: Sequence[Outcome]
    """Those of all conversations."""
    utilities: EpochUtilities
    past: Sequence[Sequence[Conversation]] = ()
    """The conversations of earlier epochs, oldest first, as many epochs as `revision.memory` asks for."""
    not_approved: Sequence[NotApproved] = ()
    """Rules that the users did not approve in earlier epochs."""
    dev: frozenset[str] = frozenset()
    """The people on whom a revision is tried; the meta model does not read their conversations."""
    dropped: Sequence[int] = ()
    """The numbers of heard conversations that were not kept, of as many earlier epochs and of this one, oldest first.
    """

    @property
    def heard(self) -> Sequence[Conversation]:
        """The conversations that the meta model reads, without ratings by people who are set aside."""
        if not self.dev:
            return self.conversations
        others = (c for c in self.conversations if c.persona.id not in self.dev)
        return [replace(c, ratings=[r for r in c.ratings if r.rater not in self.dev]) for c in others]

    def cited(self, evidence: Iterable[str]) -> tuple[str, ...]:
        """Return the users whose messages or ratings are among the evidence; an answer counts for its user."""
        read = [c for episode in (*self.past, self.conversations) for c in episode]
        authors = {message.id: c.persona.id for c in read for message in c.messages}
        authors |= {rating.id: rating.rater for c in read for rating in c.ratings}
        return tuple(dict.fromkeys(authors[event_id] for event_id in evidence if event_id in authors))

    def options(self, model: type[Options], key: OptionsKey | None = None) -> Options:
        """Read the keys of a strategy or an acceptance rule with its pydantic model.

        Built-in ones have their keys in `revision`, third parties in the mapping `key` there. Raises ConfigError with
        the key.
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
        """The constitution of the epoch."""
        return self.epoch_context.constitution


@dataclass(frozen=True, slots=True)
class AcceptanceResult:
    """The decision of an acceptance rule: the candidate to adopt, or None to keep the constitution."""

    adopted: Candidate | None
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    """Candidate id -> scores."""
    ballots: Mapping[str, int] = field(default_factory=dict)
    """Number of `answers` to a ballot, of `unreadable` ones and of each mark."""
    ratified: tuple[RatifiedRule, ...] = ()
    """The rules on the ballot, with what became of them."""


Strategy = Callable[[RevisionContext], Awaitable[Sequence[Candidate]]]
Acceptance = Callable[[RevisionContext, Sequence[Candidate]], Awaitable[AcceptanceResult]]
