"""Count the calls of a generated set, and estimate its tokens, cost and time, without making any call."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scai_cli.jobs.generate_estimate import Estimate, estimate
from scai_cli.jobs.generate_source import (
    GenerateOptions,
    by_turns,
    check_source,
    names_file,
    read_source,
    wanted_tasks,
)
from scai_cli.jobs.plan import tokens_of
from scai_cli.messages import Usage
from scai_cli.runs.find import find_run
from scai_cli.runs.locked_folder import CALLS


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
    estimate: Estimate

    def as_object(self) -> dict[str, Any]:
        """Return the object of `scai generate --dry-run --json`."""
        shown, found = asdict(self), self.estimate
        shown["calls"]["total"] = shown.pop("total")
        del shown["estimate"]
        return {
            **shown,
            "tokens": tokens_of(sum(found.usage.values(), Usage())),
            "usd": found.usd,
            "by_purpose": {purpose: tokens_of(used) for purpose, used in found.usage.items()},
            "seconds": found.seconds,
        }


def plan_generate(options: GenerateOptions, runs: Path) -> GeneratePlan:
    """Count the calls of a set, without retries, and estimate the rest.

    Raises ConfigError and RunError if it cannot be started.
    """
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
    log = None if names_file(options.source, runs) else find_run(runs, options.source) / CALLS
    found = estimate(source, options, calls, rows, log)
    return GeneratePlan(rows, tasks, personas if turns else 0, calls, total, total + votes, found)
