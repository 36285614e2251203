"""Serve a chat endpoint of fixed latency on the loopback, with as little CPU as one process can use.

    python benchmarks/endpoint.py --latency 0.2

prints its base URL and serves until it is killed. After the latency `POST /v1/chat/completions` returns the kind of
answer that the end of the request asks for: free text, a feedback, a cross rating or a constitution. `GET /count`
returns the counts since its last call: requests, their bytes, and the most in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter

ANSWER = (
    "Cook one pot that nobody has to leave the table for: a thick bean and barley stew with smoked paprika, roasted "
    "roots on the side, and a bowl of toppings. Those who want meat add crisp bacon or shredded chicken at the end; "
    "those who do not will not miss it. It costs little, keeps for three days, and most of it comes from the market "
    "down the road. Soak the beans the night before, start the stew two hours ahead, and ask your guests beforehand "
    "what they cannot eat, since I do not know of any allergies. If time is short, use tinned beans and begin later."
)
COMMENT = "I liked that you thought of the cost and of those who eat no meat; shorter steps would help me more."
RULES = (
    "Say first what the user can do today, then why.",
    "Name what an advice costs and who would be left out by it.",
    "Offer at least two ways where people are known to differ.",
    "Tell plainly what you do not know.",
    "Use short sentences and words that need no dictionary.",
)
TAIL = 700  # so many bytes from its end hold the form that a request asks for, whatever the client adds after it
FORMS = (
    (rb"\"no_change\"", "rewrite"),
    (rb"\"feedback\"", "feedback"),
    (rb"\"reason\"", "cross_rating"),
)


def completion(text: str) -> bytes:
    """Return an HTTP response with a chat completion."""
    body = json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1,
            "model": "bench",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "finish_reason": "stop",
                    "logprobs": None,
                }
            ],
            "usage": {"prompt_tokens": 400, "completion_tokens": len(text) // 4, "total_tokens": 400 + len(text) // 4},
        }
    )
    return reply(body)


def reply(body: str) -> bytes:
    data = body.encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data) + data


def constitution(number: int) -> str:
    """Return a rewritten constitution; one of its rules differs from answer to answer."""
    rules = [*RULES, f"Give {number + 2} examples when a matter is abstract."]
    principles = [{"id": f"P{at}", "text": text} for at, text in enumerate(rules, 1)]
    critique = "It serves those well who want quick help, and badly those who want to know why."
    return json.dumps({"critique": critique, "no_change": False, "principles": principles, "contract": []})


class Endpoint:
    """The answers, and the counts of the requests."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.ready = {
            "answer": completion(ANSWER),
            "feedback": completion(json.dumps({"feedback": COMMENT, "rating": 7})),
            "cross_rating": completion(json.dumps({"reason": "I can live with that.", "rating": 8})),
        }
        self.rewrites = 0
        self.in_flight = 0
        self.forget()

    def forget(self) -> None:
        self.requests = self.bytes = self.most = self.connections = 0
        self.kinds: Counter[str] = Counter()

    def answer(self, tail: bytes) -> bytes:
        kind = next((kind for mark, kind in FORMS if mark in tail), "answer")
        self.kinds[kind] += 1
        if kind != "rewrite":
            return self.ready[kind]
        self.rewrites += 1
        return completion(constitution(self.rewrites))

    def count(self) -> bytes:
        told = {"requests": self.requests, "bytes": self.bytes, "most": self.most, "connections": self.connections}
        told["kinds"] = self.kinds
        data = reply(json.dumps(told))
        self.forget()
        return data


class Connection(asyncio.Protocol):
    """HTTP/1.1 with a content length and keep-alive, which every client here supports."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.loop = asyncio.get_running_loop()
        self.buffer = bytearray()
        self.missing = 0  # bytes to come before the buffer is worth another look

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.endpoint.connections += 1

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer
        buffer += data
        self.missing -= len(data)
        if self.missing > 0:
            return
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            size = end + 4 + content_length(bytes(buffer[:end]).lower())
            if len(buffer) < size:
                self.missing = size - len(buffer)
                return
            request, tail = bytes(buffer[:20]), bytes(buffer[max(end, size - TAIL) : size])
            del buffer[:size]
            self.take(request, tail, size - end - 4)
        self.missing = 0

    def take(self, request: bytes, tail: bytes, size: int) -> None:
        endpoint = self.endpoint
        if request.startswith(b"GET /count"):
            self.transport.write(endpoint.count())
            return
        endpoint.requests += 1
        endpoint.bytes += size
        endpoint.in_flight += 1
        endpoint.most = max(endpoint.most, endpoint.in_flight)
        self.loop.call_later(endpoint.latency, self.send, endpoint.answer(tail))

    def send(self, data: bytes) -> None:
        self.endpoint.in_flight -= 1
        if not self.transport.is_closing():
            self.transport.write(data)


def content_length(head: bytes) -> int:
    at = head.find(b"\r\ncontent-length:")
    return 0 if at < 0 else int(head[at + 17 :].partition(b"\r\n")[0])


async def serve(latency: float) -> None:
    endpoint = Endpoint(latency)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(endpoint), "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency", type=float, required=True, help="seconds")
    uvloop.run(serve(parser.parse_args().latency))


if __name__ == "__main__":
    main()
