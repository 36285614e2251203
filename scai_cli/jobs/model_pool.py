"""Config -> the models behind the roles: one gate per endpoint, one budget for all, one speaker per role."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from scai_cli import plugins
from scai_cli.errors import ConfigError, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import HUMAN
from scai_cli.messages import AgentRole, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.cache import Cache, CachedModel, cache_path
from scai_cli.models.call_log import CallLog, RecordedModel, Replay
from scai_cli.models.gate import Gate, GatedModel, GateSettings
from scai_cli.models.human import HumanModel, ParticipantPrompt, Participants
from scai_cli.models.limits import Budget, Caps, Spend
from scai_cli.models.prices import Price, PriceOf, price_of, require_prices
from scai_cli.runs.call_index import CallIndex
from scai_cli.simulation.agent import Agent, model_name
from scai_cli.simulation.epoch_context import Agents, build_agents

Endpoint = tuple[str, str | None, str | None]
"""Provider, base_url and the key's variable: roles that share them share a gate."""

Voice = tuple[AgentRole, str]
"""A role and the name of a model that speaks for it: users may have several."""


@dataclass(frozen=True, slots=True)
class ModelPool:
    """The models of one experiment, connected."""

    config: ExperimentConfig
    gates: Mapping[Endpoint, Gate]
    models: Mapping[str, ChatModel]
    """Each way to connect to an endpoint (`_connection`) -> the model that is connected so, behind its gate."""
    prices: Mapping[Voice, PriceOf]
    budget: Budget
    cache: Cache | None = None
    people: Participants | None = None
    """Whoever plays a persona that is human: behind no gate, no cache and no limit."""
    _recorded: list[RecordedModel] = field(default_factory=list)

    @classmethod
    def connect(cls, config: ExperimentConfig, desk: ParticipantPrompt | None = None) -> ModelPool:
        """Open every endpoint once; raises ConfigError for what can be known to fail before a call is made.

        Real people among the personas are asked at the desk; without one it is an error that there are any.
        """
        people = _people(config, desk)
        limits = config.limits
        budget = Budget(Caps(limits.calls, limits.tokens, limits.usd, limits.seconds))
        prices = {(role, model_name(model)): _price_of(config, model) for role, model in config.models()}
        if limits.usd is not None:
            for (_, name), price in prices.items():
                require_prices(price, [name])
        pace = GateSettings(
            concurrency=limits.concurrency,
            requests_per_minute=limits.requests_per_minute,
            tokens_per_minute=limits.tokens_per_minute,
            max_retries=limits.max_retries,
        )
        gates: dict[Endpoint, Gate] = {}
        models: dict[str, ChatModel] = {}
        for _, model in config.models():
            if model.provider == HUMAN:
                continue
            if (connection := _connection(model)) in models:
                continue
            connected, endpoint = _connect(model, config.seed), _endpoint(model)
            if endpoint not in gates:
                gates[endpoint] = Gate(connected, pace, budget=budget, price=_price_of(config, model))
            models[connection] = GatedModel(gates[endpoint], connected)
        cache = Cache.open(cache_path()) if config.cache else None
        pool = cls(config, gates, models, prices, budget, cache, people)
        if people is not None:
            people.on_end, people.thinking = pool.stop, budget.stopped_clock
        return pool

    def agents(self, log: CallLog, replay: Replay | None) -> Agents:
        """The speakers, every call of whom is logged, and answered from `replay` where it knows the answer."""
        config = self.config

        def agent(role: AgentRole, model: ModelSettings) -> Agent:
            recorded = RecordedModel(self._asked(model), log, replay)
            self._recorded.append(recorded)
            return Agent(role, recorded, model, config.seed, config.format_retries)

        return build_agents(config, agent)

    def charge(self, earlier: CallIndex, seconds: float) -> float | None:
        """Count what an earlier part of the run has used against the limits; its cost, None if nobody knows it."""
        costs = [self._cost(voice, usage) for voice, usage in earlier.spent.items()]
        usd = sum(cost or 0.0 for cost in costs)
        tokens = sum(usage.total for usage in earlier.spent.values())
        self.budget.charge(Spend(earlier.paid_calls, tokens, usd), seconds)
        return None if None in costs else usd

    def stop(self, error: ScaiError) -> None:
        """Let no new call begin; each one that would raises the error."""
        for gate in self.gates.values():
            gate.close_for_new_calls(error)
        if self.people is not None:
            self.people.close_for_new_calls(error)
        for recorded in self._recorded:
            recorded.close_for_new_calls(error)

    async def aclose(self) -> None:
        """Give back every connection."""
        for model in self.models.values():
            await model.aclose()

    def close_cache(self) -> None:
        """Close the cache, if there is one."""
        if self.cache is not None:
            self.cache.close()

    def _asked(self, model: ModelSettings) -> ChatModel:
        if model.provider == HUMAN:
            assert self.people is not None
            return HumanModel(self.people, model.options["called"], self.config.ratings)
        gated = self.models[_connection(model)]
        if self.cache is None:
            return gated
        place = model.model_dump(mode="json", include={"provider", "structured", "options"})
        return CachedModel(gated, self.cache, {**place, "address": _address(model), "seed": self.config.seed})

    def _cost(self, voice: Voice, usage: Usage) -> float | None:
        price_of_model = self.prices.get(voice)
        price = price_of_model(voice[1]) if price_of_model else None
        return None if price is None else price.cost(usage)


def _people(config: ExperimentConfig, desk: ParticipantPrompt | None) -> Participants | None:
    human = [persona.id for persona in config.personas.inline if persona.human]
    if not human:
        return None
    if desk is None:
        raise ConfigError(f"persona {human[0]!r} is human: only `scai run` and `scai resume` ask real people")
    return Participants(desk)


def _endpoint(model: ModelSettings) -> Endpoint:
    return (model.provider, model.base_url, model.api_key_env)


def _address(model: ModelSettings) -> str:
    """Where a model's answers come from, as far as one can know."""
    return (model.base_url or os.environ.get("OPENAI_BASE_URL", "").strip()).rstrip("/")


def _connection(model: ModelSettings) -> str:
    """What a connection depends on: all but the sampling, which goes with every request."""
    return model.model_dump_json(exclude={"temperature", "top_p", "max_tokens"})


def _connect(model: ModelSettings, seed: int) -> ChatModel:
    connected: ChatModel = plugins.resolve("provider", model.provider)(model, seed=seed)
    return connected


def _price_of(config: ExperimentConfig, model: ModelSettings) -> PriceOf:
    table = {name: Price(price.input, price.output) for name, price in config.prices.items()}
    return price_of(model.provider, table, model.base_url)
