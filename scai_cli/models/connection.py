"""The HTTP connections to one endpoint, shared by the providers that speak HTTP: they build the bodies.

The official OpenAI client's HTTP classes (on aiohttp if installed) set up proxies, redirects and TLS. To save CPU time
nothing of its typed layer is on the path of a call: prepared headers and bytes go out, and bytes come back.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import ssl
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager, suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from pydantic_core import to_json

from scai_cli.errors import (
    CallAdapted,
    CallTransient,
    ConfigError,
    EndpointFailed,
    PromptRefused,
    ProviderError,
    cannot_write,
)
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion
from scai_cli.models.endpoint import Endpoint
from scai_cli.models.guarded import timed_out
from scai_cli.models.interim_responses import bound_interim_responses
from scai_cli.models.no_response import reason
from scai_cli.models.refusals import Refusal
from scai_cli.models.request_options import HEADER, RequestOptions
from scai_cli.models.response import ENCODING, MAX_ERROR, MB, read_body
from scai_cli.models.wire import BodyError, Decode, FilterError, read_completion, unused_response

if TYPE_CHECKING:
    import httpx2

_name_host = lru_cache(partial(logging.getLogger("scai_cli").warning, "scai: the key in %s goes to %s"))
"""Write on stderr, once per process and unless logging is set up otherwise, which key a host gets."""
Read = TypeVar("Read")
_MAX_CONNECTIONS: Final = 1024
_TRANSFER_S: Final = 3600.0
"""The seconds that a file may take to be sent or received."""
_MOST_DOWNLOADED: Final = 2000 * MB

Head = Callable[["httpx2.AsyncClient", Endpoint], tuple["httpx2.URL", Mapping[str, str]]]
"""Client, endpoint -> the address below which all paths are, with a slash at its end, and the headers of all calls."""
Authentication = Callable[[str], Mapping[str, str]]
"""Key -> the headers with it."""


class Connection:
    """The connections to one endpoint; makes one attempt a call, and a second one only with another key."""

    def __init__(
        self, model: ModelSettings, endpoint: Endpoint, options: RequestOptions, head: Head, auth: Authentication
    ) -> None:
        """Open a client; raises ConfigError if an environment variable does not allow it."""
        import httpx2  # only after the caller's checks: this import takes half a second

        self.endpoint = endpoint
        self._model = model
        self._auth = auth
        with _opening():
            self._http = _http_client(options.transport)
            self._root, headers = head(self._http, endpoint)
            self._headers = _headers(self._http, self._root, headers, options.headers)
        if endpoint.key is not None:
            _name_host(endpoint.key_variable, endpoint.origin)
        self._urls: dict[str, httpx2.URL] = {}
        self._request, self._stream = httpx2.Request, httpx2.ByteStream
        # ValueError: what the transports raise for an address or a proxy that they cannot use.
        self._errors: tuple[type[Exception], ...] = (httpx2.HTTPError, OSError, ValueError, zlib.error)
        with suppress(ImportError):  # if aiohttp is installed, its transport raises some of its errors untranslated
            import aiohttp

            self._errors += (aiohttp.ClientError,)
        self._adapted: dict[str, str | None] = {}  # parameter that the endpoint refuses -> what is sent instead

    async def answer(
        self, path: str, request: ChatRequest, body: dict[str, Any], decode: Decode | None = None
    ) -> Completion:
        """Post the body of a request, with the certain remedies, and return the answer; raises ProviderError."""
        adapted = self.adapt(body)
        # No name for the response: with this frame, an error would keep it in memory.
        completion = self.read(await self.post(path, body), request, body, decode)
        return replace(completion, adapted=adapted) if adapted else completion

    def read(
        self, content: bytes, request: ChatRequest, body: Mapping[str, Any], decode: Decode | None = None
    ) -> Completion:
        """Return the completion in a response with status 200 to `body`; raises ProviderError."""
        try:
            completion = read_completion(content, request, decode)
        except (ValueError, RecursionError) as error:
            unreadable = self._unreadable(error, content, body)
        else:
            return self.endpoint.in_completion(completion, request.model)
        # Here, where the first reading is forgotten.
        unreadable.response = unused_response(content, self.endpoint, decode)
        del content  # with its frames, the error would keep the response in memory
        raise unreadable

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post a body as JSON to a path and return the body of the answer; raises ProviderError."""
        return await self._send("POST", path, to_json(body), body)

    async def get(self, path: str) -> bytes:
        """Get a path and return the body of the answer; raises ProviderError."""
        return await self._send("GET", path, None, {})

    async def upload(self, path: str, fields: Mapping[str, str], file: Path) -> bytes:
        """Post a form with fields and a file, and return the body of the answer; raises ProviderError."""
        headers = self._headers.copy()
        headers.pop("content-type", None)  # the client writes the form's own
        with file.open("rb") as opened:
            form = {"file": (file.name, opened, "application/jsonl")}
            request = self._http.build_request("POST", self.url(path), headers=headers, data=fields, files=form)
            received, _ = await self._answer(request, {}, _TRANSFER_S, partial(read_body, most=MB))
        return received

    async def download(self, path: str, target: BinaryIO) -> None:
        """Append what a path returns to a file; raises ProviderError, also for more than 2 GB."""
        headers = self._headers.copy()
        headers["accept-encoding"] = "identity"

        async def keep(response: httpx2.Response) -> None:
            size = 0
            async with aclosing(response.aiter_bytes()) as parts:
                async for part in parts:
                    try:
                        target.write(part)
                    except OSError as error:
                        raise cannot_write(target.name, error) from error
                    size += len(part)
                    if size > _MOST_DOWNLOADED:
                        raise EndpointFailed(f"{self.endpoint}: {path}: the file is longer than 2 GB")

        await self._answer(self._request("GET", self.url(path), headers=headers), {}, _TRANSFER_S, keep)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def url(self, path: str) -> httpx2.URL:
        """Return the address of a path."""
        if path not in self._urls:
            # As OpenAI's client joins them: an address without a path gets one, not a longer host name.
            self._urls[path] = self._root.copy_with(raw_path=self._root.raw_path + path.encode())
        return self._urls[path]

    def adapt(self, body: dict[str, Any]) -> tuple[str, ...]:
        """Apply the certain remedies to a body; return them in words."""
        applied = [(name, instead) for name, instead in self._adapted.items() if name in body]
        for name, instead in applied:
            value = body.pop(name)
            if instead is not None:
                body[instead] = value
        return tuple(f"{name}: {f'sent as {other}' if other else 'left out'}" for name, other in applied)

    def _unreadable(self, error: Exception, content: bytes, body: Mapping[str, Any]) -> ProviderError:
        """Return the error for a response with status 200 that contains no answer, as the reader of it found."""
        where = self.endpoint
        if isinstance(error, BodyError):
            return self.refused(Refusal(error.status, error.body, {}, body), 200)
        if isinstance(error, FilterError) and error.finish is None:
            return self.refused(Refusal(200, [str(error), error.body], {}, body), 200)
        if isinstance(error, FilterError):
            finish = where.quote(error.finish or "")
            return PromptRefused(f"{where}: the endpoint's content filter withheld the answer ({finish})")
        is_page = content.lstrip().startswith(b"<")
        page = content.decode(errors="replace") if is_page else str(error) if content.strip() else "an empty body"
        return CallTransient(f"{where}: HTTP 200, but no chat completion ({where.quote(page)}); check model.base_url")

    async def _send(self, method: str, path: str, content: bytes | None, body: Mapping[str, Any]) -> bytes:
        """Send `content`, whose meaning is `body`, within `timeout_s`; return the whole body of the answer."""
        request = self._prepared(method, path, content)
        most = int(self._model.max_response_mb * MB)
        received, is_longer = await self._answer(request, body, self._model.timeout_s, partial(read_body, most=most))
        if is_longer:
            limit = f"over {self._model.max_response_mb:g} MB (model.max_response_mb)"
            raise self.refused(Refusal(200, f"the response is too long: {limit}"), 200)
        return received

    def _prepared(self, method: str, path: str, content: bytes | None) -> httpx2.Request:
        """Return a request with the headers of all calls, which were prepared once."""
        if content is None:
            return self._request(method, self.url(path), headers=self._headers)
        request = self._request(method, self.url(path), headers=self._headers, stream=self._stream(content))
        request.headers.encoding = "ascii"  # `_headers` has checked it; else it is found out for each call
        request.headers["content-length"] = str(len(content))
        request.read()
        return request

    async def _answer(
        self,
        request: httpx2.Request,
        body: Mapping[str, Any],
        seconds: float,
        read: Callable[[httpx2.Response], Awaitable[Read]],
    ) -> Read:
        """Send a request and `read` the answer, within `seconds` in all. A refusal is a ProviderError."""
        try:
            async with asyncio.timeout(seconds):
                response = await self._authenticated(request)
                try:
                    if 200 <= response.status_code <= 299:
                        return await read(response)
                    received, _ = await read_body(response, MAX_ERROR)
                finally:
                    await response.aclose()
        except self._errors as error:
            raise self._unconnected(error) from None
        status = response.status_code
        raise self.refused(Refusal(status, _error_body(received), response.headers, body), status)

    async def _authenticated(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request with the newest key, and again with the next one if that is refused; as `_response`."""
        command = self.endpoint.command
        if command is None:
            return await self._response(request)
        key = await command.current()
        request.headers.update(self._auth(key))
        response = await self._response(request)
        if response.status_code != 401:
            return response
        async with AsyncExitStack() as stack:
            stack.push_async_callback(response.aclose)
            other = await command.other_than(key)
            if other is None:
                stack.pop_all()
                return response
        request.headers.update(self._auth(other))
        return await self._response(request)

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
        home = self._root
        if url.netloc != home.netloc or url.scheme not in (home.scheme, "https"):
            there = self.endpoint.quote(f"{url.scheme}://{url.netloc.decode()}")
            remedy = "prompts and keys go to no other host; if it is the right one, write its address in model.base_url"
            raise EndpointFailed(f"{self.endpoint}: redirects to {there}; {remedy}")

    def _unconnected(self, error: Exception) -> ProviderError:
        """Return the error for a request without a response."""
        where = self.endpoint
        if isinstance(error, TimeoutError):  # before the connection errors: it is an OSError
            return timed_out(where, self._model.timeout_s)
        names = (f"{where.url.scheme.upper()}_PROXY", "ALL_PROXY")
        proxies = " or ".join(name for name, value in os.environ.items() if value and name.upper() in names)
        through = f" (through the proxy in {proxies}, if NO_PROXY does not exclude the host)" if proxies else ""
        return Refusal(0, f"{reason(error)}{through}").error(where, 0)

    def refusal(self, status: int, content: bytes, body: Mapping[str, Any]) -> ProviderError:
        """Return the error for a response of another status than 200 to `body`."""
        return self.refused(Refusal(status, _error_body(content), {}, body), status)

    def refused(self, refusal: Refusal, http_status: int) -> ProviderError:
        """Return the error for a refusal of a request; remember a remedy that is certain."""
        error = refusal.error(self.endpoint, http_status)
        if isinstance(error, CallAdapted):
            if error.instead in self._adapted:
                return EndpointFailed(f"{error}, but that is refused, too; remove model.{error.instead}")
            self._adapted[error.parameter] = error.instead
        return error


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
    limits = httpx2.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS)
    client = DefaultAioHttpClient if installed and transport != "plain" else DefaultAsyncHttpxClient
    certificates = _certificates(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return client(limits=limits, timeout=None, headers={"accept-encoding": ENCODING}, verify=certificates)


@lru_cache
def _certificates(file: str | None, folder: str | None) -> ssl.SSLContext:  # noqa: ARG001 - they make the difference
    """Read the certificates that the environment names, once: it takes 16 ms, and a sweep opens many clients."""
    import httpx2

    return httpx2.create_ssl_context()


def _headers(
    http: httpx2.AsyncClient, root: httpx2.URL, own: Mapping[str, str], extra: Mapping[str, str]
) -> httpx2.Headers:
    """Return the headers of all calls, as the client sends them."""
    if not all(HEADER.fullmatch(f"{name}: {value}") for name, value in own.items()):
        raise UnicodeError("a header contains printable ASCII only")
    headers = http.build_request("POST", root, headers={**own, **extra}).headers
    del headers["content-length"]
    return headers


def _error_body(data: bytes) -> object:
    """Return the body, or its text if it is not JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode(errors="replace").strip()
