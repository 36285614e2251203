"""Count the calls and tokens of an experiment by a rehearsal on the simulated model, in memory.

Calls are counted exactly (without retries), tokens are estimated at four characters each; answers of any other model
count as `TYPICAL_ANSWER` tokens. A large experiment is rehearsed with a part of its personas, tasks and epochs, and
the counts are scaled up.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from scai_cli.experiment.config import ROLES, ExperimentConfig
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import HUMAN
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.jobs.endpoint_gates import RoleModel, check_batch
from scai_cli.jobs.model_pool import costs_of, prices_of
from scai_cli.messages import AgentRole, ChatRequest, Usage
from scai_cli.models.endpoint import SERVICES, address, has_key, key_variable, refusal, url_of
from scai_cli.models.key_command import command_variable
from scai_cli.simulation.observed import Measures
from scai_cli.simulation.rehearsal import HOLDOUT, PRODUCT, Workload
from scai_cli.simulation.stages import group_sizes

REHEARSED: Final = 20_000
"""The largest number of calls that is rehearsed in full."""
_RATERS: Final[int] = Ratings.model_fields["cross_raters"].default


@dataclass(frozen=True, slots=True)
class Host:
    """A host that a run would contact, the variable with its key (if any), why it does not go there, and its models.

    With `own_keys`, the provider is other code, which finds its keys itself.
    """

    host: str
    key: str | None
    refusal: str | None
    own_keys: bool
    models: Sequence[str]

    @property
    def key_in_words(self) -> str:
        """Which key it gets, for people."""
        if self.key is None:
            return "a key that its code finds, if it needs one" if self.own_keys else "no key"
        command = command_variable(self.key)
        unset = "" if has_key(self.key) else ", which is not set"
        return f"the key that {command} prints" if command else f"the key in {self.key}{unset}"


@dataclass(frozen=True, slots=True)
class FewerRaters:
    """The calls and the cost of an experiment with the default number of cross raters in place of `all`."""

    cross_raters: int
    calls: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls and tokens expected by role; `usd` is None where a price is unknown; `whole` is False if scaled up.

    `people` is the number of questions to real people, which are not calls. `product_calls` are the calls that play
    the product at the end; if not `product_is_certain`, they are made only if the last revision is adopted.
    `fewer_raters` is known if most calls are cross ratings of `all`, whose number grows with the square of the people.
    """

    calls: Mapping[AgentRole, int]
    usage: Mapping[AgentRole, Usage]
    usd: float | None
    whole: bool
    people: int
    hosts: Sequence[Host]
    product_calls: int = 0
    product_is_certain: bool = True
    fewer_raters: FewerRaters | None = None

    def as_object(self) -> dict[str, Any]:
        """Return what `scai plan --json` prints besides the experiment."""
        return {
            "calls": {**self.calls, "total": sum(self.calls.values())},
            "tokens": tokens_of(sum(self.usage.values(), Usage())),
            "usd": self.usd,
            "by_role": {role: tokens_of(usage) for role, usage in self.usage.items()},
            "whole": self.whole,
            "people": self.people,
            "product": {"calls": self.product_calls, "certain": self.product_is_certain},
            "fewer_raters": None if self.fewer_raters is None else asdict(self.fewer_raters),
            "hosts": [asdict(host) for host in self.hosts],
        }


class _CrossRatings(NamedTuple):
    """The cross ratings of a model, in the epochs or in the holdout, with the raters of an answer."""

    model: RoleModel
    calls: int
    usage: Usage
    raters: int


def plan_experiment(config: ExperimentConfig) -> Plan:
    """Rehearse an experiment; return its calls, tokens, cost and hosts.

    The product's calls are certain only if the rehearsal equals the run: all models simulated, rehearsed in full.
    Raises ConfigError for a batch of a provider that has none, and for a measure that fails.
    """
    config = config.without_judge
    Measures.of(config).try_out(config.personas.inline, config.tasks.inline[0])
    for _, settings in config.models():
        check_batch(config, settings)
    workload = Workload(config)
    whole = workload.calls() <= REHEARSED
    part = workload if whole else workload.part()
    calls: Counter[AgentRole] = Counter(dict.fromkeys(ROLES, 0))
    usage = dict.fromkeys(ROLES, Usage())
    by_model: defaultdict[RoleModel, Usage] = defaultdict(Usage)
    cross: list[_CrossRatings] = []
    people = product_calls = 0
    certain = whole and all(model.provider == "simulated" for _, model in config.models())
    for (role, purpose, model), (count, used) in part.rehearse(always_play_product=not certain).counts.items():
        more, longer = (1.0, 1.0) if whole else workload.scale_of(part, purpose)
        if model == HUMAN:
            people += round(count * more)
            continue
        calls[role] += round(count * more)
        product_calls += round(count * more) if purpose.startswith(PRODUCT) else 0
        scaled = Usage(round(used.input_tokens * more * longer), round(used.output_tokens * more))
        if role == "meta":
            most = round(count * more) * config.revision.max_prompt_tokens
            scaled = Usage(min(scaled.input_tokens, most), scaled.output_tokens)
        usage[role] += scaled
        by_model[role, model] += scaled
        if purpose.endswith("cross_rating"):
            raters = group_sizes(config, holdout=purpose.startswith(HOLDOUT))[2]
            cross.append(_CrossRatings((role, model), round(count * more), scaled, raters))
    hosts = _hosts(model for _, model in config.models())
    fewer = _fewer_raters(config, calls.total(), by_model, cross)
    return Plan(calls, usage, cost_of(config, by_model), whole, people, hosts, product_calls, certain, fewer)


def _fewer_raters(
    config: ExperimentConfig, made: int, spent: Mapping[RoleModel, Usage], cross: Sequence[_CrossRatings]
) -> FewerRaters | None:
    """Return the calls and the cost with the default number of cross raters, if `all` makes most of the calls."""
    if config.ratings.cross_raters != "all" or 2 * sum(each.calls for each in cross) <= made:
        return None
    calls, less = made, dict(spent)
    for each in cross:
        share = max(0.0, 1 - _RATERS / each.raters)  # of its calls and tokens, which the default spares
        calls -= round(each.calls * share)
        used = less[each.model]
        less[each.model] = Usage(
            used.input_tokens - round(each.usage.input_tokens * share),
            used.output_tokens - round(each.usage.output_tokens * share),
        )
    return FewerRaters(_RATERS, calls, cost_of(config, less)) if calls < made else None


def tokens_of(usage: Usage) -> dict[str, int]:
    """Return the tokens as the JSON of a plan has them."""
    return {"input": usage.input_tokens, "output": usage.output_tokens}


def cost_of(config: ExperimentConfig, spent: Mapping[RoleModel, Usage]) -> float | None:
    """Return the cost of tokens in US dollars; None if the price of one of the models is unknown."""
    return total_cost(costs_of(spent, prices_of(config.prices, config.models())))


def total_cost(costs: Collection[float | None]) -> float | None:
    """Return the sum of costs in US dollars; None if one is unknown."""
    return None if None in costs else round(sum(cost or 0.0 for cost in costs), 6)


def sample_prompts(config: ExperimentConfig) -> list[ChatRequest]:
    """Return the first request of each kind, as a run would send it except for the quoted answers."""
    return list(Workload(config).part().rehearse().first.values())


def _hosts(models: Iterable[ModelSettings]) -> list[Host]:
    labels: defaultdict[tuple[str, str | None, str | None, bool], dict[str, None]] = defaultdict(dict)
    for model in models:
        if model.batch == "file":  # nothing is sent
            continue
        host, key, refused = urlsplit(model.own_base_url or "").netloc, model.api_key_env, None
        if model.provider in SERVICES:
            host = url_of(model).netloc
            key = key_variable(model) if key or not address(model) or has_key(key_variable(model)) else None
            refused = refusal(model, key)
        if model.provider not in ("simulated", "huggingface", HUMAN):  # these call no host
            where = host.rpartition("@")[2] or model.endpoint[0]
            own_keys = model.provider not in SERVICES and key is None
            labels[where, key, str(refused) if refused else None, own_keys][model.label] = None
    return [Host(*which, tuple(models)) for which, models in labels.items()]
