"""Play one run of the engine, in memory, until its budget of calls is used."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from benchmarks.regret.societies import PLAYED, Society
from scai_cli.errors import LimitReached
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.messages import ChatRequest, Completion
from scai_cli.models.base import ChatModel
from scai_cli.models.simulated import connect
from scai_cli.runs.events import Event, Revised, WelfareMeasured
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.engine import simulate
from scai_cli.simulation.epoch_context import build_agents

EPOCHS = 12
"""The epochs of `rewrite` + `always` that determine the budget of a society."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The product of a run, its calls, and its numbers of epochs and adopted revisions."""

    product: Constitution
    calls: int
    epochs: int
    adopted: int


def budget(society: Society) -> int:
    """Return the number of calls that a run in this society may make."""
    people = len(society.people)
    return EPOCHS * (people * len(PLAYED) * (2 + min(2, people - 1)) + 1)


def played(society: Society, revision: Mapping[str, Any], flaws: Mapping[str, float], calls: int) -> Outcome:
    """Run the engine until the calls are used; return the product at that point."""
    config = ExperimentConfig.model_validate(
        {
            "seed": society.seed,
            "epochs": 10_000,
            "turns": 1,
            "opening": "task",
            "personas": {"inline": society.people},
            "tasks": {"inline": PLAYED},
            "model": {"options": {"flaws": flaws}},
            "ratings": {"cross_raters": 2},
            "revision": revision,
        }
    )
    model = _Counted(connect(config.model, seed=config.seed), calls)
    told = _Told(best_so_far=config.revision.best_so_far)
    cast = build_agents(config, lambda role, settings: Agent(role, model, settings, config.seed))
    with suppress(LimitReached):
        asyncio.run(simulate(config, cast, told.note, run_id="run", digests={}))
    return Outcome(told.product(), model.made, told.epochs, told.adopted)


@dataclass(slots=True)
class _Counted:
    """A model that answers a number of calls and then stops the run."""

    model: ChatModel
    most: int
    made: int = 0

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer, or raise LimitReached."""
        if self.made == self.most:
            raise LimitReached("the calls are used")
        self.made += 1
        return await self.model.complete(request)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""


@dataclass(slots=True)
class _Told:
    """The product of a run so far, from its events."""

    best_so_far: bool
    last: Constitution = field(default_factory=Constitution)
    versions: dict[int, Constitution] = field(default_factory=lambda: {0: Constitution()})
    welfare: dict[int, list[float]] = field(default_factory=dict)
    epochs: int = 0
    adopted: int = 0

    def note(self, event: Event) -> None:
        """Process an event."""
        if isinstance(event, WelfareMeasured):
            self.welfare.setdefault(event.version, []).append(event.values[event.declared] or 0.0)
        elif isinstance(event, Revised):
            self.epochs += 1
            self.adopted += event.accepted
            self.last = self.versions[event.constitution.version] = event.constitution

    def product(self) -> Constitution:
        """Return the last constitution, or with `best_so_far` the one with the highest mean of the measured welfare."""
        if not self.best_so_far or not self.welfare:
            return self.last
        return self.versions[max(self.welfare, key=lambda version: fmean(self.welfare[version]))]
