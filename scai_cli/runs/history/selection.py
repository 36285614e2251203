"""The part of a run that is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """The filters of `scai show`; None lets everything through."""

    epoch: int | None = None
    persona: str | None = None
    task: str | None = None

    def has(self, persona: str, task: str) -> bool:
        """Return whether conversations of a persona about a task are let through."""
        return self.persona in (None, persona) and self.task in (None, task)
