"""Which part of a run is shown or exported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """The filters of `scai show` and `scai export`; None lets everything through.

    `system` is `drop` (the trained model is to behave so without being told), `keep` (rows begin with the constitution
    that was in force), or the text that rows are to begin with.
    """

    min_rating: float | None = None
    epoch: int | None = None
    persona: str | None = None
    task: str | None = None
    system: str = "drop"

    def has(self, persona: str, task: str) -> bool:
        """Whether conversations of a persona about a task are let through."""
        return self.persona in (None, persona) and self.task in (None, task)
