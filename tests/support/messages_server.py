"""A server on the loopback that speaks Anthropic's Messages API, and is as strict as the API.

    with MessagesServer(script=["429", "ok"]) as server:      # then every request is answered well
        ... server.base_url, server.requests

It caches a system message of at least `CACHED` characters that is marked, as the API does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from loopback import Body, Loopback, Received, Reply

KEYS = {
    *("model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stop_sequences", "metadata"),
    *("thinking", "output_config", "service_tier", "cache_control", "tools", "tool_choice", "stream"),
}
CACHED = 4096
_BOUNDS = {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "multipleOf", "uniqueItems"}


def refused(status: int, message: str, kind: str = "invalid_request_error", **headers: str) -> Reply:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return Reply(status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


def message(asked: Body, *content: dict[str, Any], stop: str = "end_turn", **more: Any) -> Reply:
    """A well-formed answer; tokens are counted as four characters each."""
    sent = sum(len(each["content"]) for each in asked["messages"]) + len(system_of(asked))
    written = sum(len(str(block)) for block in content)
    usage = {"input_tokens": sent // 4, "output_tokens": written // 4, "service_tier": "standard"}
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage,
        **more,
    }
    return Reply(body=json.dumps(body).encode())


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def system_of(asked: Body) -> str:
    system = asked.get("system", "")
    return system if isinstance(system, str) else "".join(block["text"] for block in system)


PLAYED: dict[str, Callable[[Body, str], Reply]] = {
    "ok": lambda asked, said: message(asked, text(said)),
    "429": lambda asked, said: refused(
        429, "This would exceed your rate limit", "rate_limit_error", retry_after="0.05"
    ),
    "429-long": lambda asked, said: refused(
        429, "This would exceed your rate limit", "rate_limit_error", retry_after="3600"
    ),
    "529": lambda asked, said: refused(529, "Overloaded", "overloaded_error"),
    "500": lambda asked, said: refused(500, "Internal server error", "api_error"),
    "unknown": lambda asked, said: refused(404, f"model: {asked['model']}", "not_found_error"),
    "credit": lambda asked, said: refused(400, "Your credit balance is too low to access the Anthropic API."),
    "too-long": lambda asked, said: refused(400, "prompt is too long: 208310 tokens > 200000 maximum"),
    "echo": lambda asked, said: refused(400, said),
    "refusal": lambda asked, said: message(
        asked, stop="refusal", stop_details={"type": "refusal", "category": "cyber", "explanation": "No."}
    ),
    "refused-halfway": lambda asked, said: message(asked, text("It begins"), stop="refusal"),
    "cut": lambda asked, said: message(asked, text("It begins"), stop="max_tokens"),
    "window": lambda asked, said: message(asked, text("It begins"), stop="model_context_window_exceeded"),
    "sequence": lambda asked, said: message(asked, text("It ends."), stop="stop_sequence"),
    "pause": lambda asked, said: message(asked, text("It waits."), stop="pause_turn"),
    "tool": lambda asked, said: message(
        asked, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, stop="tool_use"
    ),
    "thinking": lambda asked, said: message(
        asked,
        {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "aGlkZGVu"},
        text("In two "),
        text("parts."),
    ),
    "nothing": lambda asked, said: message(asked),
    "error-body": lambda asked, said: Reply(body=refused(200, "Overloaded", "overloaded_error").body),
    "broken": lambda asked, said: Reply(body=message(asked, text(said)).body[:-20]),
    "page": lambda asked, said: Reply(body=b"<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>"),
    "one-of": lambda asked, said: (
        refused(400, "`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
        if {"temperature", "top_p"} <= asked.keys()
        else message(asked, text(said))
    ),
}
"""Name of what is played -> the reply to a request that is in order, and its answer."""


@dataclass
class MessagesServer(Loopback):
    """The server; `key` is the one that it accepts, `answer` gets the body as of a chat completion."""

    key: str = "sk-ant-api03-0123456789abcdef"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cache: set[str] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reply(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if problem := self.problem_of(headers):
            return problem
        if path.startswith("/v1/models/"):
            model = {"type": "model", "id": path.rpartition("/")[2], "max_input_tokens": 200_000, "max_tokens": 64_000}
            return Reply(body=json.dumps(model).encode())
        if path != "/v1/messages":
            return refused(404, "Not Found", "not_found_error")
        asked, played = json.loads(body), self.fault(body)
        if self.keep:
            self.requests.append(Received(path, headers, asked, played))
        if problem := refusal_of(asked):
            return problem
        system = [{"role": "system", "content": system_of(asked)}] if asked.get("system") else []
        reply = PLAYED[played](asked, self.answer({**asked, "messages": [*system, *asked["messages"]]}))
        return self.cached(asked, reply)

    def problem_of(self, headers: Mapping[str, str]) -> Reply | None:
        if headers.get("x-api-key") != self.key:
            return refused(401, "invalid x-api-key", "authentication_error")
        if headers.get("anthropic-version") != "2023-06-01":
            return refused(400, "anthropic-version: header is required")
        return None

    def cached(self, asked: Body, reply: Reply) -> Reply:
        """Count the tokens of a system message with a breakpoint as written to the cache, or read from it."""
        system = asked.get("system")
        marked = isinstance(system, list) and system[-1].get("cache_control") == {"type": "ephemeral"}
        if reply.status != 200 or not marked or len(system_of(asked)) < CACHED:
            return reply
        body = json.loads(reply.body)
        tokens = len(system_of(asked)) // 4
        kind = "read" if system_of(asked) in self.cache else "creation"
        self.cache.add(system_of(asked))
        body["usage"] |= {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        body["usage"]["input_tokens"] -= tokens
        body["usage"][f"cache_{kind}_input_tokens"] = tokens
        return Reply(body=json.dumps(body).encode())


def refusal_of(asked: Body) -> Reply | None:
    """Return what the API says to a body that is not in order."""
    if unknown := asked.keys() - KEYS:
        return refused(400, f"{min(unknown)}: Extra inputs are not permitted")
    if not isinstance(asked.get("max_tokens"), int) or asked["max_tokens"] < 1:
        return refused(400, "max_tokens: Field required")
    if not 0 <= asked.get("temperature", 0) <= 1:
        return refused(400, "temperature: Input should be less than or equal to 1")
    roles = [each["role"] for each in asked["messages"]]
    if roles[:1] != ["user"] or set(roles) - {"user", "assistant"}:
        return refused(400, "messages: Input should be 'user' or 'assistant', the first one 'user'")
    if any(first == second for first, second in pairwise(roles)):
        return refused(400, "messages: roles must alternate")
    if any(each.keys() != {"role", "content"} or not each["content"].strip() for each in asked["messages"]):
        return refused(400, "messages: text content blocks must be non-empty")
    return _refusal_of_schema(asked.get("output_config", {}).get("format", {}).get("schema", {}))


def _refusal_of_schema(schema: Any, *, names: bool = False) -> Reply | None:
    """Return what the API says to a JSON schema; the keys of a mapping of `names` are no keywords."""
    if isinstance(schema, list):
        return next(filter(None, map(_refusal_of_schema, schema)), None)
    if not isinstance(schema, dict):
        return None
    if not names and schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return refused(400, "output_config.format.schema: 'additionalProperties' must be explicitly set to false")
    if not names and (bounds := _BOUNDS & schema.keys()):
        return refused(400, f"output_config.format.schema: property '{min(bounds)}' is not supported")
    parts = (_refusal_of_schema(part, names=key in ("properties", "$defs")) for key, part in schema.items())
    return next(filter(None, parts), None)
