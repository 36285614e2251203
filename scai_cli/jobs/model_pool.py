"""Connect the models of an experiment: one gate per endpoint, one shared budget, one agent per role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from scai_cli.errors import ConfigError, ScaiError
from scai_cli.experiment.config import ExperimentConfig, PriceConfig
from scai_cli.experiment.model_settings import RATES, ModelSettings
from scai_cli.experiment.personas import HUMAN, Persona
from scai_cli.jobs.batch_journal import FolderJournal
from scai_cli.jobs.endpoint_gates import EndpointGates, EndpointKey, RoleModel, key_of
from scai_cli.messages import AgentRole, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.batching.batches import Batches
from scai_cli.models.batching.gate import BatchGate
from scai_cli.models.cache import Cache, CachedModel, cache_path
from scai_cli.models.call_count import CallCount
from scai_cli.models.call_log import CallLog, RecordedModel, Replay, log_unused
from scai_cli.models.endpoint import address
from scai_cli.models.gate import Gate
from scai_cli.models.human import HumanModel, ParticipantPrompt, Participants
from scai_cli.models.limits import Budget, Caps, Spend
from scai_cli.models.notices import Notices
from scai_cli.models.prices import PriceOf, half_price, price_of, require_price
from scai_cli.models.tally import Meter
from scai_cli.runs.batch_log import BATCHES, BatchLog
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.locked_folder import LockedFolder
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.epoch_context import Agents, build_agents
from scai_cli.text.counts import counted

AgentModel = tuple[AgentRole, ModelSettings]


@dataclass(frozen=True, slots=True)
class ModelPool:
    """The connected models of one experiment; a context manager that closes the cache, not the connections."""

    config: ExperimentConfig
    gates: Mapping[EndpointKey, Gate | BatchGate]
    """Endpoint and kind of batch -> the gate; roles with the same endpoint share it."""
    models: Mapping[str, ChatModel]
    """Key of a connection (`_connection`) -> the connected model, behind its gate."""
    prices: Mapping[RoleModel, PriceOf]
    budget: Budget
    batches: Batches
    notices: Notices
    """The messages of the models and their gates for the user, also with `--quiet`; a job listens to them."""
    cache: Cache | None = None
    participants: Participants | None = None
    """The human participants; their calls bypass gates, cache, limits and the count."""
    count: CallCount = field(default_factory=CallCount)
    """How far the calls are; a job sets its stages."""
    _recorded: list[RecordedModel] = field(default_factory=list)

    @classmethod
    def connect(
        cls,
        config: ExperimentConfig,
        prompt: ParticipantPrompt | None = None,
        *,
        more: Sequence[AgentModel] = (),
        wrap: Callable[[ChatModel, ModelSettings], ChatModel] = lambda model, _: model,
        is_finished: bool = False,
    ) -> ModelPool:
        """Connect to every endpoint once, those of `more` models too; raises ConfigError for errors without a call.

        Human participants are asked at the prompt; without a prompt, they are a ConfigError. `wrap` changes how
        providers answer, before their gates see it. The models of finished work are connected at a first call, which
        there should not be.
        """
        all_models = [*config.models(), *more]
        participants = _participants(config.personas.inline, prompt)
        limits = config.limits
        budget = Budget(Caps(limits.calls, limits.tokens, limits.usd, limits.seconds))
        prices = prices_of(config.prices, all_models)
        if limits.usd is not None:
            for (_, name), price in prices.items():
                require_price(price, name)
        notices = Notices()
        gates = EndpointGates(config, budget, prices, notices, wrap)
        models: dict[str, ChatModel] = {}
        for role, model in all_models:
            if model.provider != HUMAN and (connection := _connection(model)) not in models:
                sharing = [other for _, other in all_models if key_of(other) == key_of(model)]
                models[connection] = gates.connected(role, model, sharing, is_finished=is_finished)
        cache = Cache.open(cache_path()) if config.cache else None
        pool = cls(config, gates.gates, models, prices, budget, gates.batches, notices, cache, participants)
        gates.batches.stop = pool.stop
        if participants is not None:
            participants.on_end, participants.thinking = pool.stop, budget.stopped_clock
        return pool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.cache is not None:
            self.cache.close()

    @property
    def meters(self) -> list[Meter]:
        """The meters, one per endpoint."""
        return [gate.meter for gate in self.gates.values()]

    def agents(self, log: CallLog, replay: Replay | None) -> Agents:
        """Return the agents of the experiment; each call is logged, and answered from `replay` if possible."""
        for gate in self.gates.values():
            gate.tally.note_unused = partial(log_unused, log)
        return build_agents(self.config, lambda role, model: self.agent(role, model, log, replay))

    def agent(self, role: AgentRole, model: ModelSettings, log: CallLog, replay: Replay | None) -> Agent:
        """Return an agent with a connected model, which logs its calls as those of `agents` do."""
        count = None if model.provider == HUMAN else self.count
        recorded = RecordedModel(self._model(model), log, replay, count)
        self._recorded.append(recorded)
        return Agent(role, recorded, model, self.config.seed, self.config.format_retries)

    def count_earlier(self, earlier: CallIndex, seconds: float = 0.0) -> float | None:
        """Count the use of earlier sessions towards the limits; return its cost, None if a price is unknown."""
        costs = costs_of(earlier.spent, self.prices)
        usd = sum(cost or 0.0 for cost in costs)
        tokens = sum(usage.total for usage in earlier.spent.values())
        self.budget.charge(Spend(earlier.paid_calls, tokens, usd), seconds)
        return None if None in costs else usd

    def stop(self, error: ScaiError) -> None:
        """Make every later call raise the error; calls in flight finish."""
        for gate in self.gates.values():
            gate.close_for_new_calls(error)
        if self.participants is not None:
            self.participants.close_for_new_calls(error)
        # A replayed call passes no gate; without this a long replay would not stop.
        for recorded in self._recorded:
            recorded.close_for_new_calls(error)

    def keep_batches(self, folder: LockedFolder) -> None:
        """Use a folder for the batches; call it before the first call of a model with `batch`.

        Says which batches of earlier sessions no model of this one collects.
        """
        kinds = {kind for _, kind in self.gates} - {None}
        if not kinds and not (folder.path / BATCHES).exists():
            return
        journal = FolderJournal(BatchLog.open(folder))
        if kinds:
            self.batches.open(journal)
        if "openai" not in kinds:
            for batch in journal.at_endpoint():
                which = f"batch {batch.number} ({counted(len(batch.requests), 'request')}) at {batch.address}"
                self.notices(
                    f"warning: {which} may be paid for already, and is not collected; stop, and resume with "
                    "`batch: openai` as before to use it"
                )

    async def aclose(self) -> None:
        """Close every connection, on their event loop."""
        await self.batches.aclose()
        for model in self.models.values():
            await model.aclose()

    def _model(self, model: ModelSettings) -> ChatModel:
        if model.provider == HUMAN:
            assert self.participants is not None
            return HumanModel(self.participants, model.options["called"], self.config.ratings)
        gated = self.models[_connection(model)]
        if self.cache is None:
            return gated
        key = model.model_dump(mode="json", include={"provider", "structured", "options"})
        if model.system_role != "system":  # no key of an older cache has it
            key["system_role"] = model.system_role
        return CachedModel(gated, self.cache, {**key, "address": address(model), "seed": self.config.seed})


def prices_of(table: Mapping[str, PriceConfig], models: Iterable[AgentModel]) -> dict[RoleModel, PriceOf]:
    """Return the price of each model of an experiment; `table` is its `prices:`."""
    return {(role, model.label): _price_of(model, table) for role, model in models}


def _price_of(model: ModelSettings, table: Mapping[str, PriceConfig]) -> PriceOf:
    price = price_of(model.provider, table, model.own_base_url)
    return half_price(price) if model.batch == "openai" else price


def costs_of(spent: Mapping[RoleModel, Usage], prices: Mapping[RoleModel, PriceOf]) -> list[float | None]:
    """Return the cost of each model's tokens in US dollars; None for an unknown price."""
    known = [(prices[key](key[1]) if key in prices else None, usage) for key, usage in spent.items()]
    return [None if price is None else price.cost(usage) for price, usage in known]


def _participants(personas: Iterable[Persona], prompt: ParticipantPrompt | None) -> Participants | None:
    human = [persona.id for persona in personas if persona.human]
    if not human:
        return None
    if prompt is None:
        raise ConfigError(f"persona {human[0]!r} is a real person: only `scai run` and `scai resume` ask real people")
    return Participants(prompt)


def _connection(model: ModelSettings) -> str:
    """Return the key of a connection: all settings except the sampling, which is in each request, and the rates."""
    return model.model_dump_json(exclude={"temperature", "top_p", "max_tokens", *RATES})
