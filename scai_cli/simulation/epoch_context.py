"""What everybody on stage shares while one version of a constitution is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.messages import AgentRole, Message
from scai_cli.runs.events import Event
from scai_cli.simulation.agent import Agent, model_name, unvaried
from scai_cli.simulation.prompts import Prompts
from scai_cli.values import draw

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Agents:
    """The speakers of an experiment with their prompts."""

    config: ExperimentConfig
    prompts: Prompts
    assistant: Agent
    user: Agent
    meta: Agent
    own: Mapping[str, Agent] = field(default_factory=dict)
    """Persona id -> the speaker of a persona with a model of its own, or that a real person plays."""
    judge: Agent | None = None
    """Says whether the users stayed themselves."""

    def agent_for(self, persona: Persona) -> Agent:
        """Who plays a persona: the speaker of its own model, or that of all users."""
        return self.own.get(persona.id, self.user)

    @property
    def models(self) -> dict[str, str]:
        """Role -> model; `user/PERSONA` -> model for a persona with a model of its own."""
        agents_by_role = {"assistant": self.assistant, "user": self.user, "meta": self.meta}
        agents_by_role.update((f"user/{name}", agent) for name, agent in self.own.items())
        if self.judge is not None:
            agents_by_role["judge"] = self.judge
        return {name: model_name(agent.config) for name, agent in agents_by_role.items()}


def build_agents(config: ExperimentConfig, agent: Callable[[AgentRole, ModelSettings], Agent]) -> Agents:
    """The company of an experiment, each speaker made for its role and model."""
    own = {p.id: agent("user", config.model_of(p)) for p in config.personas.inline if p.has_own_agent}
    assistant, user, meta = (agent(role, config.model_for(role)) for role in ("assistant", "user", "meta"))
    judge = agent("meta", config.judge) if config.judge is not None else None
    return Agents(config, Prompts(config), assistant, user, meta, own, judge)


@dataclass(frozen=True, slots=True)
class EpochContext:
    """One constitution, played by a company for a group of users with some tasks.

    `place` is the id under which everything happens, e.g. `e2`.
    """

    agents: Agents
    place: str
    epoch: int
    constitution: Constitution
    personas: Sequence[Persona]
    tasks: Sequence[Task]
    emit: Emit

    def system(self, persona: Persona) -> Message:
        """The assistant's system message for one user."""
        return Message("system", self.agents.prompts.system_message(self.constitution, persona.id))

    def cross_raters(self, conversation_id: str, persona: Persona) -> Sequence[Persona]:
        """Who rates an answer given to `persona`: the others, or `cross_raters` of them drawn with the seed."""
        others = [other for other in self.personas if other.id != persona.id]
        ratings, seed = self.agents.config.ratings, self.agents.config.seed
        wanted = None if ratings.cross_raters == "all" else ratings.cross_raters
        return draw(others, wanted, f"{seed}/{unvaried(conversation_id)}/cross")
