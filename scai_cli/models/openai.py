"""The provider for OpenAI and compatible endpoints: what it sends.

The official client sets up authentication and the base URL. Calls bypass its typed layer: `connection` sends bytes and
reads the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion
from scai_cli.models.base import ChatModel
from scai_cli.models.connection import Connection
from scai_cli.models.endpoint import Endpoint, endpoint_of
from scai_cli.models.key_trust import KEY_VARIABLE, is_trusted
from scai_cli.models.request_options import request_options
from scai_cli.models.system_role import with_role

if TYPE_CHECKING:
    import httpx2

NO_KEY: Final = "no-key"
"""What is sent to a server that needs no key."""
_PATH: Final = "chat/completions"
_TAKEN: Final = ("messages", "model", "stream", "extra_query")


def connect(model: ModelSettings, *, seed: int) -> ChatModel:  # noqa: ARG001 - requests carry their seeds
    """Open a client for the endpoint of `model`; raises ConfigError for errors that show without a call.

    `request_options` documents `model.options`.
    """
    if not model.name:
        raise ConfigError("model.name: the openai provider needs the model's name, e.g. `--model openai:NAME`")
    return OpenAIModel(model)


class OpenAIModel:
    """A ChatModel that posts to `/chat/completions`; it never retries."""

    def __init__(self, model: ModelSettings) -> None:
        self._model = model
        endpoint, options = endpoint_of(model), request_options(model.options, _TAKEN)
        self._options = options.body
        self.connection = Connection(model, endpoint, options, _head, _auth)

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request within `timeout_s`, including the whole body."""
        return await self.connection.answer(_PATH, request, self.body(request))

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post to another path (`embeddings`) and return the answer's body; raises the errors of `complete`."""
        return await self.connection.post(path, body)

    async def listed(self) -> bytes:
        """Return the endpoint's list of models, with what it says about each; raises the errors of `complete`."""
        return await self.connection.get("models")

    async def aclose(self) -> None:
        """Close the connections."""
        await self.connection.aclose()

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """Return the JSON body of a request, with `model.options`."""
        body = request.body()
        schema = body.pop("schema", None)
        if schema is not None and self._model.structured == "json_schema":
            json_schema = {"name": request.purpose, "schema": schema, "strict": _is_strict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": json_schema}
        if "logprobs" in body:
            body |= {"logprobs": True, "top_logprobs": request.logprobs}
        if not self._model.send_seed:
            body.pop("seed", None)
        if "max_tokens" in body and self.connection.endpoint.is_openai:
            body["max_completion_tokens"] = body.pop("max_tokens")
        if self._model.system_role != "system":
            body["messages"] = with_role(body["messages"], self._model.system_role)
        body.update(self._options)
        return body


def _head(http: httpx2.AsyncClient, endpoint: Endpoint) -> tuple[httpx2.URL, dict[str, str]]:
    """Return the base URL and the headers of all calls, as the official client makes them."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key=endpoint.key or NO_KEY, base_url=endpoint.url.geturl(), http_client=http)
    if not is_trusted(KEY_VARIABLE, endpoint.origin):  # nor are OPENAI_ORG_ID and OPENAI_CUSTOM_HEADERS
        client.organization = client.project = None
        client._custom_headers = {}
    given = {**client.default_headers, **_auth(endpoint.key or NO_KEY)}
    return client.base_url, {name: value for name, value in given.items() if isinstance(value, str)}


def _auth(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _is_strict(schema: object) -> bool:
    """Return whether a schema fits OpenAI's strict mode: closed objects, all keys required."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "object":
            closed = schema.get("additionalProperties") is False
            complete = set(schema.get("required", ())) == set(schema.get("properties", {}))
            if not (closed and complete):
                return False
        return all(_is_strict(part) for part in schema.values())
    return all(_is_strict(part) for part in schema) if isinstance(schema, (list, tuple)) else True
