"""A chat endpoint on the loopback that can misbehave: a test's other side of the wire.

    with Loopback(script=["429", "hang"]) as server:      # then every request is answered well
        ... server.base_url, server.requests

`python tests/support/loopback.py --latency 0.2` serves in a process of its own and prints its base URL.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import random
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Body = dict[str, Any]


LIBRARY = r"(?i)aiohttp|httpx|ssl:|errno|b'|bytearray|payload|message=|attempts failed|[a-z]Error\b"
"""The words of an HTTP library, which say nothing to a user."""


@dataclass(frozen=True)
class Received:
    """One request as it came in: what was asked, how, and which fault was played to it."""

    path: str
    headers: Mapping[str, str]
    body: Body
    fault: str


@dataclass(frozen=True)
class Reply:
    """What goes out: `cut` bytes of the body at most, `drip` seconds between bytes, `silent` for nothing.

    What is `held` goes out when the server is told to `release` it. `start` goes out in place of status and headers;
    with `endless`, the body is repeated until the client hangs up.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float = 0.0
    silent: bool = False
    held: bool = False
    start: bytes | None = None
    endless: bool = False

    def head(self) -> bytes:
        if self.start is not None:
            return self.start
        kind = "text/html" if self.body.startswith(b"<") else "application/json"
        length = 10**12 if self.endless else len(self.body)
        lines = {"content-type": kind, "content-length": str(length), **self.headers}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status} Reply\r\n{text}\r\n".encode()


def completion(text: str | None, asked: Body, *, finish: str = "stop", **message: Any) -> bytes:
    """A well-formed answer; tokens are counted as four characters each."""
    prompt = sum(len(m["content"]) for m in asked["messages"])
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, **message},
                    "finish_reason": finish,
                    "logprobs": None,
                }
            ],
            "usage": {
                "prompt_tokens": prompt // 4,
                "completion_tokens": len(text or "") // 4,
                "total_tokens": prompt // 4 + len(text or "") // 4,
            },
        }
    ).encode()


def error(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    body = {"error": {"message": message, "type": code or "some_error", "code": code, "param": None}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), named)


def _failed_choice(asked: Body) -> bytes:
    """A paid answer that its upstream broke off: no text of it is an answer."""
    body = json.loads(completion("Half an ans", asked, finish="error"))
    body["choices"][0]["error"] = {"code": 502, "message": "Provider returned error"}
    body["usage"] = {"prompt_tokens": 600, "completion_tokens": 400, "prompt_tokens_details": {"cached_tokens": 128}}
    return json.dumps(body).encode()


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def _zipped(body: bytes, encoding: str = "gzip", **more: Any) -> Reply:
    return Reply(body=body, headers={"content-encoding": encoding}, **more)


@cache
def bomb(mb: int, *, wbits: int = zlib.MAX_WBITS | 16) -> bytes:
    """A well-formed answer with so many megabytes of text, compressed a thousand times."""
    start, end = completion("TEXT", {"messages": [], "model": "m"}).split(b"TEXT")
    packer = zlib.compressobj(1, wbits=wbits)
    parts = (packer.compress(part) for part in (start, *[b"a" * 1_000_000] * mb, end))
    return b"".join(parts) + packer.flush()


MIB = b"x" * 2**20
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
GZIP = OK + b"content-encoding: gzip\r\nconnection: close\r\n\r\n"
EMPTY_BLOCKS = b"\0\0\0\xff\xff" * 10_000
"""Compressed data, of any length, that contain nothing."""
PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Welcome</body></html>"

# Every way to misbehave: a fault's name -> the reply, from what was asked and the good answer's bytes.
FAULTS: dict[str, Callable[[Body, bytes], Reply]] = {
    "ok": lambda asked, good: Reply(body=good),
    "hold": lambda asked, good: Reply(body=good, held=True),
    "429": lambda asked, good: error(429, "Rate limit reached"),
    "429-after": lambda asked, good: error(429, "Rate limit reached", retry_after="1"),
    "429-after-minute": lambda asked, good: error(429, "Rate limit reached", retry_after="60"),
    "429-after-ms": lambda asked, good: error(429, "Rate limit reached", retry_after_ms="20"),
    "429-after-date": lambda asked, good: error(429, "Slow", retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
    "429-after-long": lambda asked, good: error(429, "Come back tomorrow", retry_after="86400"),
    "quota": lambda asked, good: error(429, "You exceeded your current quota", "insufficient_quota"),
    "408": lambda asked, good: error(408, "Request timeout"),
    "409": lambda asked, good: error(409, "Conflict"),
    "500": lambda asked, good: error(500, "Internal error"),
    "502": lambda asked, good: Reply(502, b"<html><h1>502 Bad Gateway</h1></html>"),
    "503": lambda asked, good: error(503, "Loading model"),
    "529": lambda asked, good: error(529, "Overloaded"),
    "drop-before": lambda asked, good: Reply(silent=True, cut=0),
    "drop-body": lambda asked, good: Reply(body=good, cut=len(good) // 2),
    "truncated": lambda asked, good: Reply(body=good[: len(good) // 2]),
    "malformed": lambda asked, good: Reply(body=b'{"choices": [nonsense]}'),
    "not-an-object": lambda asked, good: Reply(body=b'["hello"]'),
    "html": lambda asked, good: Reply(body=PAGE),
    "error-body": lambda asked, good: Reply(body=error(200, "The backend had a hiccup").body),
    "paid-error": lambda asked, good: Reply(body=_failed_choice(asked)),
    "empty-choices": lambda asked, good: Reply(body=json.dumps({"choices": []}).encode()),
    "null-content": lambda asked, good: Reply(body=completion(None, asked)),
    "length": lambda asked, good: Reply(body=completion("It begins", asked, finish="length")),
    "length-null": lambda asked, good: Reply(body=completion(None, asked, finish="length")),
    "filtered-text": lambda asked, good: Reply(body=completion("It begins", asked, finish="content_filter")),
    "filtered": lambda asked, good: Reply(body=completion(None, asked, finish="content_filter")),
    "refusal": lambda asked, good: Reply(body=completion(None, asked, refusal="I will not say that.")),
    "surrogate": lambda asked, good: Reply(body=completion("odd \ud800 text", asked)),
    "no-usage": lambda asked, good: Reply(body=json.dumps({**json.loads(good), "usage": None}).encode()),
    "trickle": lambda asked, good: Reply(body=good, drip=0.05),
    "hang": lambda asked, good: Reply(silent=True),
    "endless": lambda asked, good: Reply(body=MIB, endless=True),
    "endless-chunked": lambda asked, good: Reply(start=CHUNKED, body=_chunked(MIB), endless=True),
    "endless-bytes": lambda asked, good: Reply(start=CHUNKED, body=_chunked(b" ") * 10_000, endless=True),
    "endless-close": lambda asked, good: Reply(start=OK + b"connection: close\r\n\r\n", body=MIB, endless=True),
    "endless-sse": lambda asked, good: Reply(start=CHUNKED, body=_chunked(b"data: {}\n\n" * 9000), endless=True),
    "bomb": lambda asked, good: _zipped(bomb(8)),
    "bomb-deflate": lambda asked, good: _zipped(bomb(8, wbits=zlib.MAX_WBITS), "deflate"),
    "bomb-empty": lambda asked, good: _zipped(EMPTY_BLOCKS, endless=True, start=GZIP + gzip.compress(b"")[:10]),
    "bomb-behind": lambda asked, good: _zipped(MIB, endless=True, start=GZIP + gzip.compress(good)),
    "long-text": lambda asked, good: Reply(body=completion("a" * 1_500_000, asked)),
    "gzip": lambda asked, good: _zipped(gzip.compress(good)),
    "gzip-broken": lambda asked, good: _zipped(good),
    "gzip-twice": lambda asked, good: _zipped(gzip.compress(gzip.compress(good)), "gzip, gzip"),
    "brotli": lambda asked, good: _zipped(good, "br"),
    "header-long": lambda asked, good: Reply(start=OK + b"x: " + MIB * 10 + b"\r\n\r\n"),
    "headers-many": lambda asked, good: Reply(start=OK + b"x: y\r\n" * 100_000 + b"\r\n"),
    "headers-endless": lambda asked, good: Reply(start=OK, body=b"x: y\r\n" * 10_000, endless=True),
    "status-endless": lambda asked, good: Reply(start=b"HTTP/1.1 200 ", body=MIB, endless=True),
    "chunk-size-endless": lambda asked, good: Reply(start=CHUNKED + b"1;x=", body=MIB, endless=True),
    "continue-endless": lambda asked, good: Reply(
        start=b"", body=b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n" * 1000, endless=True
    ),
    "redirects": lambda asked, good: Reply(307, MIB, {"location": "/v1/chat/completions"}, endless=True),
    "500-endless": lambda asked, good: Reply(500, b"Too much. " * 1000, endless=True),
    "500-bomb": lambda asked, good: Reply(500, bomb(8), {"content-encoding": "gzip"}),
    "500-deep": lambda asked, good: Reply(500, b'{"error":' * 900 + b"1" + b"}" * 900),
    "500-digits": lambda asked, good: error(500, f"limit {'9' * 9000} requested ,,, {'1' * 9000}; retry after 1.2.3 s"),
    "429-after-never": lambda asked, good: error(429, "Slow", retry_after=f"Wed, 21 Oct {'9' * 4000} 07:28:00 GMT"),
    "400": lambda asked, good: error(400, "maximum context length is 8 tokens", "context_length_exceeded"),
    "400-echo": lambda asked, good: error(400, asked["messages"][-1]["content"]),
    "400-text": lambda asked, good: Reply(400, b"\x1b[31mno\x1b[0m\r\nreally " + b"x" * 5000),
    "401": lambda asked, good: error(401, "Incorrect API key provided", "invalid_api_key"),
    "403": lambda asked, good: error(403, "Not for you"),
    "404": lambda asked, good: error(404, f"The model {asked['model']} does not exist", "model_not_found"),
    "413": lambda asked, good: error(413, "Too large"),
    "422": lambda asked, good: error(422, "Unexpected keys"),
}


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with content-length, kept alive: as much as the clients in question speak."""

    def __init__(self, server: Loopback) -> None:
        self.server = server
        self.buffer = self.block = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.server.connections.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            start, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
            size = end + 4 + int(headers.get("content-length", 0))
            if len(self.buffer) < size:
                return
            body, self.buffer = self.buffer[end + 4 : size], self.buffer[size:]
            reply = self.server.reply(start.split()[1], headers, body)
            asyncio.get_running_loop().call_later(self.server.latency, self.send, reply, body)

    def send(self, reply: Reply, asked: bytes) -> None:
        if self.transport.is_closing() or (reply.silent and reply.cut is None):
            return
        if reply.held and not self.server.released:
            self.server.held.append(lambda: self.send(reply, asked))
            return
        if reply.drip:
            self.transport.write(reply.head())
            self.drip(reply.body, reply.drip)
        elif reply.endless:
            self.transport.write(reply.head())
            self.block = reply.body
            self.resume_writing()
        else:
            whole = b"" if reply.silent else reply.head() + reply.body[: reply.cut]
            self.transport.write(whole)
            if reply.cut is not None:
                self.transport.close()
            elif self.server.keep and reply.status == 200:
                self.server.answered.append(asked)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        while self.block and not self.paused and not self.transport.is_closing():
            self.transport.write(self.block)

    def drip(self, rest: bytes, seconds: float) -> None:
        if rest and not self.transport.is_closing():
            self.transport.write(rest[:1])
            asyncio.get_running_loop().call_later(seconds, self.drip, rest[1:], seconds)


@dataclass
class Loopback:
    """A server in a thread of its own; `script` is played first, then faults by `odds` and `seed`, else well.

    `answer` makes the text from the request's body. With odds, a request meets the same faults whatever else
    is in flight: they are drawn from the seed, its body and how often it came.
    """

    script: Iterable[str] = ()
    odds: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    latency: float = 0.0
    answer: Callable[[Body], str] = lambda asked: f"You said: {asked['messages'][-1]['content']}"
    keep: bool = True
    models: Any = None
    """The body of GET /models, if there is one."""

    def __post_init__(self) -> None:
        self.requests: list[Received] = []
        self.answered: list[bytes] = []
        """The bodies of the requests that were answered completely, in the order of their answers."""
        self.connections: set[asyncio.Transport] = set()
        self.held: list[Callable[[], None]] = []
        self.released = False
        self._script = list(self.script)
        self._seen: Counter[bytes] = Counter()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def fault(self, body: bytes) -> str:
        if self._script:
            return self._script.pop(0)
        if not self.odds:
            return "ok"
        digest = hashlib.blake2b(body, digest_size=8).digest()
        self._seen[digest] += 1
        dice = random.Random(f"{self.seed}/{digest.hex()}/{self._seen[digest]}").random()
        for name, odds in self.odds.items():
            dice -= odds
            if dice < 0:
                return name
        return "ok"

    def reply(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path.endswith("/models") and self.models is not None:
            return Reply(body=json.dumps(self.models).encode())
        if not path.partition("?")[0].endswith("/chat/completions"):
            return error(404, "no such path")
        asked, fault = json.loads(body), self.fault(body)
        if self.keep:
            self.requests.append(Received(path, headers, asked, fault))
        return FAULTS[fault](asked, completion(self.answer(asked), asked))

    async def up(self) -> None:
        self._server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Die: nobody listens and every connection is dropped."""
        if self._server is not None:
            self._server.close()
        for transport in list(self.connections):
            transport.abort()
        await asyncio.sleep(0)

    def die(self, seconds: float) -> None:
        """Be dead from now on, called from any thread, and come back on the same port after so many seconds."""

        async def come_back() -> None:
            await asyncio.sleep(seconds)
            await self.up()

        asyncio.run_coroutine_threadsafe(self.down(), self._loop).result()
        self._pause = asyncio.run_coroutine_threadsafe(come_back(), self._loop)

    def release(self) -> None:
        """Let out what is held, from any thread, and hold nothing more."""

        def let_out() -> None:
            self.released = True
            for send in self.held:
                send()

        self._loop.call_soon_threadsafe(let_out)

    def __enter__(self) -> Loopback:
        self._loop.run_until_complete(self.up())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        asyncio.run_coroutine_threadsafe(self.down(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            self._loop.run_until_complete(asyncio.wait([task]))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="a loopback chat endpoint of fixed latency")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    server = Loopback(latency=args.latency, keep=False)
    server.port = args.port
    server._loop.run_until_complete(server.up())
    print(server.base_url, flush=True)
    server._loop.run_forever()


if __name__ == "__main__":
    main()
