"""What everybody on stage shares while one version of a constitution is played."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scai_cli.chat import Message
from scai_cli.config import ExperimentConfig
from scai_cli.constitution import Constitution
from scai_cli.events import Event
from scai_cli.personas import Persona
from scai_cli.simulation.prompts import Prompts
from scai_cli.simulation.speaker import Speaker, unvaried
from scai_cli.tasks import Task
from scai_cli.values import draw

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Company:
    """The speakers of an experiment with their prompts."""

    config: ExperimentConfig
    prompts: Prompts
    assistant: Speaker
    user: Speaker
    meta: Speaker


@dataclass(frozen=True, slots=True)
class Stage:
    """One constitution, played by a company for a group of users with some tasks.

    `place` is the id under which everything happens, e.g. `e2`.
    """

    company: Company
    place: str
    epoch: int
    constitution: Constitution
    personas: Sequence[Persona]
    tasks: Sequence[Task]
    emit: Emit

    def system(self, persona: Persona) -> Message:
        """The assistant's system message for one user."""
        return Message("system", self.company.prompts.system_message(self.constitution, persona.id))

    def cross_raters(self, conversation_id: str, persona: Persona) -> Sequence[Persona]:
        """Who rates an answer given to `persona`: the others, or `cross_raters` of them drawn with the seed."""
        others = [other for other in self.personas if other.id != persona.id]
        ratings, seed = self.company.config.ratings, self.company.config.seed
        wanted = None if ratings.cross_raters == "all" else ratings.cross_raters
        return draw(others, wanted, f"{seed}/{unvaried(conversation_id)}/cross")
