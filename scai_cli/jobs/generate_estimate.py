"""Estimate the tokens, cost and time of a generated set: rehearse its first rows on the simulated model.

Prompts are those of the set; answers have the lengths of `simulation.rehearsal`. The time is known where the models
were called before, in the run that the set comes from.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from scai_cli.concurrency import together
from scai_cli.datasets.generate.make_row import RowContext, make_row
from scai_cli.datasets.generate.manifest import TaskList
from scai_cli.datasets.generate.row_plan import row_plan
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.generate_settings import RED_TEAM
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.endpoint_gates import EndpointKey, RoleModel, key_of
from scai_cli.jobs.generate import manifest_of
from scai_cli.jobs.generate_source import GenerateOptions, GenerateSource, wanted_tasks
from scai_cli.jobs.plan import cost_of
from scai_cli.messages import AgentRole, Usage
from scai_cli.runs.call_index import paid_calls
from scai_cli.runs.locked_folder import CALLS
from scai_cli.simulation.people import People
from scai_cli.simulation.rehearsal import Rehearsal, rehearsed_agents

_REHEARSED: Final = 20
"""The most rows to rehearse about red-team tasks, which may take other calls, and about others."""
_LOOKED_AT: Final = 20_000
"""The tasks that are looked through for both."""
_TIMED: Final = 5_000
"""The calls of a run that tell its pace."""

_SIMULATED: Final = 0.001
"""The seconds of a call to the simulated model, which computes one at a time."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected tokens of a set by purpose, its cost and its time."""

    usage: Mapping[str, Usage]
    usd: float | None
    """None if a price is unknown."""
    seconds: float | None
    """None if the pace of a model is unknown."""
    least_seconds: float
    """The time that the limits per minute need; 0 without limits."""


@dataclass(frozen=True, slots=True)
class _Use:
    """Calls of one purpose to one model, and their tokens."""

    purpose: str
    role: AgentRole
    model: str
    calls: float
    usage: Usage


def estimate(source: GenerateSource, options: GenerateOptions, calls: Mapping[str, int], rows: int) -> Estimate:
    """Estimate a set with this number of calls by purpose."""
    config = source.config
    uses = list(_scaled(_rehearse(source, options), calls))
    usage = {purpose: Usage() for purpose, count in calls.items() if count}
    by_model: defaultdict[RoleModel, Usage] = defaultdict(Usage)
    for use in uses:
        usage[use.purpose] += use.usage
        by_model[use.role, use.model] += use.usage
    is_simulated = all(model.provider == "simulated" for _, model in config.models())
    seconds = _SIMULATED * sum(calls.values()) if is_simulated else _seconds(config, uses, rows, source.run)
    least = _least_seconds(config, uses)
    return Estimate(usage, cost_of(config, by_model), None if seconds is None else max(seconds, least), least)


def _rehearse(source: GenerateSource, options: GenerateOptions) -> Rehearsal:
    """Make the first rows about red-team and other tasks on the simulated model."""
    tasks = list(_first_of_both(options, source))
    options, few = replace(options, rows=None), TaskList(name="", count=len(tasks), sha256="")
    manifest = manifest_of(source, options, "rehearsal", few)
    rehearsal, agents = rehearsed_agents(source.config)
    context = RowContext.of(agents, manifest)
    people = People(source.config.train_personas)
    plans = [row_plan(manifest, people, number, task) for number, task in enumerate(tasks)]
    asyncio.run(together(make_row(context, plan) for plan in plans))
    return rehearsal


def _first_of_both(options: GenerateOptions, source: GenerateSource) -> Iterator[Task]:
    seen: Counter[bool] = Counter()
    for task in islice(wanted_tasks(options, source), _LOOKED_AT):
        is_red_team = task.kind == RED_TEAM
        if seen[is_red_team] < _REHEARSED:
            seen[is_red_team] += 1
            yield task


def _scaled(rehearsal: Rehearsal, calls: Mapping[str, int]) -> Iterator[_Use]:
    """Scale the rehearsed tokens to the calls; a purpose that was not reached counts as its other calls on average."""
    rehearsed = [_Use(purpose, role, model, *use) for (role, purpose, model), use in rehearsal.counts.items()]
    for purpose, wanted in ((purpose, count) for purpose, count in calls.items() if count):
        found = [use for use in rehearsed if use.purpose == purpose] or rehearsed
        scale = wanted / sum(use.calls for use in found)
        for use in found:
            used = Usage(round(use.usage.input_tokens * scale), round(use.usage.output_tokens * scale))
            yield _Use(purpose, use.role, use.model, use.calls * scale, used)


def _seconds(config: ExperimentConfig, uses: Sequence[_Use], rows: int, run: Path | None) -> float | None:
    """Return the time at the pace of a run's calls; None without a run, in batches, or for a model new to it."""
    timed: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for call in islice(paid_calls(run / CALLS) if run else (), _TIMED):
        if call.usage is not None and call.latency_s is not None:
            timed[call.model][0] += call.latency_s
            timed[call.model][1] += call.usage.output_tokens
    pace = {model: seconds / tokens for model, (seconds, tokens) in timed.items() if tokens}
    pace |= {model.label: 0.0 for _, model in config.models() if model.provider == "simulated"}
    if any(model.batch for _, model in config.models()) or any(use.model not in pace for use in uses):
        return None
    # A row waits for most of its calls one after another.
    return sum(use.usage.output_tokens * pace[use.model] for use in uses) / min(config.calls_at_once, rows)


def _least_seconds(config: ExperimentConfig, uses: Sequence[_Use]) -> float:
    """Return the time that the limits of calls and tokens per minute need; the models of an endpoint share them."""
    models = {(role, model.label): model for role, model in config.models()}
    load: defaultdict[EndpointKey, list[float]] = defaultdict(lambda: [0.0, 0.0])
    least = 0.0
    for use in uses:
        model = models[use.role, use.model]
        total = load[key_of(model)]
        total[0] += use.calls
        total[1] += use.usage.total
        limits = (
            model.requests_per_minute or config.limits.requests_per_minute,
            model.tokens_per_minute or config.limits.tokens_per_minute,
        )
        least = max(least, *(60 * amount / limit for amount, limit in zip(total, limits, strict=True) if limit), 0.0)
    return least
