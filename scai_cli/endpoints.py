"""What a file may say of an endpoint: addresses and names of variables, never a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from scai_cli.values import Value

_SECRET = re.compile(r"(?i)api[-_]?key|authorization|secret|password|bearer")


def without_secrets(value: Any) -> Any:
    """An address or a mapping of options as it is; raises ValueError where it holds a secret."""
    if isinstance(value, str):
        parts = urlsplit(value)
        if parts.username or parts.password or parts.query:
            raise ValueError("an address holds no user, password or query; name the key's variable in api_key_env")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _SECRET.search(str(key)):
                raise ValueError(f"{key}: keys are never written here; name the key's variable in api_key_env")
            if isinstance(inner, Mapping):
                without_secrets(inner)
    return value


def _variable_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("must be the name of an environment variable; the key itself is never written here")
    return name


VariableName = Annotated[str, AfterValidator(_variable_name)]


class OwnModel(Value):
    """What differs for one persona from the users' model; null means as there."""

    provider: str | None = None
    """`simulated`, `openai`, or `module:attribute`."""
    name: str | None = None
    """The model's name at the endpoint."""
    base_url: str | None = None
    """The endpoint."""
    api_key_env: VariableName | None = None
    """The environment variable that holds the key."""
    temperature: Annotated[float, Field(ge=0)] | None = None
    """Sampling temperature."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Nucleus sampling."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """The longest answer, in tokens."""
    structured: Literal["prompt", "json_schema"] | None = None
    """How answers of a given form are asked for."""

    _no_secrets = field_validator("base_url")(without_secrets)
