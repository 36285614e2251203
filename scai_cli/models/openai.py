"""The provider for OpenAI and compatible endpoints; the only module that imports the official client.

The client sets up authentication, base URL, proxies, redirects and TLS. To save CPU time, calls bypass its typed
layer: its HTTP client (on aiohttp if installed) sends prepared bytes and headers, and `wire` reads the answer.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from scai_cli.errors import CallAdapted, CallTransient, ConfigError, EndpointFailed, PromptRefused, ProviderError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion
from scai_cli.models.base import ChatModel
from scai_cli.models.endpoint import endpoint_of
from scai_cli.models.interim_responses import bound_interim_responses
from scai_cli.models.key_trust import KEY_VARIABLE, is_trusted
from scai_cli.models.refusals import Refusal
from scai_cli.models.response import ENCODING, MAX_ERROR, MB, read_body
from scai_cli.models.system_role import with_role
from scai_cli.models.wire import BodyError, FilterError, read_completion, unused_response

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

_name_host = lru_cache(partial(logging.getLogger("scai_cli").warning, "scai: the key in %s goes to %s"))
"""Write on stderr, once per process and unless logging is set up otherwise, which key a host gets."""
MAX_CONNECTIONS = 1024
NO_KEY = "no-key"  # sent to a server that needs none
_HEADER = re.compile(r"(?!(?i:content-length|transfer-encoding|host):)[\w!#$%&'*+.^`|~-]+: [\t -~]*", re.ASCII)


def connect(model: ModelSettings, *, seed: int) -> ChatModel:  # noqa: ARG001 - requests carry their seeds
    """Open a client for the endpoint of `model`; raises ConfigError for errors that show without a call.

    Of `model.options`, `transport: aiohttp | plain` chooses the HTTP transport (aiohttp if it is installed),
    `extra_headers` are sent with every request, `extra_body` and all others in its body.
    """
    if not model.name:
        raise ConfigError("model.name: the openai provider needs the model's name, e.g. `--model openai:NAME`")
    return OpenAIModel(model)


def _sorted(options: Mapping[str, Any]) -> tuple[str | None, dict[str, str], dict[str, Any]]:
    """Return the transport, headers and body keys in `model.options`; raises ConfigError for an odd one."""
    body = dict(options)
    transport, headers, extra = (body.pop(key, None) for key in ("transport", "extra_headers", "extra_body"))
    if transport not in (None, "aiohttp", "plain"):
        raise ConfigError(f"model.options.transport: {transport!r} is not one of aiohttp, plain")
    for name, value in (("extra_headers", headers), ("extra_body", extra)):
        if not isinstance(value, Mapping | None):
            raise ConfigError(f"model.options.{name}: not a mapping of names to values")
    body.update(extra or {})
    if taken := {"messages", "model", "stream", "extra_query"} & body.keys():
        raise ConfigError(f"model.options.{min(taken)}: cannot be set, as each call sets it; remove it")
    sent = {str(name): str(value) for name, value in (headers or {}).items()}
    if odd := [name for name, value in sent.items() if not _HEADER.fullmatch(f"{name}: {value}")]:
        raise ConfigError(
            f"model.options.extra_headers.{odd[0]}: cannot be sent (write printable ASCII; host and length are scai's)"
        )
    return transport, sent, body


@contextmanager
def _opening() -> Iterator[None]:
    """Turn an error that an environment variable causes while a client is opened into a ConfigError."""
    import httpx2

    try:
        yield
    except (ValueError, OSError, ImportError, httpx2.InvalidURL) as error:
        causes = " or ".join(name for name, value in os.environ.items() if _is_cause(error, name.upper(), value))
        problem = f"no client can be opened with this value ({' '.join(str(error).split())}); correct or unset it"
        raise ConfigError(f"{causes or 'the environment'}: {problem}") from None


def _is_cause(error: Exception, name: str, value: str) -> bool:
    if isinstance(error, UnicodeError):
        return name.startswith("OPENAI_") and not (value.isascii() and value.isprintable())
    if isinstance(error, OSError):
        return name == "SSL_CERT_FILE"
    return name.endswith("_PROXY") and name != "NO_PROXY"


def _http_client(transport: str | None) -> httpx2.AsyncClient:
    import httpx2
    from openai import DefaultAioHttpClient, DefaultAsyncHttpxClient

    installed = importlib.util.find_spec("aiohttp") is not None
    if transport == "aiohttp" and not installed:
        raise ConfigError("model.options.transport: aiohttp is not installed; `pip install 'openai[aiohttp]'`")
    if installed:
        bound_interim_responses()
    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
    client = DefaultAioHttpClient if installed and transport != "plain" else DefaultAsyncHttpxClient
    return client(limits=limits, timeout=None, headers={"accept-encoding": ENCODING})


class OpenAIModel:
    """A ChatModel that posts to `/chat/completions`; it never retries."""

    def __init__(self, model: ModelSettings) -> None:
        self._model = model
        self._endpoint = endpoint_of(model)
        transport, headers, self._options = _sorted(model.options)
        import httpx2  # only after the checks: these imports take half a second
        from openai import AsyncOpenAI

        with _opening():
            self._http = _http_client(transport)
            self._client = AsyncOpenAI(
                api_key=self._endpoint.key or NO_KEY,
                base_url=self._endpoint.url.geturl(),
                http_client=self._http,
                max_retries=0,  # the gate alone retries
                timeout=None,  # `_send` limits the whole call instead, the body included
            )
            if not is_trusted(KEY_VARIABLE, self._endpoint.origin):  # nor are OPENAI_ORG_ID and OPENAI_CUSTOM_HEADERS
                self._client.organization = self._client.project = None
                self._client._custom_headers = {}
            self._head = _head(self._client, self._http, headers)
        if self._endpoint.key is not None:
            _name_host(self._endpoint.key_variable, self._endpoint.origin)
        self._request = httpx2.Request
        # ValueError: what the transports raise for an address or a proxy that they cannot use.
        self._connection_errors: tuple[type[Exception], ...] = (httpx2.HTTPError, OSError, ValueError, zlib.error)
        with suppress(ImportError):  # if aiohttp is installed, its transport raises some of its errors untranslated
            import aiohttp

            self._connection_errors += (aiohttp.ClientError,)
        self._adapted: dict[str, str | None] = {}  # parameter that the endpoint refuses -> what is sent instead

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request within `timeout_s`, including the whole body."""
        body = self.body(request)
        adapted = self._adapt(body)
        content = await self._send(self._head.url, body)
        try:
            completion = read_completion(content, request)
        except (ValueError, RecursionError) as error:
            unreadable = self._unreadable(error, content, body)
        else:
            return self._without_key(replace(completion, adapted=adapted) if adapted else completion, request.model)
        unreadable.response = unused_response(content, self._endpoint)  # here, where the first reading is forgotten
        del content  # with its frames, the error would keep the response in memory
        raise unreadable

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post to another path (`embeddings`) and return the answer's body; raises the errors of `complete`."""
        return await self._send(self._head.url.join(f"../{path}"), body)

    async def get(self, path: str) -> bytes:
        """Get another path (`models`) and return the answer's body; raises the errors of `complete`."""
        return await self._send(self._head.url.join(f"../{path}"), None)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _send(self, url: httpx2.URL, body: Mapping[str, Any] | None) -> bytes:
        method, sent = ("GET", None) if body is None else ("POST", to_json(body))
        try:
            async with asyncio.timeout(self._model.timeout_s):
                request = self._request(method, url, headers=self._head.headers, content=sent)
                async with aclosing(await self._response(request)) as response:
                    most = int(self._model.max_response_mb * MB) if response.is_success else MAX_ERROR
                    content, is_longer = await read_body(response, most)
        except self._connection_errors as error:
            raise self._unconnected(error) from None
        if not response.is_success:
            status = response.status_code
            raise self._refused(Refusal(status, _error_body(content), response.headers, body or {}), status)
        if is_longer:
            limit = f"over {self._model.max_response_mb:g} MB (model.max_response_mb)"
            raise self._refused(Refusal(200, f"the response is too long: {limit}"), 200)
        return content

    async def _response(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and follow redirects without their bodies; return the response with its body unread."""
        for _ in range(self._http.max_redirects + 1):
            response = await self._http.send(request, stream=True, follow_redirects=False)
            if response.next_request is None:
                return response
            await response.aclose()
            request = response.next_request
            self._refuse_other_host(request.url)
        raise OSError(f"more than {self._http.max_redirects} redirects")

    def _refuse_other_host(self, url: httpx2.URL) -> None:
        """Raise EndpointFailed for a redirect to another host, port or scheme, except from http to https."""
        home = self._head.url
        if url.netloc != home.netloc or url.scheme not in (home.scheme, "https"):
            there = self._endpoint.quote(f"{url.scheme}://{url.netloc.decode()}")
            remedy = "prompts and keys go to no other host; if it is the right one, write its address in model.base_url"
            raise EndpointFailed(f"{self._endpoint}: redirects to {there}; {remedy}")

    def _without_key(self, completion: Completion, asked: str) -> Completion:
        """Remove the key from an answer that echoes it, as answers are written to disk; `asked` is the model's name."""
        where, model = self._endpoint, completion.model
        if where.key is None:
            return completion
        return replace(
            completion,
            text=where.in_answer(completion.text),
            thoughts=where.in_answer(completion.thoughts),
            finish_reason=where.end_word(completion.finish_reason),
            model=where.echoed(model) if model and model != asked else model,
            logprobs=completion.logprobs and tuple((where.in_answer(text), p) for text, p in completion.logprobs),
        )

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
        if self._model.system_role != "system":
            body["messages"] = with_role(body["messages"], self._model.system_role)
        body.update(self._options)
        return body

    def _adapt(self, body: dict[str, Any]) -> tuple[str, ...]:
        """Apply the certain remedies to a body; return them in words."""
        applied = [(name, instead) for name, instead in self._adapted.items() if name in body]
        for name, instead in applied:
            value = body.pop(name)
            if instead is not None:
                body[instead] = value
        return tuple(f"{name}: {f'sent as {other}' if other else 'left out'}" for name, other in applied)

    def _unconnected(self, error: Exception) -> ProviderError:
        """Return the error for a request without a response."""
        where = self._endpoint
        if isinstance(error, TimeoutError):  # before the connection errors: it is an OSError
            limit = f"no complete answer within {self._model.timeout_s:g} s (model.timeout_s)"
            return CallTransient(f"{where}: {limit}", overloaded=True)
        cause = error.__cause__ or error
        names = (f"{where.url.scheme.upper()}_PROXY", "ALL_PROXY")
        proxies = " or ".join(name for name, value in os.environ.items() if value and name.upper() in names)
        through = f" (through the proxy in {proxies}, if NO_PROXY does not exclude the host)" if proxies else ""
        return Refusal(0, f"{str(cause) or type(cause).__name__}{through}").error(where, 0)

    def _unreadable(self, error: Exception, content: bytes, body: Mapping[str, Any]) -> ProviderError:
        """Return the error for a response with status 200 that contains no answer."""
        where = self._endpoint
        if isinstance(error, BodyError):
            return self._refused(Refusal(error.status, error.body, {}, body), 200)
        if isinstance(error, FilterError) and error.finish is None:
            return self._refused(Refusal(200, [str(error), error.body], {}, body), 200)
        if isinstance(error, FilterError):
            finish = where.quote(error.finish or "")
            return PromptRefused(f"{where}: the endpoint's content filter withheld the answer ({finish})")
        is_page = content.lstrip().startswith(b"<")
        page = content.decode(errors="replace") if is_page else str(error) if content.strip() else "an empty body"
        return CallTransient(f"{where}: HTTP 200, but no chat completion ({where.quote(page)}); check model.base_url")

    def _refused(self, refusal: Refusal, http_status: int) -> ProviderError:
        """Return the error for a refusal of a request; remember a remedy that is certain."""
        error = refusal.error(self._endpoint, http_status)
        if isinstance(error, CallAdapted):
            if error.instead in self._adapted:
                return EndpointFailed(f"{error}, but that is refused, too; remove model.{error.instead}")
            self._adapted[error.parameter] = error.instead
        return error


def _head(client: AsyncOpenAI, http: httpx2.AsyncClient, extra: Mapping[str, str]) -> httpx2.Request:
    """Return the address and headers of all calls, with the key."""
    given = {**client.default_headers, **client.auth_headers}
    headers = {name: value for name, value in given.items() if isinstance(value, str)}
    if not all(_HEADER.fullmatch(f"{name}: {value}") for name, value in headers.items()):
        raise UnicodeError("a header contains printable ASCII only")
    headers.update(extra)
    # As the client joins them: an address without a path gets one, not a longer host name.
    url = client.base_url.copy_with(raw_path=client.base_url.raw_path + b"chat/completions")
    head = http.build_request("POST", url, headers=headers)
    del head.headers["content-length"]
    return head


def _error_body(data: bytes) -> object:
    """Return the body, or its text if it is not JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode(errors="replace").strip()


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
