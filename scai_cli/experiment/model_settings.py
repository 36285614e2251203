"""The settings of a model and its endpoint: addresses and names of environment variables, never a secret."""

import importlib.util
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from scai_cli import plugins
from scai_cli.errors import ConfigError
from scai_cli.values import Value

NO_QUERY: Final = (
    "an address must not contain a query (?...); leave the query away "
    "(Azure's address without one is https://RESOURCE.openai.azure.com/openai/v1)"
)
_SECRET = re.compile(r"(?i)api[-_]?key|authorization|secret|password|bearer")


def without_secrets(value: Any) -> Any:
    """Return an address or a mapping of options unchanged; raises ValueError if it contains a secret."""
    if isinstance(value, str):
        if "?" in value:
            raise ValueError(NO_QUERY)
        parts = urlsplit(value)
        if parts.username or parts.password:
            raise ValueError("an address must not contain a user or password; name the key's variable in api_key_env")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _SECRET.search(str(key)):
                raise ValueError(f"{key}: do not write keys here; name the key's variable in api_key_env")
            if isinstance(inner, Mapping):
                without_secrets(inner)
    return value


def variable_name(name: str) -> str:
    """Return the name of an environment variable; raises ValueError for one that cannot be."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("must be the name of an environment variable, not the key itself")
    return name


VariableName = Annotated[str, AfterValidator(variable_name)]


BatchKind = Literal["openai", "file"]

RATES: Final = ("concurrency", "requests_per_minute", "tokens_per_minute")
"""The keys of a model that limit the load of its endpoint, all roles together; without a value `limits` counts."""
PACE: Final = (*RATES, "batch")
"""The keys of a model that say when its calls are made; they have no effect on the requests."""

_SERVICES: Final = frozenset(("openai", "anthropic", "huggingface", "langchain"))
SERVICE_KEYS: Final = ("base_url", "api_key_env")
"""The keys of a model that say where its calls go, and with which key."""

WITHOUT_ENDPOINT: Final = ("huggingface", "langchain")
"""The providers whose models have neither of `SERVICE_KEYS`, and no way to enforce the form of an answer."""

SystemRole = Literal["system", "merge", "developer"]  # left out of a config that has the default, as older ones do


def _is_none(value: object) -> bool:
    return value is None


class ModelChanges(Value):
    """Keys that override another model: a role's override `model`, a persona's override the users' model."""

    provider: str | None = None
    """`simulated`, `openai` (any compatible endpoint), `anthropic`, `huggingface`, `langchain`, or your own
    `module:attribute`."""
    name: str | None = None
    """The model's name at the endpoint."""
    base_url: str | None = None
    """The endpoint, e.g. http://127.0.0.1:8000/v1; from OPENAI_BASE_URL if null."""
    api_key_env: VariableName | None = None
    """The environment variable with the key; OPENAI_API_KEY if null. Never write the key itself."""
    temperature: Annotated[float, Field(ge=0)] | None = None
    """Sampling temperature; the endpoint's default if null."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Nucleus sampling; the endpoint's default if null."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """The maximal length of an answer, in tokens; the endpoint's default if null."""
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    """The timeout of one attempt, in seconds."""
    max_response_mb: Annotated[float | None, Field(gt=0, le=100_000, exclude_if=_is_none)] = None
    """The size of the longest response that is read, in megabytes after decompression."""
    structured: Literal["prompt", "json_schema"] | None = None
    """How answers in JSON are requested: in words, or also by the server's structured output."""
    send_seed: bool | None = None
    """Whether the seed is sent; set it to false for endpoints that reject the key."""
    system_role: Annotated[SystemRole | None, Field(exclude_if=_is_none)] = None
    """How the system message is sent to an endpoint without that role: `merge`d into the first user message, or as
    `developer`."""
    options: Mapping[str, Any] | None = None
    """The provider's own settings: body keys for `openai` and `anthropic`; `noise`, `attention`, ... for
    `simulated`."""
    concurrency: Annotated[int | None, Field(ge=1, exclude_if=_is_none)] = None
    """The maximal number of concurrent calls to this endpoint; `limits.concurrency` if null."""
    requests_per_minute: Annotated[float | None, Field(gt=0, exclude_if=_is_none)] = None
    """The maximal number of requests per minute to this endpoint; that of `limits` if null."""
    tokens_per_minute: Annotated[float | None, Field(gt=0, exclude_if=_is_none)] = None
    """The maximal number of tokens per minute to this endpoint; that of `limits` if null."""
    batch: Annotated[BatchKind | None, Field(exclude_if=_is_none)] = None
    """Hand calls over in batches: `openai` for the endpoint's files and batches, at half the price and within a day;
    `file` to have a program of yours answer a file of requests."""
    base_url_from: Annotated[Literal["environment"] | None, Field(exclude_if=_is_none)] = None
    """Written by scai into the config of a run whose base_url comes from OPENAI_BASE_URL."""

    _no_secrets = field_validator("base_url", "options")(without_secrets)


class ModelSettings(ModelChanges):
    """A model, its endpoint and its sampling."""

    # The fields of ModelChanges that have a value in any case.
    provider: str = "simulated"
    timeout_s: Annotated[float, Field(gt=0)] = 120.0
    max_response_mb: Annotated[float, Field(gt=0, le=100_000, exclude_if=lambda size: size == 32)] = 32.0
    structured: Literal["prompt", "json_schema"] = "prompt"
    send_seed: bool = True
    system_role: Annotated[SystemRole, Field(exclude_if=lambda role: role == "system")] = "system"
    options: Mapping[str, Any] = {}

    @property
    def label(self) -> str:
        """The model's name in requests and records: its own, or its provider's."""
        return self.name or self.provider

    @property
    def own_base_url(self) -> str | None:
        """The address that the experiment names; OPENAI_BASE_URL is for the models of `openai` alone."""
        return None if self.base_url_from else self.base_url

    @property
    def may_send_schema(self) -> bool:
        """Whether `structured: json_schema` is left to try."""
        return self.structured == "prompt" and self.provider not in WITHOUT_ENDPOINT

    @property
    def endpoint(self) -> tuple[str, str | None, str | None]:
        """The keys that tell endpoints apart; of a model of LangChain also its own provider."""
        behind = f":{(self.name or '').partition(':')[0]}" if self.provider == "langchain" else ""
        return f"{self.provider}{behind}", self.base_url, self.api_key_env


def overlay(base: ModelSettings, changes: ModelChanges | None) -> ModelSettings:
    """Lay changes over a model's settings key by key, null for no change.

    Another endpoint has neither the options nor the pace of the old one, another service neither its address nor its
    key. An address from OPENAI_BASE_URL stays, as it is for all models of that provider.
    """
    update = {} if changes is None else changes.model_dump(exclude_none=True)
    if "base_url" in update:
        update.setdefault("base_url_from", None)
    changed = base.model_copy(update=update)
    if changed.endpoint == base.endpoint:
        return changed
    own: dict[str, Any] = {"options": {}, **dict.fromkeys(PACE)}
    if is_other_service(base.provider, changed.provider):
        own |= dict.fromkeys(("api_key_env",) if base.base_url_from else SERVICE_KEYS)
    return changed.model_copy(update={key: value for key, value in own.items() if key not in update})


def is_other_service(before: str, after: str) -> bool:
    """Return whether an address and a key for one provider are not for another one."""
    return before != after and {before, after} <= _SERVICES


def parse_model(text: str, option: str = "--model") -> tuple[str, str | None]:
    """Return the provider and the name of a model on the command line; raises ConfigError with the option's name.

    A prefix that is not the name of a provider but of a module is third-party code: `package.module:attribute:NAME`.
    Its NAME may be left out.
    """
    provider, _, name = text.partition(":")
    if name and not plugins.is_known("provider", provider) and _is_module(provider):
        attribute, _, name = name.partition(":")
        return f"{provider}:{attribute}", name or None
    if provider != "simulated" and not name:
        raise ConfigError(f"{option} {text}: write `simulated` or PROVIDER:NAME, e.g. openai:MODEL")
    return provider, name or None


def _is_module(name: str) -> bool:
    """Return whether a name is that of a module; a dotted one is taken for it without a search."""
    if "." in name:
        return True
    with suppress(ImportError, ValueError):
        return importlib.util.find_spec(name) is not None
    return False


class Roles(Value):
    """The models of the assistant, the users, the meta-prompt, the judge and the rater."""

    assistant: ModelChanges = ModelChanges()
    """Answers the users under the constitution."""
    user: ModelChanges = ModelChanges()
    """Simulates the personas: comments and ratings."""
    meta: ModelChanges = ModelChanges()
    """Revises the constitution."""
    judge: ModelChanges = ModelChanges()
    """Judges answers in `scai generate` and `scai evaluate`; without any key it is the assistant's model."""
    # Left out of what is printed and saved while it is the default: runs before 0.13 do not have it.
    rater: ModelChanges = Field(default=ModelChanges(), exclude_if=lambda changes: changes == ModelChanges())
    """Rates and votes as the personas, in a dialogue whose users only talk (`talk`); without any key the users do."""
