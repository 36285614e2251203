"""`scai serve` in this process or one of its own, and plain HTTP to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conftest import Called, scai
from waiting import until


@dataclass
class Reply:
    """An HTTP response; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]


@dataclass
class Server:
    """A running server."""

    base_url: str
    process: int
    stopped: bool = False

    def sent(self, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPConnection:
        """Send a request, and return the connection on which `reply_on` reads the response."""
        connection = http.client.HTTPConnection(urlsplit(self.base_url).netloc, timeout=60)
        connection.request(method, path, body, headers)
        return connection

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        return reply_on(self.sent(method, path, body, **headers))

    def ask(self, *messages: dict[str, Any], **more: Any) -> Reply:
        """Post a chat; without messages, a short one."""
        said = messages or ({"role": "user", "content": "How do I make tea?"},)
        body = {"model": "simulated", "messages": said, **more}
        return self.request("POST", "/v1/chat/completions", json.dumps(body).encode())

    def stop(self) -> None:
        """Press Ctrl-C, once."""
        if not self.stopped:
            self.stopped = True
            os.kill(self.process, signal.SIGINT)


def reply_on(connection: http.client.HTTPConnection) -> Reply:
    try:
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, response.read())
    finally:
        connection.close()


def serve_for(use: Callable[[Server], object], *arguments: object) -> Called:
    """Serve in this process at a free port, use the server in a thread, stop it, and return what it left behind."""
    ended = threading.Event()

    def printed() -> bytes:
        return getattr(getattr(sys.stdout, "buffer", None), "getvalue", bytes)()

    def client() -> None:
        until(lambda: ended.is_set() or printed().endswith(b"/v1\n"))
        if ended.is_set():
            return
        server = Server(printed().decode().strip(), os.getpid())
        try:
            use(server)
        finally:
            server.stop()

    with ThreadPoolExecutor(1) as threads:
        using = threads.submit(client)
        called = scai("serve", *arguments, "--port", "0")
        ended.set()
        using.result()
    return called


@contextmanager
def serving(*arguments: object, cwd: Path | None = None) -> Iterator[Server]:
    """Serve inside the block at a free port, in a process of its own."""
    command = [sys.executable, "-m", "scai_cli", "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        server = Server(process.stdout.readline().strip(), process.pid)
        try:
            yield server
        finally:
            server.stop()
            assert process.wait(60) == 0
