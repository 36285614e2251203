"""What an experiment would take: it is rehearsed on the simulated society, in memory, without asking any model.

Calls are counted exactly (but for retries), tokens are estimated at four characters each; where another model will
answer, its answers are taken to be `TYPICAL_ANSWER` tokens long. A large experiment is rehearsed with a part of its
people, tasks and epochs and the counts are scaled up.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scai_cli.experiment.config import ROLES, ExperimentConfig
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import HUMAN
from scai_cli.messages import AgentRole, ChatRequest, Completion, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.prices import Price, price_of
from scai_cli.models.simulated import connect
from scai_cli.simulation.agent import Agent, model_name
from scai_cli.simulation.engine import simulate
from scai_cli.simulation.epoch_context import build_agents

TYPICAL_ANSWER: Final = 300
"""Tokens of an answer by a real model that nobody has limited."""

REHEARSED: Final = 20_000
"""The most calls that are rehearsed in full."""

_PROOF: Final = "holdout/"
"""What the ids of the calls for the proof at the end begin with."""
_PART: Final = {"personas": 12, "tasks": 4, "epochs": 3}
_FILLER: Final = " and so on" * 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls and tokens expected by role; `usd` is None where a price is unknown; `whole` is False if scaled up.

    `people` is how many questions real people will be asked, which are no calls.
    """

    calls: Mapping[AgentRole, int]
    usage: Mapping[AgentRole, Usage]
    usd: float | None
    whole: bool
    people: int = 0

    def as_object(self) -> dict[str, Any]:
        """What `scai plan --json` prints."""
        return {
            "calls": {**self.calls, "total": sum(self.calls.values())},
            "tokens": {
                "input": sum(usage.input_tokens for usage in self.usage.values()),
                "output": sum(usage.output_tokens for usage in self.usage.values()),
            },
            "usd": self.usd,
            "by_role": {
                role: {"input": usage.input_tokens, "output": usage.output_tokens} for role, usage in self.usage.items()
            },
            "whole": self.whole,
            "people": self.people,
        }


def plan_experiment(config: ExperimentConfig) -> Plan:
    """Rehearse an experiment and count."""
    whole = _size(config) <= REHEARSED
    played = config if whole else _part(config)
    tally = _rehearse(played).tally
    calls: Counter[AgentRole] = Counter(dict.fromkeys(ROLES, 0))
    usage = dict.fromkeys(ROLES, Usage())
    spent: defaultdict[tuple[AgentRole, str], Usage] = defaultdict(Usage)
    people = 0
    for (role, purpose, model), (count, used) in tally.items():
        more, longer = (1.0, 1.0) if whole else _scale(config, played, purpose)
        if model == HUMAN:
            people += round(count * more)
            continue
        calls[role] += round(count * more)
        taken = Usage(round(used.input_tokens * more * longer), round(used.output_tokens * more))
        if role == "meta":
            most = round(count * more) * config.revision.max_prompt_tokens
            taken = Usage(min(taken.input_tokens, most), taken.output_tokens)
        usage[role] += taken
        spent[role, model] += taken
    return Plan(calls, usage, _cost(config, spent), whole, people)


def sample_prompts(config: ExperimentConfig) -> list[ChatRequest]:
    """The first request of every kind, as it would be sent but for the answers it quotes."""
    return list(_rehearse(_part(config)).first.values())


@dataclass(slots=True)
class _Rehearsal:
    """The simulated model, counted; its answers are drawn out to the length of the model it stands for."""

    model: ChatModel
    config: ExperimentConfig
    tally: dict[tuple[AgentRole, str, str], tuple[int, Usage]] = field(default_factory=dict)
    """Role, purpose (`holdout/...` in the proof at the end) and model -> calls and tokens."""
    first: dict[str, ChatRequest] = field(default_factory=dict)

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer as the simulated model does."""
        config = self.config.model_for(request.role)
        completion = await self.model.complete(dataclasses.replace(request, schema=None))
        if config.provider != "simulated" and request.purpose == "answer":
            wanted = min(config.max_tokens or TYPICAL_ANSWER, TYPICAL_ANSWER)
            missing = wanted - completion.usage.output_tokens
            if missing > 0:
                used = Usage(completion.usage.input_tokens, wanted)
                completion = dataclasses.replace(completion, text=completion.text + _FILLER[: 4 * missing], usage=used)
        purpose = f"{_PROOF}{request.purpose}" if request.id.startswith(_PROOF) else request.purpose
        key = (request.role, purpose, request.model)
        count, used = self.tally.get(key, (0, Usage()))
        self.tally[key] = (count + 1, used + completion.usage)
        self.first.setdefault(request.purpose, request)
        return completion

    async def aclose(self) -> None:
        """Nothing to give back."""


def _rehearse(config: ExperimentConfig) -> _Rehearsal:
    models = (config.model_for(role) for role in ROLES)
    options = next((model.options for model in models if model.provider == "simulated"), {})
    stage = _Rehearsal(connect(ModelSettings(options=options), seed=config.seed), config)
    cast = build_agents(config, lambda role, model: Agent(role, stage, model, config.seed, config.format_retries))
    asyncio.run(simulate(config, cast, lambda _: None, run_id="rehearsal", digests={}))
    return stage


def _people(config: ExperimentConfig, proof: bool = False) -> tuple[int, int, int]:
    """Personas, tasks and cross raters of an epoch, or of the proof at the end."""
    if proof:
        personas, tasks = (len(part) for part in config.held_out)
    else:
        personas = config.personas.per_epoch or len(config.train_personas)
        tasks = config.tasks.per_epoch or len(config.train_tasks)
    wanted = config.ratings.cross_raters
    return personas, tasks, personas - 1 if wanted == "all" else min(wanted, personas - 1)


def _size(config: ExperimentConfig) -> int:
    """About how many calls an experiment takes, trials of candidates included."""
    revision = config.revision
    proposed = revision.candidates if revision.strategy == "candidates" else 1
    plays = 1 + (proposed if revision.acceptance in ("improves", "both") else 0)
    total = 0
    for times, (personas, tasks, raters) in ((config.epochs * plays, _people(config)), (2, _people(config, True))):
        total += times * personas * tasks * (2 * config.turns + raters)
    votes = revision.acceptance in ("vote", "both")
    return total + config.epochs * (proposed + _people(config)[0] * (config.ratings.anchors + votes))


def _part(config: ExperimentConfig) -> ExperimentConfig:
    """Some of the people and tasks that the constitution is made with, and some of those held out."""
    people, questions = config.held_out
    kept_people = {p.id for p in (*config.train_personas[: _PART["personas"]], *people[: _PART["personas"]])}
    kept_tasks = {t.id for t in (*config.train_tasks[: _PART["tasks"]], *questions[: _PART["tasks"]])}
    some = tuple(p for p in config.personas.inline if p.id in kept_people)
    few = tuple(t for t in config.tasks.inline if t.id in kept_tasks)
    personas = config.personas.model_copy(update={"inline": some, "per_epoch": None})
    tasks = config.tasks.model_copy(update={"inline": few, "per_epoch": None})
    kept = {persona.id for persona in some}
    contract = tuple(clause for clause in config.constitution.contract if kept.issuperset(clause.users))
    return config.model_copy(
        update={
            "personas": personas,
            "tasks": tasks,
            "epochs": min(config.epochs, _PART["epochs"]),
            "constitution": config.constitution.model_copy(update={"contract": contract}),
        }
    )


def _scale(config: ExperimentConfig, played: ExperimentConfig, purpose: str) -> tuple[float, float]:
    """How many times the calls, and how many times as long the prompts, of the whole are."""
    proof = purpose.startswith(_PROOF)
    purpose = purpose.removeprefix(_PROOF)
    personas, tasks, raters = _people(config, proof)
    some, few, seen = _people(played, proof)
    epochs = 1.0 if proof else config.epochs / played.epochs
    if purpose in ("vote", "anchor"):
        return epochs * personas / some, 1.0
    if purpose == "judge":
        return personas / some, tasks / few
    conversations = personas * tasks / (some * few)
    if purpose == "control":
        return conversations, 1.0
    if purpose in ("answer", "feedback"):
        return epochs * conversations, 1.0
    if purpose == "cross_rating":
        return epochs * conversations * (raters / seen if seen else 0.0), 1.0
    return epochs, conversations


def _cost(config: ExperimentConfig, spent: Mapping[tuple[AgentRole, str], Usage]) -> float | None:
    table = {name: Price(price.input, price.output) for name, price in config.prices.items()}
    places = {(role, model_name(model)): model for role, model in config.models()}
    total = 0.0
    for voice, used in spent.items():
        model = places[voice]
        price = price_of(model.provider, table, model.base_url)(voice[1])
        if price is None:
            return None
        total += price.cost(used)
    return round(total, 6)
