"""Whatever an endpoint sends, a run takes less than 300 MB, ends by itself, and says why in one line."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback import CHUNKED, FAULTS, GZIP, MIB, OK, Body, Loopback, Reply, bomb, completion, error

EXPERIMENT = """
epochs: 1
turns: 1
personas: [{{id: a, name: A}}, {{id: b, name: B}}, {{id: c, name: C}}]
tasks: [{{id: t, prompt: P?}}]
model: {{provider: openai, name: m, base_url: "{url}", timeout_s: {timeout_s}, options: {{transport: {transport}}}}}
limits: {{max_retries: 0}}
max_failures: 1.0
"""
PEAK = Path(__file__).parents[1] / "support" / "peak.py"
SIZE = 31_000_000


def filled(text: bytes) -> bytes:
    """So many times the text that the response is just short enough to be read."""
    return text * (SIZE // len(text))


def answer(text: bytes, **more: Any) -> bytes:
    """A well-formed answer with `text` between the quotes of its content."""
    whole = completion("TEXT", {"messages": [], "model": "m"})
    return json.dumps({**json.loads(whole), **more}).encode().replace(b"TEXT", text)


def message(text: bytes) -> bytes:
    """A well-formed answer with `text` as the value of its message."""
    return b'{"choices":[{"message":%s,"finish_reason":"stop"}]}' % text


SAME = {  # bodies of a response with status 200
    "30-mb": lambda: answer(filled(b"word ")),
    "30-mb-of-quotes": lambda: answer(filled(b'\\"')),
    "30-mb-of-backslashes": lambda: answer(filled(b"\\\\")),
    "30-mb-of-escapes": lambda: answer(filled(b"\\ud83d\\ude00")),
    "30-mb-of-emoji": lambda: answer(filled("\U0001f600".encode())),
    "30-mb-with-escapes-and-an-emoji": lambda: answer("\U0001f600".encode() + filled(b"a\\n")),
    "30-mb-of-half-characters": lambda: answer(filled(b"\xf0\x9f")),
    "answer-emoji": lambda: answer("\U0001f600".encode() * 499_000),
    "answer-words": lambda: answer(b"w " * 249_000),
    "answer-tags": lambda: answer(b"<think>" * 71_000),
    "answer-braces": lambda: answer(b'{\\"rating\\": ' * 45_000),
    "lists": lambda: b'{"choices":[%s[]]}' % filled(b"[],"),
    "numbers": lambda: b"[%s0]" % filled(b"1.5,"),
    "deep-lists": lambda: filled(b"["),
    "digits": lambda: b'{"choices":%s}' % filled(b"9"),
    "many-keys": lambda: message(b'{"content":"A",%s"z":0}' % b"".join(b'"%d":[],' % n for n in range(2_000_000))),
    "many-parts": lambda: message(b'{"content":[%s"A"]}' % b"".join(b'{"thinking":"%d"},' % n for n in range(200_000))),
    "deep-parts": lambda: message(b'{"content":%s%s}' % (b"[" * 900, b"]" * 900)),
    "repeated-keys": lambda: message(b"{%s}" % filled(b'"content":"A",')[:-1]),
    "long-model": lambda: answer(b"A", model="m" * SIZE),
    "long-end": lambda: answer(b"A").replace(b'"stop"', b'"%s"' % filled(b"s")),
    "log-probabilities": lambda: answer(b"A").replace(
        b'"logprobs": null', b'"logprobs": {"content": [%s0]}' % filled(b'{"token":"a","top_logprobs":[]},')
    ),
    "usage-of-digits": lambda: answer(b"A", usage={"prompt_tokens": "9" * SIZE}),
    "usage-out-of-range": lambda: answer(b"A", usage={"prompt_tokens": 1e308, "completion_tokens": 10**4000}),
    "stream": lambda: filled(b'data: {"choices":[{"delta":{"content":"ab"}}]}\n\n'),
    "stream-of-newlines": lambda: b"data: {}" + filled(b"\n"),
    "stream-of-keys": lambda: b"".join(b'data: {"choices":[{"delta":{"%d":0}}]}\n' % n for n in range(700_000)),
    "page": lambda: b"<html>" + filled(b"<b"),
    "spaces": lambda: filled(b" "),
    "not-utf-8": lambda: answer(filled(b"\xff")),
    "error-of-words": lambda: b'{"error":{"message":"%s"}}' % filled(b"try again in "),
    "error-of-values": lambda: b'{"error":[%s0]}' % (b'"no",' * 400_000),
}
SHAPES: dict[str, Callable[[Body, bytes], Reply]] = {
    **{name: lambda asked, good, make=make: Reply(body=make()) for name, make in SAME.items()},  # type: ignore[misc]
    "200-mb": lambda asked, good: Reply(body=MIB, headers={"content-length": str(200 * 2**20)}, endless=True),
    "600-mb-of-gzip": lambda asked, good: Reply(body=bomb(600), headers={"content-encoding": "gzip"}),
    "30-mb-of-gzip": lambda asked, good: Reply(body=bomb(30), headers={"content-encoding": "gzip"}),
    "gzip-of-gzip": lambda asked, good: Reply(body=gzip.compress(bomb(600)), headers={"content-encoding": "gzip"}),
    "600-mb-of-gzip-in-an-error": lambda asked, good: Reply(500, bomb(600), {"content-encoding": "gzip"}),
    "members-of-gzip": lambda asked, good: Reply(start=GZIP, body=gzip.compress(b"a" * 100) * 1000, endless=True),
    "digits-in-an-error": lambda asked, good: error(429, "9" * 60_000, "9" * 60_000),
    "waits-in-an-error": lambda asked, good: error(429, "try again in 1.2.3s " * 3_000),
    "limits-in-an-error": lambda asked, good: error(413, "limit 1 " * 8_000),
    "comments-in-a-page": lambda asked, good: Reply(502, b"<html>" + b"<!--" * 15_000),
    "values-in-an-error": lambda asked, good: Reply(400, b"[%s0]" % (b"[]," * 20_000)),
    "retry-after-a-century": lambda asked, good: error(429, "Slow", retry_after="9" * 300),
    "long-reason": lambda asked, good: Reply(
        start=b"HTTP/1.1 500 %s\r\n" % (b"x" * 8000), body=b"a: b\r\n", endless=True
    ),
    "cookies": lambda asked, good: Reply(
        start=OK + b"".join(b"set-cookie: c%d=%s; path=/\r\n" % (n, b"x" * 700) for n in range(100)) + b"\r\n", cut=0
    ),
    "not-http": lambda asked, good: Reply(start=b"", body=MIB, endless=True),
    "odd-status": lambda asked, good: Reply(start=b"HTTP/1.1 99999999999999999999 OK\r\n\r\n", cut=0),
    "odd-length": lambda asked, good: Reply(start=OK + b"content-length: -1\r\n\r\n", cut=0),
    "two-lengths": lambda asked, good: Reply(start=OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n", cut=0),
    "long-length": lambda asked, good: Reply(body=good, headers={"content-length": "9" * 4000}),
    "chunk-of-many-digits": lambda asked, good: Reply(start=CHUNKED + b"f" * 100_000, cut=0),
    "trailers": lambda asked, good: Reply(start=CHUNKED + b"0\r\n", body=b"a: b\r\n" * 1000, endless=True),
}
KNOWN = [
    *("endless", "endless-chunked", "endless-close", "endless-sse", "bomb-empty", "bomb-behind", "gzip-twice"),
    *("header-long", "headers-endless", "continue-endless", "redirects", "500-endless", "500-deep", "hang", "trickle"),
]
SLOW = ("continue-endless", "hang", "trickle", "long-length")
"""Faults that end with the time-out: it is a second for them."""
ANSWERS = ("answer-", "usage-", "long-model", "long-end", "many-parts", "repeated-keys")
"""The beginnings of those that are answers."""


@pytest.mark.slow
@pytest.mark.rotating
@pytest.mark.parametrize("fault", [*SHAPES, *KNOWN])
def test_any_fault_ends_in_one_line_and_little_memory(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault in SHAPES:
        reply = SHAPES[fault]({"messages": [], "model": "m"}, SAME["answer-words"]())
        monkeypatch.setitem(FAULTS, fault, lambda asked, good: reply)
    transport = ("aiohttp", "plain")[len(fault) % 2]
    with Loopback(odds={fault: 2.0}, keep=False) as server:
        text = EXPERIMENT.format(url=server.base_url, transport=transport, timeout_s=1 if fault in SLOW else 600)
        Path("x.yaml").write_text(text, encoding="utf-8")
        arguments = [sys.executable, PEAK, "peak", "run", "x.yaml", "--quiet", "--runs-dir", "runs"]
        ended = subprocess.run(arguments, capture_output=True, text=True, timeout=1800, check=False)
    peak = float(Path("peak").read_text())
    print(f"{fault:32} {transport:8} {peak:4.0f} MB  exit {ended.returncode}  {ended.stderr.strip()[:200]}")
    assert peak < 300
    lines = ended.stderr.splitlines()
    assert all(line.startswith(("scai: ", "warning: ")) and len(line) < 1200 for line in lines)
    assert sum(line.startswith("scai: ") for line in lines) == (ended.returncode != 0)
    if not fault.startswith(ANSWERS):
        assert ended.returncode == 4
