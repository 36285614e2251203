"""Count the calls of a generated set, and estimate its tokens, cost and time, without making any call."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from scai_cli.datasets.generate.criterion import criteria_for
from scai_cli.datasets.generate.row_plan import sizes, turn_of
from scai_cli.experiment.generate_settings import RED_TEAM
from scai_cli.experiment.item_files import without_tasks
from scai_cli.jobs.generate_estimate import Estimate, estimate
from scai_cli.jobs.generate_source import (
    GenerateOptions,
    GenerateSource,
    by_turns,
    check_source,
    doubts,
    row_settings,
    wanted_tasks,
)
from scai_cli.jobs.plan import tokens_of
from scai_cli.messages import Usage


@dataclass(frozen=True, slots=True)
class GeneratePlan:
    """The rows of a set and its calls by purpose; `total_with_votes` is for endpoints without log-probabilities."""

    rows: int
    """The number of rows, of a shard those that it has."""
    tasks: int
    users: int
    """The number of personas who take turns as users; 0 if rows have no user."""
    calls: Mapping[str, int]
    total: int
    total_with_votes: int
    estimate: Estimate
    doubts: Sequence[str] = ()
    """Warnings, for people."""

    def as_object(self) -> dict[str, Any]:
        """Return the object of `scai generate --dry-run --json`."""
        shown, found = asdict(self), self.estimate
        shown["calls"]["total"] = shown.pop("total")
        del shown["estimate"], shown["doubts"]
        return {
            **shown,
            "tokens": tokens_of(sum(found.usage.values(), Usage())),
            "usd": found.usd,
            "by_purpose": {purpose: tokens_of(used) for purpose, used in found.usage.items()},
            "seconds": found.seconds,
        }


def plan_generate(source: GenerateSource, options: GenerateOptions) -> GeneratePlan:
    """Count the calls of a set, without retries, and estimate the rest; raises ConfigError if it cannot be started."""
    check_source(source, options)
    settings, personas, turns = source.config.generate, len(source.config.train_personas), by_turns(source)
    kinds = bytes(task.kind == RED_TEAM for task in wanted_tasks(options, source))
    if not kinds:
        raise without_tasks(options.tasks)
    numbers = row_settings(source, options, len(kinds)).numbers
    answers = steps = rated = pairs = 0
    for (is_red_team, persona), count in _shapes(source, kinds, numbers).items():
        has_criteria = bool(criteria_for(source.criteria, persona))
        step, first = sizes(settings, RED_TEAM if is_red_team else "", has_criteria=has_criteria)
        answers += count * (first + settings.final)
        steps += count * step
        rated += count * (first + bool(step) + settings.final)
        pairs += count * has_criteria * (bool(step) + settings.final + first * (first - 1) // 2)
    rated, pairs = rated * settings.by_users, pairs * settings.by_model
    calls = {
        "answer": answers,
        "critique": steps,
        "revision": steps,
        "feedback": rated if turns else 0,
        "cross_rating": rated * min(settings.raters, personas - turns if personas else 0),
        # The one call tries whether the endpoint gives log-probabilities.
        "comparison": 2 * pairs + (1 if pairs else 0),
    }
    total = sum(calls.values())
    votes = 2 * pairs * (settings.votes - 1)
    found = estimate(source, options, calls, len(numbers))
    doubtful = tuple(doubts(settings, source.learned, has_turns=turns, has_red_team=any(kinds)))
    users = personas if turns else 0
    return GeneratePlan(len(numbers), len(kinds), users, calls, total, total + votes, found, doubtful)


def _shapes(source: GenerateSource, kinds: bytes, rows: range) -> Counter[tuple[int, str | None]]:
    """Count the rows by whether their task is of kind `red-team` (1 in `kinds`), and by their user."""
    people = [persona.id for persona in source.config.train_personas] if by_turns(source) else [None]
    tasks = len(kinds)
    # Among tasks x people rows in a row each pair occurs once.
    rounds, rest = divmod(len(rows), tasks * len(people))
    shapes = Counter((kinds[row % tasks], people[turn_of(row, tasks, len(people))]) for row in rows[:rest])
    for kind, person in product(set(kinds), people):
        shapes[kind, person] += rounds * kinds.count(kind)
    return shapes
