"""A server for programs of this machine: its address, and a guard against web pages in the user's browser."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from scai_cli.errors import ConfigError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int, last_wait_s: float) -> AsyncIterator[str]:
    """Serve inside the block, and yield the origin; at the end, wait up to `last_wait_s` for answers under way.

    Port 0 takes a free one. Raises ConfigError for an address that cannot be used.
    """
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_own_fault)
    runner = web.AppRunner(app, access_log=None, logger=logger, shutdown_timeout=last_wait_s)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, UnicodeError, OverflowError) as error:
            number = getattr(error, "errno", None) or 0  # negative for a host that has no address
            problem = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"--port {port}: cannot be served at {host} ({problem}); choose another") from None
        taken = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{taken}"
    finally:
        await runner.cleanup()


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def foreign(request: web.Request, host: str) -> str:
    """Return why a request to a server at `host` is refused, as it may come from a web page; empty for all others.

    A page of another site knows no address except by name (DNS rebinding), and has an origin; a browser that loads an
    image or a script for it says so, but may follow a link that a user clicks.
    """
    name = _host_of(f"//{request.headers.get('host', '')}")
    if name != host.lower() and not (is_loopback(name) if is_loopback(host) else _is_address(name)):
        return "the header Host does not name this server; use the address that it was started with"
    asked = request.headers.get
    origin = asked("origin")
    if origin is not None:
        is_other = not is_loopback(_host_of(origin))
    else:
        is_other = asked("sec-fetch-site") == "cross-site" and asked("sec-fetch-mode") != "navigate"
    if is_other:
        return "web pages of other sites may not use this server"
    return ""


def _is_address(name: str) -> bool:
    try:
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def _host_of(url: str) -> str:
    """Return the host in a URL; empty if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_own_fault(record: logging.LogRecord) -> bool:
    """Return whether a log record is about more than a malformed request, which has its answer 400."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
