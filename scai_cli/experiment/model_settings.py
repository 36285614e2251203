"""The settings of a model and its endpoint: addresses and names of environment variables, never a secret."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

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


SystemRole = Literal["system", "merge", "developer"]  # left out of a config that has the default, as older ones do


class ModelChanges(Value):
    """Keys that override another model: a role's override `model`, a persona's override the users' model."""

    provider: str | None = None
    """`simulated`, `openai` (any compatible endpoint), or `module:attribute` of your own."""
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
    max_response_mb: Annotated[float | None, Field(gt=0, le=100_000, exclude_if=lambda size: size is None)] = None
    """The size of the longest response that is read, in megabytes after decompression."""
    structured: Literal["prompt", "json_schema"] | None = None
    """How answers in JSON are requested: in words, or also by the server's structured output."""
    send_seed: bool | None = None
    """Whether the seed is sent; set it to false for endpoints that reject the key."""
    system_role: Annotated[SystemRole | None, Field(exclude_if=lambda role: role is None)] = None
    """How the system message is sent to an endpoint without that role: `merge`d into the first user message, or as
    `developer`."""
    options: Mapping[str, Any] | None = None
    """The provider's own settings: body keys for `openai`; `noise`, `attention`, ... for `simulated`."""
    base_url_from: Annotated[Literal["environment"] | None, Field(exclude_if=lambda where: where is None)] = None
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
    def endpoint(self) -> tuple[str, str | None, str | None]:
        """The keys that tell endpoints apart; of a model of LangChain also its own provider."""
        behind = f":{(self.name or '').partition(':')[0]}" if self.provider == "langchain" else ""
        return f"{self.provider}{behind}", self.base_url, self.api_key_env


def overlay(base: ModelSettings, changes: ModelChanges | None) -> ModelSettings:
    """Lay changes over a model's settings key by key, null for no change; another endpoint drops the old options."""
    update = {} if changes is None else changes.model_dump(exclude_none=True)
    if "base_url" in update:
        update.setdefault("base_url_from", None)
    changed = base.model_copy(update=update)
    moved = changed.endpoint != base.endpoint and "options" not in update
    return changed.model_copy(update={"options": {}}) if moved else changed


def parse_model(text: str, option: str = "--model") -> tuple[str, str | None]:
    """Return the provider and the name of a model on the command line; raises ConfigError with the option's name.

    A provider with a dot is third-party code, with a colon of its own: `package.module:attribute:NAME`.
    """
    provider, _, name = text.partition(":")
    if "." in provider:
        attribute, _, name = name.partition(":")
        provider = f"{provider}:{attribute}"
    if provider != "simulated" and not name:
        raise ConfigError(f"{option} {text}: write `simulated` or PROVIDER:NAME, e.g. openai:MODEL")
    return provider, name or None


class Roles(Value):
    """The models of the assistant, the users, the meta-prompt and the judge."""

    assistant: ModelChanges = ModelChanges()
    """Answers the users under the constitution."""
    user: ModelChanges = ModelChanges()
    """Simulates the personas: comments and ratings."""
    meta: ModelChanges = ModelChanges()
    """Revises the constitution."""
    judge: ModelChanges = ModelChanges()
    """Judges answers in `scai generate` and `scai evaluate`; without any key it is the assistant's model."""
