"""The selection of a part of a run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """The filters of `scai show`; None selects everything."""

    epoch: int | None = None
    persona: str | None = None
    task: str | None = None

    def has(self, persona: str, task: str) -> bool:
        """Return whether the conversation of a persona about a task is selected."""
        return self.persona in (None, persona) and self.task in (None, task)
