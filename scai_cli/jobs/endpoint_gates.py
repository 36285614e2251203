"""Connect models, each behind the gate of its endpoint."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from scai_cli import plugins
from scai_cli.errors import ConfigError, KeyUntrusted, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.model_settings import RATES, BatchKind, ModelSettings
from scai_cli.messages import AgentRole
from scai_cli.models.base import ChatModel
from scai_cli.models.batching.batches import Batches
from scai_cli.models.batching.gate import BatchGate
from scai_cli.models.gate import Gate, GatedModel, GateSettings
from scai_cli.models.guarded import GuardedModel, described
from scai_cli.models.late import LateModel
from scai_cli.models.limits import Budget
from scai_cli.models.notices import Notices
from scai_cli.models.prices import PriceOf
from scai_cli.models.tally import Tally

EndpointKey = tuple[tuple[str, str | None, str | None], BatchKind | None]
"""Provider, base_url and name of the key's variable, and the kind of batch, if any."""
RoleModel = tuple[AgentRole, str]
"""A role and the name of one of its models; users can have several models."""


def key_of(model: ModelSettings) -> EndpointKey:
    """Return the key of the gate of a model."""
    return model.endpoint, model.batch


def check_batch(config: ExperimentConfig, model: ModelSettings) -> None:
    """Raise ConfigError for a model with `batch` whose provider has none."""
    if model.batch is not None and model.provider != "openai":
        where = f"{config.place_of(model, 'batch')}.batch"
        raise ConfigError(f"{where}: only the provider openai has batches, not {model.provider!r}; remove the key")


@dataclass(slots=True)
class EndpointGates:
    """One gate per endpoint and kind of batch, shared by its models."""

    config: ExperimentConfig
    budget: Budget
    prices: Mapping[RoleModel, PriceOf]
    notices: Notices
    wrap: Callable[[ChatModel, ModelSettings], ChatModel]
    """Changes how a provider answers, before its gate sees it."""
    gates: dict[EndpointKey, Gate | BatchGate] = field(default_factory=dict)
    batches: Batches = field(init=False)

    def __post_init__(self) -> None:
        self.batches = Batches(self._is_asked_directly, self.notices)

    def connected(
        self, role: AgentRole, model: ModelSettings, sharing: Sequence[ModelSettings], *, is_finished: bool
    ) -> ChatModel:
        """Connect a model, whose gate is shared by the models `sharing`; raises ConfigError.

        A model of finished work is connected at a first call, which there should not be.
        """
        price, key = self.prices[role, model.label], key_of(model)

        def connect() -> ChatModel:
            return self._provided(model)

        if model.batch is not None and not is_finished:
            check_batch(self.config, model)
            tally, limits = Tally(self.budget, price), self.config.limits
            new = BatchGate(self.batches, model.batch, tally, limits.max_retries, self.notices)
            return GatedModel(self.gates.setdefault(key, new), connect())
        connected = GuardedModel(LateModel(connect) if is_finished else connect(), model)
        if key not in self.gates:
            settings = _gate_settings(self.config, sharing)
            self.gates[key] = Gate(connected, settings, budget=self.budget, price=price, notices=self.notices)
        return GatedModel(self.gates[key], connected)

    def _provided(self, model: ModelSettings) -> ChatModel:
        try:
            connect = plugins.resolve("provider", model.provider)
            return self.wrap(_chat_model(connect(model, seed=self.config.seed)), model)
        except KeyUntrusted as refused:
            refused.args = (f"{self.config.place_of(model)}: {refused}",)
            raise
        except Exception as error:
            if isinstance(error, ScaiError) or not plugins.is_foreign("provider", model.provider):
                raise
            logging.getLogger("scai_cli").debug("a provider's exception", exc_info=error)
            where = f"{self.config.place_of(model)}.provider: {model.provider}"
            raise ConfigError(f"{where} cannot be connected; it raised {described(error, model)}") from None

    def _is_asked_directly(self) -> bool:
        """Return whether calls are under way that go into no batch.

        Those that the limits allow only once the calls of a batch are answered do not count: each would wait for the
        other.
        """
        direct = [gate for gate in self.gates.values() if isinstance(gate, Gate)]
        return any(gate.meter.in_flight or (gate.meter.inside and not gate.tally.blocked) for gate in direct)


def _chat_model(provided: Any) -> ChatModel:
    """Return what a provider connected; raises TypeError if it is not a ChatModel."""
    if lacking := [name for name in ("complete", "aclose") if not callable(getattr(provided, name, None))]:
        raise TypeError(f"{type(provided).__name__} has no {lacking[0]}()")
    return cast(ChatModel, provided)


def _gate_settings(config: ExperimentConfig, models: Sequence[ModelSettings]) -> GateSettings:
    """Return the settings of the gate of some models; raises ConfigError if they want different ones."""
    limits, rates = config.limits, {}
    for key in RATES:
        wanted = sorted({value for model in models if (value := getattr(model, key)) is not None})
        if len(wanted) > 1:
            raise ConfigError(
                f"model.{key}: {wanted[0]:g} and {wanted[1]:g} for the same endpoint, whose roles share one limit; "
                "write it once, under `model`"
            )
        rates[key] = wanted[0] if wanted else getattr(limits, key)
    return GateSettings(**rates, max_retries=limits.max_retries)
