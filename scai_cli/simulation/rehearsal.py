"""Rehearse an experiment on the simulated model, in memory, to count its calls."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import Final

from scai_cli.experiment.config import ROLES, ExperimentConfig
from scai_cli.experiment.measure_check import without_foreign_measures
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import AgentRole, ChatRequest, Completion, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.simulated import connect
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.dialogue_lines import calls_of
from scai_cli.simulation.engine import simulate
from scai_cli.simulation.epoch_context import Agents, build_agents
from scai_cli.simulation.stages import expected_calls, group_sizes

TYPICAL_ANSWER: Final = 300
"""The assumed tokens of a real model's answer without a limit."""
_LONG: Final = ("answer", "revision")
"""The purposes of the calls that return an answer of this length."""

HOLDOUT: Final = "holdout/"
"""The prefix of the purposes and ids of the calls for the holdout."""
PRODUCT: Final = "product/"
"""The prefix of the purposes of the calls that play the product."""
_PART: Final = {"personas": 12, "tasks": 4, "epochs": 3}
_FILLER: Final = " and so on" * 1000


@dataclass(slots=True)
class Rehearsal:
    """The simulated model with a count of calls; its answers get the length of the replaced model's answers."""

    model: ChatModel
    config: ExperimentConfig
    counts: dict[tuple[AgentRole, str, str], tuple[int, Usage]] = field(default_factory=dict)
    """(Role, purpose, model) -> calls and tokens; purposes at the end are `product/...` and `holdout/...`."""
    first: dict[str, ChatRequest] = field(default_factory=dict)

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer with the simulated model."""
        config = self.config.model_for(request.role)
        completion = await self.model.complete(replace(request, schema=None))
        if config.provider != "simulated" and request.purpose in _LONG:
            wanted = min(config.max_tokens or TYPICAL_ANSWER, TYPICAL_ANSWER)
            missing = wanted - completion.usage.output_tokens
            if missing > 0:
                used = Usage(completion.usage.input_tokens, wanted)
                # The text itself is lengthened, too, since later prompts quote it.
                completion = replace(completion, text=completion.text + _FILLER[: 4 * missing], usage=used)
        key = (request.role, f"{self._part_of(request.id)}{request.purpose}", request.model)
        count, used = self.counts.get(key, (0, Usage()))
        self.counts[key] = (count + 1, used + completion.usage)
        self.first.setdefault(request.purpose, request)
        return completion

    def _part_of(self, call: str) -> str:
        """Return the prefix of a call's purpose; empty for the calls of epochs."""
        if call.startswith(HOLDOUT):
            return HOLDOUT
        return PRODUCT if call.startswith(f"e{self.config.epochs + 1}/") else ""

    async def aclose(self) -> None:
        """Close nothing."""


def rehearsed_agents(config: ExperimentConfig) -> tuple[Rehearsal, Agents]:
    """Return the simulated model in place of every model of an experiment, and the agents that call it."""
    config = without_foreign_measures(config)  # which may be slow, and change no number of calls
    models = (config.model_for(role) for role in ROLES)
    options = next((model.options for model in models if model.provider == "simulated"), {})
    rehearsal = Rehearsal(connect(ModelSettings(options=options), seed=config.seed), config)
    return rehearsal, build_agents(
        config, lambda role, model: Agent(role, rehearsal, model, config.seed, config.format_retries)
    )


@dataclass(frozen=True, slots=True)
class Workload:
    """An experiment or the part of it to rehearse."""

    config: ExperimentConfig

    def rehearse(self, *, always_play_product: bool = False) -> Rehearsal:
        """Run the experiment on the simulated model, in memory; `always_play_product` as in `simulate`."""
        # The simulated model does not play the configured one, whose raters may be fine.
        rehearsal, agents = rehearsed_agents(self.config.model_copy(update={"force": "all"}))
        asyncio.run(
            simulate(
                rehearsal.config,
                agents,
                lambda _: None,
                run_id="rehearsal",
                digests={},
                always_play_product=always_play_product,
            )
        )
        return rehearsal

    def calls(self) -> int:
        """Estimate the number of calls, including trials of candidates."""
        return math.ceil(sum(expected_calls(self.config).values()))

    def part(self) -> Workload:
        """Return the experiment with a part of its epochs, and of its train and held-out personas and tasks."""
        config = self.config
        held_personas, held_tasks = config.held_out
        personas = [*config.train_personas[: _PART["personas"]], *held_personas[: _PART["personas"]]]
        tasks = [*config.train_tasks[: _PART["tasks"]], *held_tasks[: _PART["tasks"]]]
        persona_ids, task_ids = {persona.id for persona in personas}, {task.id for task in tasks}
        some = tuple(persona for persona in config.personas.inline if persona.id in persona_ids)
        few = tuple(task for task in config.tasks.inline if task.id in task_ids)
        start = config.constitution
        contract = tuple(clause for clause in start.contract if persona_ids.issuperset(clause.users))
        gone = (clause.id for clause in start.base.contract if not persona_ids.issuperset(clause.users))
        return Workload(
            config.model_copy(
                update={
                    "personas": config.personas.model_copy(update={"inline": some, "per_epoch": None}),
                    "tasks": config.tasks.model_copy(update={"inline": few, "per_epoch": None}),
                    "epochs": min(config.epochs, _PART["epochs"]),
                    "constitution": start.model_copy(update={"contract": contract, "drop": (*start.drop, *gone)}),
                }
            )
        )

    def scale_of(self, part: Workload, purpose: str) -> tuple[float, float]:
        """Return the ratios of whole to part for the number of calls and for the length of prompts."""
        holdout, product = purpose.startswith(HOLDOUT), purpose.startswith(PRODUCT)
        purpose = purpose.removeprefix(HOLDOUT).removeprefix(PRODUCT)
        personas, tasks, raters = group_sizes(self.config, holdout=holdout)
        some, few, seen = group_sizes(part.config, holdout=holdout)
        epochs = 1.0 if holdout or product else self.config.epochs / part.config.epochs
        if purpose == "ballot":
            return epochs * personas / some, 1.0
        if purpose == "rater_check":
            return 1.0, 1.0
        conversations = personas * tasks / (some * few)
        if purpose in calls_of(self.config):
            return epochs * conversations, 1.0
        if purpose == "cross_rating":
            return epochs * conversations * (raters / seen if seen else 0.0), 1.0
        return epochs, conversations
