"""The agents of an experiment, and the data that all conversations of an epoch share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from scai_cli.errors import CallFailed, PromptRefused
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.tasks import Task
from scai_cli.messages import AgentRole, Message
from scai_cli.runs.events import Event, MessageSaid, Problem
from scai_cli.simulation.agent import Agent, without_variants
from scai_cli.simulation.dialogue_lines import FEEDBACK, lines_of, rating_call
from scai_cli.simulation.observed import Measures
from scai_cli.simulation.people import People
from scai_cli.simulation.prompts import Prompts

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents of one experiment, their prompts and the settings of their conversations."""

    prompts: Prompts
    assistant: Agent
    user: Agent
    meta: Agent
    own: Mapping[str, Agent]
    """Persona id -> agent, for personas with their own model or played by a real person."""
    judge: Agent
    """Judges answers; the assistant, unless the judge has a model of its own."""
    rater: Agent | None
    """Rates in the place of the simulated people; None if they rate themselves."""
    seed: int
    dialogue: str
    """The name of the dialogue."""
    messages: int
    """The most messages of a conversation: the last one is the reply to the final answer."""
    endings: frozenset[int]
    """The numbers of messages with which a conversation may end."""
    checks_raters: bool
    """Whether the users rate by the prompt that the check of raters uses."""
    turns: int
    opening: Literal["task", "own_words"]
    ratings: Ratings
    measures: Measures
    """What programs measure in the answers."""
    max_failures: float
    """The share of an epoch's conversations that may fail."""
    force: bool | Literal["all"]
    """Whether the run continues although its raters failed the check; `all`, or its answers cannot be read."""
    concurrency: int
    """The maximal number of concurrent calls to one endpoint."""

    def agent_for(self, persona: Persona) -> Agent:
        """Return the agent of a persona: its own, or the shared one."""
        return self.own.get(persona.id, self.user)

    def rater_for(self, persona: Persona) -> Agent:
        """Return the agent that rates and votes in the place of a persona: a real person itself."""
        return self.agent_for(persona) if self.rater is None or persona.human else self.rater

    @property
    def raters(self) -> Sequence[Agent]:
        """Every distinct agent that may rate, without real people if there is a rater."""
        agents = (self.user, *self.own.values()) if self.rater is None else (self.rater,)
        return list({agent.config.model_dump_json(): agent for agent in agents}.values())

    @property
    def models(self) -> dict[str, str]:
        """Role -> model; `user/PERSONA` -> model for a persona with its own model; `rater` if there is one."""
        agents_by_role = {"assistant": self.assistant, "user": self.user, "meta": self.meta}
        agents_by_role.update((f"user/{name}", agent) for name, agent in self.own.items())
        agents_by_role.update({} if self.rater is None else {"rater": self.rater})
        return {name: agent.config.label for name, agent in agents_by_role.items()}


def build_agents(config: ExperimentConfig, agent: Callable[[AgentRole, ModelSettings], Agent]) -> Agents:
    """Build the agents of an experiment; `agent` creates one from its role and model."""
    assistant, lines = agent("assistant", config.model_for("assistant")), lines_of(config)
    return Agents(
        prompts=Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline, config.revision),
        assistant=assistant,
        user=agent("user", config.model_for("user")),
        meta=agent("meta", config.model_for("meta")),
        own={p.id: agent("user", config.model_of(p)) for p in config.personas.inline if p.has_own_agent},
        judge=agent("meta", config.model_for("judge")) if config.has_judge else assistant,
        rater=agent("user", config.model_for("rater")) if config.has_rater else None,
        seed=config.seed,
        dialogue=config.dialogue,
        messages=len(lines),
        endings=frozenset(n for n, line in enumerate(lines, 1) if line.may_end or n == len(lines)),
        checks_raters=rating_call(lines) == FEEDBACK,
        turns=config.turns,
        opening=config.opening,
        ratings=config.ratings,
        measures=Measures.of(config),
        max_failures=config.max_failures,
        force=config.force,
        concurrency=config.calls_at_once,
    )


@dataclass(frozen=True, slots=True)
class EpochContext:
    """One constitution with its agents, users and tasks; `id` (`e2`) is the first part of the ids of all events."""

    agents: Agents
    id: str
    epoch: int
    constitution: Constitution
    personas: Sequence[Persona]
    tasks: Sequence[Task]
    emit: Emit
    settled: bool = False
    """Whether an earlier session has written its revision; it is then not judged again."""
    openings: Mapping[tuple[str, str], MessageSaid] = field(default_factory=dict)
    """(Persona id, task id) -> the opening of the conversation that one of this context is compared with."""
    same_system: Sequence[Message] | None = None
    """The system message of every user, in a list that may be empty, in place of the constitution's."""
    people: People = field(init=False, repr=False, compare=False)
    """The personas, to find single ones."""

    def __post_init__(self) -> None:
        """Prepare the look-ups."""
        object.__setattr__(self, "people", People(self.personas))

    def system(self, persona: Persona) -> Sequence[Message]:
        """Return the assistant's system message for one user, in a list."""
        if self.same_system is not None:
            return self.same_system
        return [Message("system", self.agents.prompts.system_message(self.constitution, persona.id))]

    def problem(self, error: CallFailed, where: str) -> Problem:
        """Return the event for a failed call; `where` is the id of the omitted call or conversation."""
        refused = isinstance(error, PromptRefused)
        return Problem(id=error.call, epoch=self.epoch, where=where, problem=str(error), refused=refused)

    def cross_raters(self, conversation_id: str, persona: Persona) -> Sequence[Persona]:
        """Return the cross raters of an answer to `persona`: all others, or `cross_raters` drawn with the seed."""
        wanted = self.agents.ratings.cross_raters
        # The trial of a candidate draws the same raters as the epoch that it is compared with.
        seed = f"{self.agents.seed}/{without_variants(conversation_id)}/cross"
        return self.people.others(persona, None if wanted == "all" else wanted, seed)
