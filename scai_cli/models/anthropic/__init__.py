"""The provider for Anthropic's Messages API: what it sends, and how its answers are read.

It needs no SDK: `connection` sends the bytes, with its bounds, redirects and hidden keys, and `wire` reads the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from scai_cli.errors import ConfigError, ParameterRefused
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.anthropic.answers import chat_completion
from scai_cli.models.base import ChatModel
from scai_cli.models.connection import Connection
from scai_cli.models.endpoint import Endpoint, endpoint_of
from scai_cli.models.key_command import is_web_token
from scai_cli.models.request_options import request_options

if TYPE_CHECKING:
    import httpx2

MAX_TOKENS: Final = 8192
"""The length of an answer, in tokens, unless `max_tokens` sets it: the API requires one."""
_VERSION: Final = "2023-06-01"
_TAKEN: Final = ("messages", "model", "stream", "system")
_SAMPLING: Final = ("max_tokens", "temperature", "top_p")
_EMPTY: Final = "(empty)"
"""The API refuses empty messages."""
_OPENING: Final = "(The conversation begins.)"
"""The API expects the user to begin."""
_BOUNDS: Final = {
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
}
"""The keys of a JSON schema that the API refuses; scai checks them in the answer."""


def connect(model: ModelSettings, *, seed: int) -> ChatModel:  # noqa: ARG001 - the API has no seed
    """Open a client for the endpoint of `model`; raises ConfigError for errors that show without a call.

    `request_options` documents `model.options`; its body keys are `thinking`, `service_tier`, `cache_control`, ...
    """
    if not model.name:
        raise ConfigError("model.name: the anthropic provider needs the model's name, e.g. `--model anthropic:NAME`")
    if model.temperature is not None and model.temperature > 1:
        raise ConfigError(f"model.temperature: {model.temperature:g} is over 1, the highest that Anthropic has")
    if model.system_role != "system":
        raise ConfigError(f"model.system_role: {model.system_role} is not for Anthropic, which has system messages")
    return AnthropicModel(model)


class AnthropicModel:
    """A ChatModel that posts to `/v1/messages`; it never retries."""

    def __init__(self, model: ModelSettings) -> None:
        self._model = model = model.model_copy(update={"provider": "anthropic"})  # also if it is loaded as code
        endpoint, options = endpoint_of(model), request_options(model.options, _TAKEN)
        self._options = options.body
        if not isinstance(options.body.get("output_config", {}), Mapping):
            raise ConfigError("model.options.output_config: not a mapping of names to values")
        self.connection = Connection(model, endpoint, options, _head, _auth)

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request within `timeout_s`, including the whole body; raises ParameterRefused for `logprobs`."""
        if request.logprobs is not None:
            raise ParameterRefused(f"{self.connection.endpoint}: the API gives no log-probabilities", "logprobs")
        return await self.connection.answer("messages", request, self.body(request), chat_completion)

    async def listed(self) -> bytes:
        """Return what the endpoint says about the model; raises the errors of `complete`."""
        return await self.connection.get(f"models/{quote(self._model.name or '', safe='')}")

    async def aclose(self) -> None:
        """Close the connections."""
        await self.connection.aclose()

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """Return the JSON body of a request, with `model.options`; it has no seed."""
        given = {key: value for key, value in request.body().items() if key in _SAMPLING}
        body = {"model": request.model, "max_tokens": MAX_TOKENS, "messages": _turns(request.messages), **given}
        if system := _system(request.messages):
            # A breakpoint of the cache: many calls share a system message, few share more. A short one is not cached.
            body["system"] = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
        body.update(self._options)
        if request.schema is not None and self._model.structured == "json_schema":
            form = {"type": "json_schema", "schema": _closed(request.schema)}
            body["output_config"] = {**body.get("output_config", {}), "format": form}
        return body


def _head(http: httpx2.AsyncClient, endpoint: Endpoint) -> tuple[httpx2.URL, dict[str, str]]:  # noqa: ARG001
    """Return the address below which all paths are, and the headers of all calls."""
    import httpx2

    headers = {"accept": "application/json", "content-type": "application/json", "user-agent": "scai"}
    root = httpx2.URL(endpoint.url.geturl().rstrip("/") + "/v1/")
    return root, {**headers, "anthropic-version": _VERSION, **(_auth(endpoint.key) if endpoint.key else {})}


def _auth(key: str) -> dict[str, str]:
    """Return the header with a key; a token that expires (of Entra ID, of a sign-in) has another one."""
    is_token = is_web_token(key) or key.startswith("sk-ant-oat")
    return {"authorization": f"Bearer {key}"} if is_token else {"x-api-key": key}


def _system(messages: Iterable[Message]) -> str:
    return "\n\n".join(message.content for message in messages if message.role == "system" and message.content.strip())


def _turns(messages: Iterable[Message]) -> list[dict[str, str]]:
    """Return the messages without the system's: the user begins, and messages of one role in a row are one."""
    turns: list[dict[str, str]] = []
    for message in messages:
        content = message.content if message.content.strip() else _EMPTY
        if message.role == "system":
            continue
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += f"\n\n{content}"
        else:
            turns.append({"role": message.role, "content": content})
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": _OPENING})
    return turns


def _closed(schema: Any) -> Any:
    """Return a JSON schema as the API takes it: closed objects, no bounds."""
    if isinstance(schema, (list, tuple)):
        return [_closed(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed = {key: _closed(value) for key, value in schema.items() if key not in _BOUNDS}
    for names in ("properties", "$defs"):  # their keys are names of the form's own
        if names in schema:
            closed[names] = {name: _closed(part) for name, part in schema[names].items()}
    return {**closed, "additionalProperties": False} if schema.get("type") == "object" else closed
