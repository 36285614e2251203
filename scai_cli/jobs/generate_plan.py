"""Count the calls of a generated set, and estimate its tokens, cost and time, without making any call."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from scai_cli.datasets.generate.criterion import criteria_for
from scai_cli.experiment.generate_settings import RED_TEAM
from scai_cli.experiment.item_files import without_tasks
from scai_cli.jobs.generate_calls import RowShape, row_calls
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
    settings, turns = source.config.generate, by_turns(source)
    people = [persona.id for persona in source.config.train_personas]
    kinds = bytes(task.kind == RED_TEAM for task in wanted_tasks(options, source))
    if not kinds:
        raise without_tasks(options.tasks)
    numbers = row_settings(source, options, len(kinds)).numbers
    shape = RowShape(settings, people, turns, partial(criteria_for, source.criteria))
    calls = row_calls(shape, kinds, numbers)
    total = sum(calls.values())
    votes = (calls["comparison"] - bool(calls["comparison"])) * (settings.votes - 1)
    found = estimate(source, options, calls, len(numbers))
    doubtful = tuple(doubts(settings, source.learned, has_turns=turns, has_red_team=any(kinds)))
    users = len(people) if turns else 0
    return GeneratePlan(len(numbers), len(kinds), users, calls, total, total + votes, found, doubtful)
