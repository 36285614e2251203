"""Config -> the models behind the roles: one gate per endpoint, one budget for all, one speaker per role."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from scai_cli import plugins
from scai_cli.chat import AgentRole, Usage
from scai_cli.config import ExperimentConfig, ModelConfig
from scai_cli.errors import ScaiError
from scai_cli.models.base import ChatModel
from scai_cli.models.cache import Cache, CachedModel, cache_path
from scai_cli.models.gate import ByRole, Gate, Pace
from scai_cli.models.limits import Budget, Caps, Spend
from scai_cli.models.prices import Price, PriceOf, price_of, require_prices
from scai_cli.models.record import CallLog, RecordedModel, Replay
from scai_cli.simulation.speaker import Speaker, model_name
from scai_cli.simulation.stage import Company, company
from scai_cli.store import CallIndex

Endpoint = tuple[str, str | None, str | None]
"""Provider, base_url and the key's variable: roles that share them share a gate."""

Voice = tuple[AgentRole, str]
"""A role and the name of a model that speaks for it: users may have several."""


@dataclass(frozen=True, slots=True)
class Crew:
    """The models of one experiment, connected."""

    config: ExperimentConfig
    gates: Mapping[Endpoint, Gate]
    prices: Mapping[Voice, PriceOf]
    budget: Budget
    cache: Cache | None = None
    _recorded: list[RecordedModel] = field(default_factory=list)

    @classmethod
    def connect(cls, config: ExperimentConfig) -> Crew:
        """Open every endpoint once; raises ConfigError for what can be known to fail before a call is made."""
        limits = config.limits
        budget = Budget(Caps(limits.calls, limits.tokens, limits.usd, limits.seconds))
        prices = {(role, model_name(model)): _price_of(config, model) for role, model in config.models()}
        if limits.usd is not None:
            for (_, name), price in prices.items():
                require_prices(price, [name])
        gates = {}
        for endpoint, parts in _endpoints(config).items():
            models = _connected(parts, config.seed)
            pace = Pace(
                concurrency=limits.concurrency,
                requests_per_minute=limits.requests_per_minute,
                tokens_per_minute=limits.tokens_per_minute,
                max_retries=limits.max_retries,
            )
            price = _price_of(config, next(iter(parts.values())))
            gates[endpoint] = Gate(ByRole(models), pace, budget=budget, price=price)
        cache = Cache.open(cache_path()) if config.cache else None
        return cls(config, gates, prices, budget, cache)

    def company(self, log: CallLog, replay: Replay | None) -> Company:
        """The speakers, every call of whom is logged, and answered from `replay` where it knows the answer."""
        config = self.config

        def speaker(role: AgentRole, model: ModelConfig) -> Speaker:
            recorded = RecordedModel(self._asked(model), log, replay)
            self._recorded.append(recorded)
            return Speaker(role, recorded, model, config.seed, config.format_retries)

        return company(config, speaker)

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
        for recorded in self._recorded:
            recorded.close_for_new_calls(error)

    async def aclose(self) -> None:
        """Give back every connection."""
        for gate in self.gates.values():
            await gate.aclose()

    def close_cache(self) -> None:
        """Close the cache, if there is one."""
        if self.cache is not None:
            self.cache.close()

    def _asked(self, model: ModelConfig) -> ChatModel:
        gate = self.gates[_endpoint(model)]
        if self.cache is None:
            return gate
        place = model.model_dump(mode="json", include={"provider", "structured", "options"})
        return CachedModel(gate, self.cache, {**place, "address": _address(model), "seed": self.config.seed})

    def _cost(self, voice: Voice, usage: Usage) -> float | None:
        price_of_model = self.prices.get(voice)
        price = price_of_model(voice[1]) if price_of_model else None
        return None if price is None else price.cost(usage)


def _endpoints(config: ExperimentConfig) -> dict[Endpoint, dict[AgentRole, ModelConfig]]:
    """Endpoint -> the models connected there, at most one a role: personas at one endpoint share its options."""
    found: dict[Endpoint, dict[AgentRole, ModelConfig]] = {}
    for role, model in config.models():
        found.setdefault(_endpoint(model), {}).setdefault(role, model)
    return found


def _endpoint(model: ModelConfig) -> Endpoint:
    return (model.provider, model.base_url, model.api_key_env)


def _address(model: ModelConfig) -> str:
    """Where a model's answers come from, as far as one can know."""
    return (model.base_url or os.environ.get("OPENAI_BASE_URL", "").strip()).rstrip("/")


def _connected(parts: Mapping[AgentRole, ModelConfig], seed: int) -> dict[AgentRole, ChatModel]:
    """The models of the roles; equal ones are connected once, so that they share a client and its connections."""
    models: dict[AgentRole, ChatModel] = {}
    for role, model in parts.items():
        same = next((models[other] for other in models if parts[other] == model), None)
        models[role] = same or _connect(model, seed)
    return models


def _connect(model: ModelConfig, seed: int) -> ChatModel:
    connected: ChatModel = plugins.resolve("provider", model.provider)(model, seed=seed)
    return connected


def _price_of(config: ExperimentConfig, model: ModelConfig) -> PriceOf:
    table = {name: Price(price.input, price.output) for name, price in config.prices.items()}
    return price_of(model.provider, table, model.base_url)
