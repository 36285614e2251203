"""The call log: every call that a run makes, and answers from an earlier part of the same run (replay)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from pydantic_core import to_json

from scai_cli.errors import CallFailed, ScaiError
from scai_cli.messages import ChatRequest, Completion, clean, digest_of
from scai_cli.models.base import ChatModel

CallLog = Callable[[bytes], None]
"""Takes a line of `calls.jsonl`, without its end."""


class Replay(Protocol):
    """What an earlier part of the run knows about calls."""

    def answer(self, request: ChatRequest) -> Completion | None:
        """The answer that this very request got; raises CallFailed when it failed for good."""
        ...


class RecordedModel:
    """Writes each call to the log; answers those that the log holds already without asking again."""

    def __init__(self, model: ChatModel, log: CallLog, replay: Replay | None = None) -> None:
        self._model = model
        self._log = log
        self._replay = replay
        self._closed: ScaiError | None = None

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer from the log, or ask the model and log what came; raises what it was closed with."""
        if self._closed is not None:
            raise self._closed
        if self._replay is not None and (known := self._replay.answer(request)) is not None:
            await asyncio.sleep(0)  # so that others get on, and signals are heard
            return known
        try:
            completion = await self._model.complete(request)
        except CallFailed as error:
            self._log(record(request, error=clean(str(error))))
            raise
        completion = replace(completion, text=clean(completion.text))
        self._log(record(request, completion))
        return completion

    def close_for_new_calls(self, error: ScaiError) -> None:
        """Let the calls that are being made end; all others, those that could be replayed too, raise the error."""
        self._closed = error

    async def aclose(self) -> None:
        """Close the model behind."""
        await self._model.aclose()


def record(request: ChatRequest, completion: Completion | None = None, error: str | None = None) -> bytes:
    """A line of `calls.jsonl`: the request as it was sent, and its answer or why there is none."""
    canonical = request.canonical()
    head = {
        "id": request.id,
        "role": request.role,
        "purpose": request.purpose,
        "model": request.model,
        "digest": digest_of(canonical),
    }
    tail = {"error": error} if completion is None else _answer(completion)
    return to_json(head)[:-1] + b',"request":' + canonical + b"," + to_json(tail)[1:]


def _answer(completion: Completion) -> dict[str, Any]:
    told = {} if completion.logprobs is None else {"logprobs": completion.logprobs}
    return {
        "response": completion.text,
        "finish_reason": completion.finish_reason,
        "usage": {
            "input_tokens": completion.usage.input_tokens,
            "output_tokens": completion.usage.output_tokens,
        },
        "answered_by": completion.model,
        "latency_s": round(completion.latency_s, 4),
        "retries": completion.retries,
        "source": completion.source,
        **told,
    }
