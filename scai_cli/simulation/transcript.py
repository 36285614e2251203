"""A conversation as it is known so far: its messages and the ratings of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import MessageSaid, Problem, Rated


@dataclass(slots=True)
class Conversation:
    """One persona with one task; `id` is its position, e.g. `e1/farmer/dinner`."""

    id: str
    epoch: int
    persona: Persona
    task: Task
    messages: list[MessageSaid] = field(default_factory=list)
    ratings: list[Rated] = field(default_factory=list)
    withheld: list[Problem | Rated] = field(default_factory=list)
    """Calls that failed for good and the ratings missing for it: told once the epoch stands, since a run that stops
    and is resumed before makes these calls again."""

    @property
    def next_id(self) -> str:
        """The id of the message to come."""
        return f"{self.id}/m{len(self.messages)}"

    @property
    def final_answer(self) -> MessageSaid | None:
        """The assistant's last answer, if it got so far."""
        return next((message for message in reversed(self.messages) if message.role == "assistant"), None)
