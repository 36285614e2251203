"""A conversation in progress: its messages and the ratings of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import MessageSaid, Problem, Rated


@dataclass(slots=True)
class Conversation:
    """The conversation of one persona about one task; `id` is its position, e.g. `e1/farmer/dinner`."""

    id: str
    epoch: int
    persona: Persona
    task: Task
    messages: list[MessageSaid] = field(default_factory=list)
    ratings: list[Rated] = field(default_factory=list)
    withheld: list[Problem | Rated] = field(default_factory=list)
    """Failed calls, and the ratings missing because of them.

    Emitted at the end of the epoch: a run that is resumed before it repeats these calls.
    """

    @property
    def next_id(self) -> str:
        """The id of the next message."""
        return f"{self.id}/m{len(self.messages)}"

    @property
    def final_answer(self) -> MessageSaid | None:
        """The assistant's last answer, or None."""
        return next((message for message in reversed(self.messages) if message.role == "assistant"), None)
