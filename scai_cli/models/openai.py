"""OpenAI and every compatible endpoint, through the official client; the only module that knows it.

What makes a call light: the request is sent as ready bytes under headers made once, by the client's own HTTP client on
aiohttp where that is installed, and the answer is read by the few lines below instead of being built into the client's
typed objects. The client keeps what it is good at: authentication, base URL, proxies, redirects, TLS.
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
from scai_cli.models.wire import BodyError, FilterError, read

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

OFFICIAL_URL = "https://api.openai.com/v1"
MAX_CONNECTIONS = 1024
NO_KEY = "no-key"  # what a server that asks for none is sent


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Where the calls go, and the key, which is never told."""

    url: SplitResult
    key: str | None
    key_variable: str

    def __str__(self) -> str:
        return self.quote(self.url.geturl().rstrip("/"))

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI itself or its models at Azure, which want `max_completion_tokens`."""
        return (self.url.hostname or "").endswith(("api.openai.com", ".openai.azure.com"))

    def quote(self, text: str) -> str:
        """A foreign text, fit for a message: one line of at most 200 characters, no controls, no key."""
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if self.key:
            text = text.replace(self.key, "[key]")
        return text if len(text) <= 200 else text[:199] + "…"


def connect(model: ModelSettings, *, seed: int) -> ChatModel:  # noqa: ARG001 - requests carry their seeds
    """Open a client for the endpoint of `model`; raises ConfigError for what can be known before a call.

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
        raise ConfigError(f"model.options.{min(taken)}: cannot be set; it is decided by each call")
    from openai import AsyncOpenAI  # not before all is checked: it takes half a second

    http_client = _http_client(transport)
    client = AsyncOpenAI(
        api_key=endpoint.key or NO_KEY,
        base_url=endpoint.url.geturl(),
        http_client=http_client,
        max_retries=0,  # the gate alone retries
        timeout=None,  # a total one is kept below
    )
    return OpenAIModel(client, http_client, model, endpoint, options)


def _endpoint(model: ModelSettings) -> _Endpoint:
    base_url = model.base_url or os.environ.get("OPENAI_BASE_URL", "").strip()
    variable = model.api_key_env or "OPENAI_API_KEY"
    key = os.environ.get(variable, "").strip() or None
    if key is None and (model.api_key_env or not base_url):
        raise ConfigError(
            f"model.api_key_env: the environment variable {variable} is not set; set it to the endpoint's key"
            + ("" if base_url else ", or give model.base_url for a server that needs none")
        )
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ConfigError(f"model.api_key_env: the key in {variable} holds characters that no key has")
    try:
        url = urlsplit(base_url or OFFICIAL_URL)
        plain = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        plain = False
    if not plain or url.query or url.fragment or "@" in url.netloc:
        raise ConfigError("model.base_url: not a plain web address; write it like http://127.0.0.1:8000/v1")
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
        lost: tuple[type[Exception], ...] = (httpx2.HTTPError, OSError, *_aiohttp_errors())
        self._lost = lost
        self._foreign: tuple[type[Exception], ...] = (ValueError, RecursionError, *lost)

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request within `timeout_s`, the last byte of the body included."""
        content = to_json(self.body(request))
        head = self._head
        try:
            async with asyncio.timeout(self._model.timeout_s):
                posted = self._request("POST", head.url, headers=head.headers, content=content)
                response = await self._http.send(posted)
            if response.is_success:
                return self._without_key(read(response.content, request))
        except self._foreign as error:
            raise self._translate(error) from None
        raise self._refused(response.status_code, _told(response.content), response.headers)

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """What a path of the endpoint beside `chat/` (`embeddings`) answers to a body; raises as `complete`."""
        head = self._head
        try:
            async with asyncio.timeout(self._model.timeout_s):
                url = head.url.join(f"../{path}")
                response = await self._http.send(
                    self._request("POST", url, headers=head.headers, content=to_json(body))
                )
        except self._foreign as error:
            raise self._translate(error) from None
        if response.is_success:
            return response.content
        raise self._refused(response.status_code, _told(response.content), response.headers)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _without_key(self, completion: Completion) -> Completion:
        """The answer, should the endpoint have put our key into it: what a model says is written down."""
        key = self._endpoint.key
        if key is None or key not in completion.text:
            return completion
        return replace(completion, text=completion.text.replace(key, "[secret]"))

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """What is sent for a request: its own words, in those of the endpoint, and `model.options`."""
        body = request.body()
        schema = body.pop("schema", None)
        if schema is not None and self._model.structured == "json_schema":
            form = {"name": request.purpose, "schema": schema, "strict": _is_strict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        if "logprobs" in body:
            body |= {"logprobs": True, "top_logprobs": request.logprobs}
        if not self._model.send_seed:
            body.pop("seed", None)
        if "max_tokens" in body and self._endpoint.is_openai:
            body["max_completion_tokens"] = body.pop("max_tokens")
        return body | self._options

    def _translate(self, error: Exception) -> ProviderError:
        """Our word for whatever the client, its transport or the reading of the answer raised."""
        where, quote = self._endpoint, self._endpoint.quote
        if isinstance(error, BodyError):
            return self._refused(error.status, error.body, {})
        if isinstance(error, FilterError):
            return CallFailed(f"{where}: the endpoint's content filter withheld the answer")
        if isinstance(error, TimeoutError):
            limit = f"no complete answer within {self._model.timeout_s:g} s (model.timeout_s)"
            return CallTransient(f"{where}: {limit}", overloaded=True)
        if isinstance(error, self._lost):
            cause = error.__cause__ or error
            reason = quote(str(cause) or type(cause).__name__)
            return CallTransient(f"{where}: the connection failed ({reason}); is the server up?")
        return CallTransient(f"{where}: HTTP 200, but no chat completion ({quote(str(error))})")

    def _refused(self, status: int, body: object, headers: Mapping[str, str]) -> ProviderError:
        """Our word for an error status and the error's body."""
        if isinstance(body, list) and body:  # Google puts the error into a list
            body = body[0]
        if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
            body = body["error"]
        message = body.get("message") or body.get("detail") or body if isinstance(body, Mapping) else body
        reason = self._endpoint.quote(str(message or "no reason given"))
        text = f"{self._endpoint}: HTTP {status}: {reason}"
        if status == 429 and "insufficient_quota" in str(body):
            return EndpointFailed(f"{text}; check the account's plan and billing")
        if status in _PASSING or status >= 500:
            overloaded = status in _OVERLOADED
            return CallTransient(text, retry_after=_retry_after(headers), overloaded=overloaded)
        if status in _FOR_GOOD:
            return EndpointFailed(f"{text}; {_FOR_GOOD[status].format(key=self._endpoint.key_variable)}")
        return CallFailed(text)


def _head(client: AsyncOpenAI, http: httpx2.AsyncClient) -> httpx2.Request:
    """What every call has in common: the address, and the client's headers with its key."""
    told = {**client.default_headers, **client.auth_headers}
    headers = {name: value for name, value in told.items() if isinstance(value, str)}
    head = http.build_request("POST", f"{client.base_url}chat/completions", headers=headers)
    del head.headers["content-length"]
    return head


def _told(data: bytes) -> object:
    """What an error's body says: its `error`, the whole of it, or its text where it is no JSON."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return data.decode(errors="replace").strip()
    return body.get("error", body) if isinstance(body, Mapping) else body


_PASSING = {408, 409, 425, 429}
_OVERLOADED = {408, 429, 503, 504, 529}
_FOR_GOOD = {
    401: "check the key in {key}",
    402: "the account must be topped up",
    403: "the key in {key} may not use this model, or not from here",
    404: "check the model's name and model.base_url",
    405: "check model.base_url",
}


def _aiohttp_errors() -> tuple[type[Exception], ...]:
    """What the aiohttp transport lets through untranslated, if it is installed."""
    if importlib.util.find_spec("aiohttp") is None:
        return ()
    import aiohttp

    return (aiohttp.ClientError,)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait in seconds that the headers ask for (in milliseconds, in seconds or as a date), or None."""
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
    """Whether a schema has the form that OpenAI's strict mode demands: objects closed, every key required."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "object":
            closed = schema.get("additionalProperties") is False
            complete = set(schema.get("required", ())) == set(schema.get("properties", {}))
            if not (closed and complete):
                return False
        return all(_is_strict(part) for part in schema.values())
    return all(_is_strict(part) for part in schema) if isinstance(schema, (list, tuple)) else True
