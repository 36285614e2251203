"""What a generated set would take: its calls, counted without making any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scai_cli.jobs.generate_source import GenerateOptions, by_turns, check, read_source, wanted_tasks


@dataclass(frozen=True, slots=True)
class GeneratePlan:
    """Rows and calls by what they are for; comparisons are more where the endpoint tells no log-probabilities."""

    rows: int
    tasks: int
    users: int
    """Personas who take turns; 0 where rows have no user."""
    calls: Mapping[str, int]
    comparisons_by_votes: int

    @property
    def total(self) -> int:
        """All calls, but for retries."""
        return sum(self.calls.values())

    @property
    def most(self) -> int:
        """All calls where the judge's votes are counted."""
        return self.total - self.calls["comparison"] + self.comparisons_by_votes

    def as_object(self) -> dict[str, Any]:
        """What `scai generate --dry-run --json` prints."""
        return {
            "rows": self.rows,
            "tasks": self.tasks,
            "users": self.users,
            "calls": {**self.calls, "total": self.total},
            "total_with_votes": self.most,
        }


def plan_generate(wish: GenerateOptions, runs: Path) -> GeneratePlan:
    """Count the calls of a set; raises ConfigError and RunError for what would keep it from beginning."""
    source = read_source(wish, runs)
    check(source, wish)
    settings, cast, turns = source.config.generate, source.config.train_personas, by_turns(source)
    tasks = sum(1 for _ in wanted_tasks(wish, source))
    rows = tasks if wish.n is None else wish.n
    rated = (3 if settings.k else 2) if settings.by_users else 0
    pairs = (2 if settings.k else 1) if settings.by_model else 0
    probe = 1 if pairs else 0
    calls = {
        "answer": 2 * rows,
        "critique": settings.k * rows,
        "revision": settings.k * rows,
        "feedback": rated * rows if turns else 0,
        "cross_rating": rated * rows * min(settings.raters, len(cast) - turns if cast else 0),
        "comparison": 2 * pairs * rows + probe,
    }
    return GeneratePlan(rows, tasks, len(cast) if turns else 0, calls, 2 * pairs * rows * settings.votes + probe)
