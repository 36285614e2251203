"""Count the calls of a generated set without making any."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scai_cli.jobs.generate_source import GenerateOptions, by_turns, check_source, read_source, wanted_tasks


@dataclass(frozen=True, slots=True)
class GeneratePlan:
    """The rows of a set and its calls by purpose; `total_with_votes` is for endpoints without log-probabilities."""

    rows: int
    tasks: int
    users: int
    """The number of personas who take turns as users; 0 if rows have no user."""
    calls: Mapping[str, int]
    total: int
    total_with_votes: int

    def as_object(self) -> dict[str, Any]:
        """Return the object of `scai generate --dry-run --json`."""
        shown = asdict(self)
        shown["calls"]["total"] = shown.pop("total")
        return shown


def plan_generate(options: GenerateOptions, runs: Path) -> GeneratePlan:
    """Count the calls of a set, without retries; raises ConfigError and RunError if it cannot be started."""
    source = read_source(options, runs)
    check_source(source, options)
    settings, personas, turns = source.config.generate, len(source.config.train_personas), by_turns(source)
    tasks = sum(1 for _ in wanted_tasks(options, source))
    rows = tasks if options.n is None else options.n
    rated = (3 if settings.k else 2) if settings.by_users else 0
    pairs = (2 if settings.k else 1) if settings.by_model else 0
    calls = {
        "answer": 2 * rows,
        "critique": settings.k * rows,
        "revision": settings.k * rows,
        "feedback": rated * rows if turns else 0,
        "cross_rating": rated * rows * min(settings.raters, personas - turns if personas else 0),
        # The one call tries whether the endpoint gives log-probabilities.
        "comparison": 2 * pairs * rows + (1 if pairs else 0),
    }
    total = sum(calls.values())
    votes = 2 * pairs * rows * (settings.votes - 1)
    return GeneratePlan(rows, tasks, personas if turns else 0, calls, total, total + votes)
