"""`scai serve` in a process of its own, and plain HTTP to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Reply:
    """An HTTP response."""

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
    """A running server; after its end, `code` and `err` are what it left behind."""

    process: subprocess.Popen[str]
    base_url: str
    code: int | None = None
    err: str = ""

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
        if self.code is None:
            self.process.send_signal(signal.SIGINT)
            self.ends()

    def ends(self) -> None:
        _, self.err = self.process.communicate(timeout=60)
        self.code = self.process.returncode


def reply_on(connection: http.client.HTTPConnection) -> Reply:
    try:
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, response.read())
    finally:
        connection.close()


@contextmanager
def serving(*arguments: object, cwd: Path | None = None, **env: str) -> Iterator[Server]:
    """Serve inside the block at a free port."""
    command = [sys.executable, "-m", "scai_cli", "serve", *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    server = Server(process, process.stdout.readline().strip())
    try:
        assert server.base_url.startswith("http://"), process.communicate(timeout=60)
        yield server
    finally:
        server.stop()
