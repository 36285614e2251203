"""The request to a model and its answer as plain values, with their digest and their size in tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic_core import to_json

MessageRole = Literal["system", "user", "assistant"]
AgentRole = Literal["user", "assistant", "meta"]
Source = Literal["model", "replay", "cache", "human"]

CHARACTERS_PER_TOKEN = 4
"""In English; an estimate."""


def rough_tokens(characters: int) -> int:
    """Estimate the tokens of a text by its length: four characters each, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat, as every chat endpoint knows it."""

    role: MessageRole
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model draws its answer; the endpoint decides about each value that is None."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call or of many."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call: `id` is its position in the run, everything else is what the model is asked.

    `role` and `purpose` say who asks for what (`assistant`/`answer`, `user`/`feedback`, ...): for the log and the
    plan, never sent. `schema` is a JSON schema for endpoints with native structured output. `logprobs` asks for
    the log-probabilities of that many candidates for the first token.
    """

    id: str
    role: AgentRole
    purpose: str
    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: Mapping[str, Any] | None = None
    logprobs: int | None = None

    def body(self) -> dict[str, Any]:
        """Return what decides the answer, as plain data: everything but the id, role and purpose."""
        sampling = self.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": m.role, "content": m.content} for m in self.messages],
        }
        for key, value in (
            ("temperature", sampling.temperature),
            ("top_p", sampling.top_p),
            ("max_tokens", sampling.max_tokens),
            ("seed", sampling.seed),
            ("schema", self.schema),
            ("logprobs", self.logprobs),
        ):
            if value is not None:
                body[key] = value
        return body

    def canonical(self) -> bytes:
        """`body()` as JSON; equal requests and only they have equal bytes."""
        return to_json(self.body())

    def digest(self) -> str:
        """128 bits of `canonical()`, in hex."""
        return digest_of(self.canonical())


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. `text` holds no lone surrogate; `finish_reason` is the endpoint's word for why it ended.

    `latency_s` is the time of the last attempt, `retries` the number of attempts before it, `source` whether a
    model was really asked. `logprobs` are tokens that the answer might have begun with and their natural
    log-probabilities, where that was asked for and the endpoint tells it.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default=Usage())
    model: str | None = None
    latency_s: float = 0.0
    retries: int = 0
    source: Source = "model"
    logprobs: tuple[tuple[str, float], ...] | None = None


def digest_of(canonical: bytes) -> str:
    """Return the digest of a request's canonical bytes."""
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()
