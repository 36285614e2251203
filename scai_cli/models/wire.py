"""Decode the body of a chat completion, only the fields that scai uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from scai_cli.messages import ChatRequest, Completion, Usage, rough_tokens
from scai_cli.models.limits import prompt_tokens
from scai_cli.text.characters import clean


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: Any = None


class _Answer(BaseModel):
    choices: list[_Choice] | None = None
    usage: Any = None
    model: str | None = None
    error: Any = None


class BodyError(ValueError):
    """An error in a response with status 200."""

    def __init__(self, body: object) -> None:
        super().__init__()
        code = body.get("code") if isinstance(body, Mapping) else None
        self.status = code if isinstance(code, int) and 400 <= code < 600 else 500
        self.body = body


class FilterError(ValueError):
    """An answer that the content filter withheld."""


def read_completion(data: bytes, request: ChatRequest) -> Completion:
    """Decode the completion in a body with status 200; raises ValueError if there is none."""
    try:
        answer = _Answer.model_validate(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(": ".join([*map(str, first["loc"]), first["msg"]])) from None
    if not answer.choices:  # some routers send the upstream's error with status 200
        raise ValueError("no choices") if answer.error is None else BodyError(answer.error)
    choice = answer.choices[0]
    message, finish = choice.message, choice.finish_reason or "stop"
    text = message.content
    if not text and message.refusal:
        text, finish = message.refusal, "refusal"
    if not text and finish == "content_filter":
        raise FilterError
    # No text at `length` is an answer: a reasoning model may use up all its tokens before it writes one.
    if finish == "error" or (text is None and finish != "length"):
        raise ValueError("no content")
    text = clean(text or "")
    usage = _usage(answer.usage, request, text)
    logprobs = _first_logprobs(choice.logprobs) if request.logprobs else None
    return Completion(text, clean(finish), usage, clean(answer.model) if answer.model else None, logprobs=logprobs)


def _first_logprobs(logprobs: object) -> tuple[tuple[str, float], ...] | None:
    """Return the likeliest tokens at the answer's first word or letter, or None if the endpoint gave none."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    tokens = [token for token in content if isinstance(token, Mapping)] if isinstance(content, list) else []
    first = next((t for t in tokens if any(c.isalnum() for c in str(t.get("token", "")))), None)
    likely = first.get("top_logprobs") if first else None
    pairs = [(t.get("token"), t.get("logprob")) for t in likely or () if isinstance(t, Mapping)]
    # Endpoints write -9999 for the probability 0.
    valid = ((t, p) for t, p in pairs if isinstance(t, str) and isinstance(p, int | float) and -1e6 < p <= 0)
    return tuple((clean(t), float(p)) for t, p in valid) or None


def _usage(counted: object, request: ChatRequest, text: str) -> Usage:
    """Return the tokens counted by the endpoint, or estimates where it counted none."""
    counts = counted if isinstance(counted, Mapping) else {}
    sent, answered = counts.get("prompt_tokens"), counts.get("completion_tokens")
    return Usage(
        sent if isinstance(sent, int) else prompt_tokens(request),
        answered if isinstance(answered, int) else rough_tokens(len(text)),
    )
