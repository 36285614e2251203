"""A conversation in progress: its messages and the ratings of its answers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from scai_cli.errors import CallFailed
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
    errors: list[CallFailed] = field(default_factory=list)
    """The failed calls."""
    unread: bool = False
    """Whether an own rating could not be read: all events from its message on are withheld."""
    withheld: list[Problem | Rated | MessageSaid] = field(default_factory=list)
    """Failed calls, answers that could not be read, the ratings missing because of them, and the events after them.

    Emitted at the end of the epoch: a run that stops before it can make these calls again with other settings.
    """

    def tell(self, event: Rated | MessageSaid, emit: Callable[[Rated | MessageSaid], None]) -> None:
        """Emit an event, or withhold it until the end of the epoch."""
        withhold = self.unread or (isinstance(event, Rated) and event.value is None)
        (self.withheld.append if withhold else emit)(event)

    @property
    def next_id(self) -> str:
        """The id of the next message."""
        return f"{self.id}/m{len(self.messages)}"

    @property
    def opening(self) -> str:
        """The first message, or the task's text if there is none yet."""
        return self.messages[0].content if self.messages else self.task.prompt

    @property
    def final_answer(self) -> MessageSaid | None:
        """The assistant's last answer, or None."""
        return next((message for message in reversed(self.messages) if message.role == "assistant"), None)
