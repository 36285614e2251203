"""The request to a model and the answer, as plain values with a digest and a size in tokens."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

from pydantic_core import to_json

from scai_cli.errors import UnusedResponse

MessageRole = Literal["system", "user", "assistant"]
AgentRole = Literal["user", "assistant", "meta"]
Source = Literal["model", "replay", "cache", "human"]
Ending = Literal["whole", "cut", "withheld", "other"]
"""How an answer ended: `whole`, `cut` by a limit of tokens, `withheld` by a filter, or `other` for any other reason."""
AnswerMark = Literal["thoughts", "empty", "cut", "withheld"]
"""What a completion alone shows of `runs.events.Mark`."""

CHARACTERS_PER_TOKEN = 4
"""An estimate for English text."""


def rough_tokens(characters: int) -> int:
    """Estimate the number of tokens from the number of characters, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat, in the form of every chat endpoint."""

    role: MessageRole
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """The sampling parameters of a call; the endpoint chooses each one that is None."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """The number of tokens of one or more calls; `cached_tokens` of the input came from the endpoint's cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    @classmethod
    def of(cls, response: UnusedResponse) -> Usage:
        """Return the tokens of a response that contains no usable answer."""
        return cls(response.input_tokens, response.output_tokens, response.cached_tokens)

    @property
    def total(self) -> int:
        """The sum of input and output tokens."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The request of one call; `id` is its position in the run.

    `role` and `purpose` (`assistant`/`answer`, `user`/`feedback`, ...) are for the log and the plan and are never
    sent. `schema` is a JSON schema for endpoints with native structured output. `logprobs` requests the
    log-probabilities of that many candidates for the first token.
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
        """Return all that determines the answer, as plain data: everything except the id, role and purpose."""
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
        """Return `body()` as JSON bytes, equal for equal requests only."""
        return to_json(self.body())

    def digest(self) -> str:
        """Return a 128-bit digest of `canonical()`, in hex."""
        return digest_of(self.canonical())


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. `text` contains no lone surrogate and no thoughts; `finish_reason` is the endpoint's own word.

    `latency_s` is the time of the last attempt, `retries` the number of attempts before it, `source` whether the
    answer comes from a model, a log, the cache or a person. `logprobs` are candidates for the first token with their
    natural log-probabilities, if requested and if the endpoint returns them. `thoughts` are kept for the audit alone.
    `adapted` states how the body differed from the request, after the endpoint refused a parameter.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default=Usage())
    model: str | None = None
    latency_s: float = 0.0
    retries: int = 0
    source: Source = "model"
    logprobs: tuple[tuple[str, float], ...] | None = None
    thoughts: str = ""
    adapted: tuple[str, ...] = ()

    @property
    def ended(self) -> Ending:
        """How the answer ended."""
        return ending(self.finish_reason)

    @property
    def marks(self) -> tuple[AnswerMark, ...]:
        """What is unusual about the answer: `thoughts` were separated from it, it is `empty`, `cut` or `withheld`."""
        ended = self.ended
        found: dict[AnswerMark, bool] = {"thoughts": bool(self.thoughts), "empty": not self.text.strip()}
        found |= {"cut": ended == "cut", "withheld": ended == "withheld"}
        return tuple(mark for mark, is_so in found.items() if is_so)


@lru_cache(maxsize=256)  # a large export asks a million times about a few words
def ending(finish_reason: str | None) -> Ending:
    """Return how an answer with an endpoint's word for its end ended; None is `whole`, an unknown word `other`.

    Some endpoints write it in capitals, as a name (`FinishReason.STOP`) or with a detail (`content_filter: SAFETY`).
    """
    if finish_reason is None:
        return "whole"
    word = finish_reason.lower().replace("-", "_").removeprefix("finishreason.").removeprefix("finish_reason_")
    if word in _ENDINGS:
        return _ENDINGS[word]
    known = [_ENDINGS[part] for part in re.split(r"[\s:./|]+", word) if part in _ENDINGS]
    return next((end for end in known if end != "whole"), "other")


_ENDINGS: Final[Mapping[str, Ending]] = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed"), "whole"),
    **dict.fromkeys(("length", "max_tokens", "model_length", "max_output_tokens", "max_length"), "cut"),
    **dict.fromkeys(("max_new_tokens", "max_completion_tokens", "model_context_window_exceeded"), "cut"),
    **dict.fromkeys(("content_filter", "content_filtered", "safety", "prohibited_content", "blocklist"), "withheld"),
    **dict.fromkeys(("recitation", "spii", "refusal", "sensitive", "guardrail_intervened", "image_safety"), "withheld"),
}


def digest_of(canonical: bytes) -> str:
    """Return the digest of a request's canonical bytes."""
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()
