"""The provider for OpenAI and compatible endpoints; the only module that imports the official client.

The client sets up authentication, base URL, proxies, redirects and TLS. To save CPU time, calls bypass its typed
layer: its HTTP client (on aiohttp if installed) sends prepared bytes and headers, and `wire` reads the answer.
"""

from __future__ import annotations

import asyncio
import email.utils
import importlib.util
import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from pydantic_core import to_json

from scai_cli.errors import CallFailed, CallTransient, ConfigError, EndpointFailed, ProviderError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion
from scai_cli.models.base import ChatModel
from scai_cli.models.wire import BodyError, FilterError, read_completion, with_response

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

OFFICIAL_URL = "https://api.openai.com/v1"
MAX_CONNECTIONS = 1024
NO_KEY = "no-key"  # sent to a server that needs none


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """The address of the calls, and the key, which must not appear in any message."""

    url: SplitResult
    key: str | None
    key_variable: str

    def __str__(self) -> str:
        return self.quote(self.url.geturl().rstrip("/"))

    @property
    def is_openai(self) -> bool:
        """Whether the endpoint is OpenAI or Azure, which require `max_completion_tokens`."""
        return (self.url.hostname or "").endswith(("api.openai.com", ".openai.azure.com"))

    def quote(self, text: str) -> str:
        """Return a foreign text as one line of at most 200 characters, without control characters and the key."""
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if self.key:
            text = text.replace(self.key, "[key]")
        return text if len(text) <= 200 else text[:199] + "…"


def connect(model: ModelSettings, *, seed: int) -> ChatModel:  # noqa: ARG001 - requests carry their seeds
    """Open a client for the endpoint of `model`; raises ConfigError for errors that show without a call.

    Of `model.options`, `transport: aiohttp | plain` chooses the HTTP transport (aiohttp if it is installed);
    the others are sent in the body of every request.
    """
    if not model.name:
        raise ConfigError("model.name: the openai provider needs the model's name, e.g. `--model openai:NAME`")
    endpoint, options = _endpoint(model), dict(model.options)
    transport = options.pop("transport", None)
    if transport not in (None, "aiohttp", "plain"):
        raise ConfigError(f"model.options.transport: {transport!r} is not one of aiohttp, plain")
    if taken := {"messages", "model", "stream"} & options.keys():
        raise ConfigError(f"model.options.{min(taken)}: cannot be set, as each call sets it; remove it")
    from openai import AsyncOpenAI  # only after the checks: the import takes half a second

    http_client = _http_client(transport)
    client = AsyncOpenAI(
        api_key=endpoint.key or NO_KEY,
        base_url=endpoint.url.geturl(),
        http_client=http_client,
        max_retries=0,  # the gate alone retries
        timeout=None,  # `_send` limits the whole call instead, the body included
    )
    return OpenAIModel(client, http_client, model, endpoint, options)


def _endpoint(model: ModelSettings) -> _Endpoint:
    base_url = model.base_url or os.environ.get("OPENAI_BASE_URL", "").strip()
    variable = model.api_key_env or "OPENAI_API_KEY"
    key = os.environ.get(variable, "").strip() or None
    if key is None and (model.api_key_env or not base_url):
        raise ConfigError(
            f"model.api_key_env: the environment variable {variable} is not set; set it to the endpoint's key"
            + ("" if base_url else ", or set model.base_url for a server without keys")
        )
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ConfigError(f"model.api_key_env: the key in {variable} contains characters that no key has")
    try:
        url = urlsplit(base_url or OFFICIAL_URL)
        plain = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        plain = False
    if not plain or url.query or url.fragment or "@" in url.netloc:
        raise ConfigError("model.base_url: not a valid URL; write it like http://127.0.0.1:8000/v1")
    return _Endpoint(url, key, variable)


def _http_client(transport: object) -> httpx2.AsyncClient:
    import httpx2
    from openai import DefaultAioHttpClient, DefaultAsyncHttpxClient

    installed = importlib.util.find_spec("aiohttp") is not None
    if transport == "aiohttp" and not installed:
        raise ConfigError("model.options.transport: aiohttp is not installed; `pip install 'openai[aiohttp]'`")
    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
    if installed and transport != "plain":
        return DefaultAioHttpClient(limits=limits, timeout=None)
    return DefaultAsyncHttpxClient(limits=limits, timeout=None)


class OpenAIModel:
    """A ChatModel that posts to `/chat/completions`; it never retries."""

    def __init__(
        self,
        client: AsyncOpenAI,
        http: httpx2.AsyncClient,
        model: ModelSettings,
        endpoint: _Endpoint,
        options: dict[str, Any],
    ) -> None:
        import httpx2

        self._client = client
        self._http = http
        self._model = model
        self._endpoint = endpoint
        self._options = options
        self._head = _head(client, http)
        self._request = httpx2.Request
        self._connection_errors: tuple[type[Exception], ...] = (httpx2.HTTPError, OSError, *_aiohttp_errors())
        self._foreign_errors: tuple[type[Exception], ...] = (ValueError, RecursionError, *self._connection_errors)

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request within `timeout_s`, including the whole body."""
        content = await self._send(self._head.url, self.body(request))
        try:
            return self._without_key(read_completion(content, request))
        except self._foreign_errors as error:
            raise with_response(self._translate(error), content) from None

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post to another path (`embeddings`) and return the answer's body; raises the errors of `complete`."""
        return await self._send(self._head.url.join(f"../{path}"), body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _send(self, url: httpx2.URL, body: Mapping[str, Any]) -> bytes:
        content = to_json(body)
        try:
            async with asyncio.timeout(self._model.timeout_s):
                request = self._request("POST", url, headers=self._head.headers, content=content)
                response = await self._http.send(request)
        except self._foreign_errors as error:
            raise self._translate(error) from None
        if response.is_success:
            return response.content
        raise self._status_error(response.status_code, _error_body(response.content), response.headers)

    def _without_key(self, completion: Completion) -> Completion:
        """Remove the key from an answer that echoes it, as answers are written to disk."""
        key = self._endpoint.key
        if key is None or key not in completion.text:
            return completion
        return replace(completion, text=completion.text.replace(key, "[secret]"))

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
        if "max_tokens" in body and self._endpoint.is_openai:
            body["max_completion_tokens"] = body.pop("max_tokens")
        return body | self._options

    def _translate(self, error: Exception) -> ProviderError:
        """Translate an error of the client, its transport or `wire` into scai's."""
        where, quote = self._endpoint, self._endpoint.quote
        if isinstance(error, BodyError):
            return self._status_error(error.status, error.body, {})
        if isinstance(error, FilterError) and error.finish is not None:
            return CallFailed(f"{where}: the endpoint's content filter withheld the answer")
        if isinstance(error, TimeoutError):  # before the connection errors: it is an OSError
            limit = f"no complete answer within {self._model.timeout_s:g} s (model.timeout_s)"
            return CallTransient(f"{where}: {limit}", overloaded=True)
        if isinstance(error, self._connection_errors):
            cause = error.__cause__ or error
            reason = quote(str(cause) or type(cause).__name__)
            return CallTransient(f"{where}: the connection failed ({reason}); is the server up?")
        return CallTransient(f"{where}: HTTP 200, but no chat completion ({quote(str(error))})")

    def _status_error(self, status: int, body: object, headers: Mapping[str, str]) -> ProviderError:
        """Return the error for an HTTP status and its body."""
        if isinstance(body, list) and body:  # Google puts the error into a list
            body = body[0]
        if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
            body = body["error"]
        message = body.get("message") or body.get("detail") or body if isinstance(body, Mapping) else body
        reason = self._endpoint.quote(str(message or "no reason given"))
        text = f"{self._endpoint}: HTTP {status}: {reason}"
        if status == 429 and "insufficient_quota" in str(body):  # the one 429 that no wait resolves
            return EndpointFailed(f"{text}; check the account's plan and billing")
        if status in _TRANSIENT or status >= 500:
            overloaded = status in _OVERLOADED
            return CallTransient(text, retry_after=_retry_after(headers), overloaded=overloaded)
        if status in _REMEDIES:
            return EndpointFailed(f"{text}; {_REMEDIES[status].format(key=self._endpoint.key_variable)}")
        return CallFailed(text)


def _head(client: AsyncOpenAI, http: httpx2.AsyncClient) -> httpx2.Request:
    """Return the address and headers of all calls, with the key."""
    given = {**client.default_headers, **client.auth_headers}
    headers = {name: value for name, value in given.items() if isinstance(value, str)}
    head = http.build_request("POST", f"{client.base_url}chat/completions", headers=headers)
    del head.headers["content-length"]
    return head


def _error_body(data: bytes) -> object:
    """Return the `error` in a body, or the whole body, or its text if it is not JSON."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return data.decode(errors="replace").strip()
    return body.get("error", body) if isinstance(body, Mapping) else body


_TRANSIENT = {408, 409, 425, 429}
_OVERLOADED = {408, 429, 503, 504, 529}
_REMEDIES = {
    401: "check the key in {key}",
    402: "the account has no credit left; add some",
    403: "the key in {key} may not use this model, or not from here",
    404: "check the model's name and model.base_url",
    405: "check model.base_url",
}


def _aiohttp_errors() -> tuple[type[Exception], ...]:
    """Return the errors that the aiohttp transport, if installed, raises without translation."""
    if importlib.util.find_spec("aiohttp") is None:
        return ()
    import aiohttp

    return (aiohttp.ClientError,)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that the headers ask for (in milliseconds, in seconds or as a date), or None."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if not math.isnan(seconds):
            return max(0.0, seconds)
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None


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
