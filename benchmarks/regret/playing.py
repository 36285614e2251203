"""Play one run of the engine, in memory, until its budget of calls or tokens is used."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from pydantic import BaseModel

from benchmarks.baseline.model import Baseline
from benchmarks.regret.societies import PLAYED, Society
from scai_cli.errors import LimitReached
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.revision_settings import Revision
from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.base import ChatModel
from scai_cli.models.simulated import connect
from scai_cli.prompts.fences import fence
from scai_cli.prompts.templates import FORM
from scai_cli.runs.events import Event, MessageSaid, Revised, WelfareMeasured
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.engine import simulate
from scai_cli.simulation.epoch_context import build_agents

EPOCHS = 12
"""The epochs of the baseline that determine the budget of a society."""
BASELINE = "rewrite + always, frozen"
_FROZEN = {"strategy": "benchmarks.baseline.model:rewrite", "acceptance": "always", "clauses": "people"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The product of a run, its calls and tokens, and its numbers of epochs and adopted revisions."""

    product: Constitution
    calls: int
    tokens: int
    epochs: int
    adopted: int
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Member -> its comments of the first epoch."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The maximal calls and tokens of a run; None for no limit."""

    calls: int | None = None
    tokens: int | None = None


def calls_budget(society: Society) -> Budget:
    """Return the calls of `EPOCHS` epochs of the baseline in this society."""
    people = len(society.members)
    return Budget(calls=EPOCHS * (people * len(PLAYED) * (3 + min(2, people - 1)) + 1))


def played(society: Society, revision: Mapping[str, Any], budget: Budget, number: int = 0) -> Outcome:
    """Run the engine until the budget is used; return the product at that point. `number` seeds one of several runs."""
    config = _config(society, revision or _FROZEN, number)
    simulated: ChatModel = connect(config.model, seed=config.seed)
    model = _Counted(simulated if revision else Baseline(simulated, config.seed), budget)
    log = _Log(best_so_far=config.revision.best_so_far)
    agents = build_agents(config, lambda role, settings: Agent(role, model, settings, config.seed))
    with suppress(LimitReached):
        asyncio.run(simulate(config, agents, log.note, run_id="run", digests={}))
    return Outcome(log.product(), model.calls, model.tokens, log.epochs, log.adopted, log.remarks)


def one_shot(society: Society, number: int = 0) -> str:
    """Let the author write one constitution from all members' portraits; return its text as anybody can paste it.

    It is empty if the answer was cut off.
    """
    config = _config(society, {}, number)
    portraits = "\n\n".join(fence("persona", person.portrait(), id=person.id) for person in society.members)
    bounds = config.constitution
    prompt = (
        f"Write the best constitution for these people. At most {bounds.max_principles} principles; all rules together "
        f"take at most {bounds.max_tokens} tokens. A clause says when it holds, in words that name no person.\n\n"
        f"{portraits}\n\n{fence('constitution', '(empty)')}\n\n{_FORM}"
    )
    model = connect(config.model, seed=config.seed)
    agent = Agent("meta", model, config.model, config.seed)
    answer = asyncio.run(agent.say("one-shot", "one_shot", [Message("user", prompt)]))
    try:
        written = _Written.model_validate_json(answer.text)
    except ValueError:
        return ""
    lines = [*(rule.text for rule in written.principles)]
    lines += [f"When {rule.when}: {rule.text}" for rule in written.contract]
    return "\n".join(f"- {line}" for line in lines)


def pasted(constitution: Constitution) -> str:
    """Return a constitution as anybody could paste it today: each clause under the names of its people."""
    return constitution.render()


class _WrittenRule(BaseModel):
    """A rule of the one-shot constitution."""

    text: str
    when: str = ""


class _Written(BaseModel):
    """The one-shot constitution."""

    principles: tuple[_WrittenRule, ...]
    contract: tuple[_WrittenRule, ...]


_FORM = f"""{FORM}:
{{"critique": <your critique>, "principles": [{{"id": null, "text": <one sentence>}}, ...],
"contract": [{{"id": null, "text": <one sentence>, "when": <a condition>}}, ...]}}"""


def _config(society: Society, revision: Mapping[str, Any], number: int) -> ExperimentConfig:
    return ExperimentConfig.model_validate(
        {
            "seed": 1000 * number + society.seed,
            "epochs": _epochs(revision),
            "turns": 1,
            "personas": {"inline": society.members},
            "tasks": {"inline": PLAYED},
            "model": {"options": {"shows": society.cell.shows}},
            "ratings": {"cross_raters": 2},
            "revision": revision,
        }
    )


def _epochs(revision: Mapping[str, Any]) -> int:
    """Return the epochs that the budget is expected to allow: a trial costs what an epoch does."""
    settings = Revision.model_validate(revision)
    return EPOCHS // (2 + settings.candidates) if settings.acceptance == "improves" else EPOCHS


@dataclass(slots=True)
class _Counted:
    """A model that stops the run when its budget is used."""

    model: ChatModel
    budget: Budget
    calls: int = 0
    tokens: int = 0

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer, or raise LimitReached."""
        if self.calls == self.budget.calls or self.tokens >= (self.budget.tokens or math.inf):
            raise LimitReached("the budget is used")
        self.calls += 1
        completion = await self.model.complete(request)
        self.tokens += completion.usage.total
        return completion

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""


@dataclass(slots=True)
class _Log:
    """The product of a run so far, from its events."""

    best_so_far: bool
    last: Constitution = field(default_factory=Constitution)
    versions: dict[int, Constitution] = field(default_factory=lambda: {0: Constitution()})
    welfare: dict[int, list[float]] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
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
        elif isinstance(event, MessageSaid) and event.epoch == 1 and event.id.endswith("/m2"):
            self.remarks[event.persona].append(event.content)

    def product(self) -> Constitution:
        """Return the last constitution, or with `best_so_far` the one with the highest mean of the measured welfare."""
        if not self.best_so_far or not self.welfare:
            return self.last
        return self.versions[max(self.welfare, key=lambda version: fmean(self.welfare[version]))]
