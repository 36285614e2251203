"""The HTTP side of `scai serve`: routes, streams, and a guard against web pages in the user's browser."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from scai_cli.errors import ScaiError
from scai_cli.jobs.local_server import Handler, foreign, serving
from scai_cli.jobs.serve_protocol import ApiError, ServedAnswer, ServedRequest, api_error, read_request

MOST_BYTES: Final = 8 * 2**20
"""The size of the largest body of a request."""
_LAST_WAIT_S: Final = 60.0
"""How long the server waits for answers under way; an interruption waits less."""


class Service(Protocol):
    """What answers the requests."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which callers may ask for the model."""

    async def answer(self, request: ServedRequest) -> ServedAnswer:
        """Answer a request; raises ApiError and ScaiError."""


@asynccontextmanager
async def listening(service: Service, host: str, port: int) -> AsyncIterator[str]:
    """Serve at an address inside the block, and yield its base URL; at the end, finish the answers under way.

    Port 0 takes a free one. Raises ConfigError for an address that cannot be used.
    """
    async with serving(_app(service, host), host, port, _LAST_WAIT_S) as origin:
        yield f"{origin}/v1"


@dataclass(frozen=True, slots=True)
class _Routes:
    service: Service

    async def about(self, request: web.Request) -> web.Response:  # noqa: ARG002 - as every route
        return web.Response(text="scai serve: a model under a constitution, at /v1/chat/completions\n")

    async def models(self, request: web.Request) -> web.Response:  # noqa: ARG002 - as every route
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "scai"} for name in self.service.names]
        return _json({"object": "list", "data": models})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        asked = read_request(await _body(request))
        if asked.model not in self.service.names:
            known = ", ".join(self.service.names)
            raise ApiError(404, f"model: {asked.model!r} is not served here; use {known}", "model", "model_not_found")
        answer = await self.service.answer(asked)
        return await _stream(request, answer, asked.include_usage) if asked.stream else _json(answer.body())


def _app(service: Service, host: str) -> web.Application:
    routes = _Routes(service)
    app = web.Application(middlewares=[_errors_as_json, _guard(host)], client_max_size=MOST_BYTES)
    app.router.add_get("/", routes.about)
    app.router.add_get("/v1/models", routes.models)
    app.router.add_post("/v1/chat/completions", routes.complete)
    return app


async def _body(request: web.Request) -> object:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise ApiError(400, "the body is not JSON") from None


async def _stream(request: web.Request, answer: ServedAnswer, include_usage: bool) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
    await response.prepare(request)
    for chunk in answer.chunks(include_usage):
        await response.write(b"data: %b\n\n" % _dumped(chunk))
    await response.write(b"data: [DONE]\n\n")
    return response


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into an object of the protocol."""
    try:
        return await handler(request)
    except ApiError as error:
        return _failed(error)
    except ScaiError as error:
        return _failed(api_error(error))
    except web.HTTPException as error:
        problems = {404: "unknown path", 405: f"{request.method} is not allowed here", 413: "the body is too large"}
        problem = problems.get(error.status, error.reason)
        return _failed(ApiError(error.status, f"{problem}; POST /v1/chat/completions answers a chat"))


def _guard(host: str) -> Any:
    """Return a middleware that refuses what a web page of another site sends."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if problem := foreign(request, host):
            raise ApiError(403, problem)
        return await handler(request)

    return guard


def _failed(error: ApiError) -> web.Response:
    # A client must not repeat a request that a limit refuses; only an answer that fails by chance is worth it.
    retry = {} if error.status == 502 else {"x-should-retry": "false"}
    return _json(error.body(), error.status, retry)


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=_dumped(body), status=status, headers=headers, content_type="application/json")


def _dumped(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()  # ASCII: some clients split streams at other line ends
