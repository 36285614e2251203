"""The call log: record each call of a run, and answer calls that earlier sessions recorded (replay)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from pydantic_core import to_json

from scai_cli.errors import CallFailed, ScaiError, UnusedResponse
from scai_cli.messages import ChatRequest, Completion, Usage, digest_of
from scai_cli.models.base import ChatModel
from scai_cli.models.call_count import CallCount
from scai_cli.text.characters import clean

CallLog = Callable[[bytes], None]
"""Writes a line of `calls.jsonl`, given without the newline."""


class Replay(Protocol):
    """The recorded calls of earlier sessions."""

    def answer(self, request: ChatRequest) -> Completion | None:
        """Return the recorded answer to this request, or None; raises CallFailed for a recorded failure."""


class RecordedModel:
    """Records each call; answers a recorded one without calling the model."""

    def __init__(
        self, model: ChatModel, log: CallLog, replay: Replay | None = None, count: CallCount | None = None
    ) -> None:
        self._model = model
        self._log = log
        self._replay = replay
        self._count = count or CallCount()
        self._closed: ScaiError | None = None

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer from the log, or call the model and record the result; once closed, raise the closing error."""
        if self._closed is not None:
            raise self._closed
        stage, completion = self._count.begin(request.id), None
        try:
            completion = await self._completed(request)
            return completion
        finally:
            is_logged = completion is not None and completion.source == "replay"
            self._count.end(stage, is_answered=completion is not None, is_logged=is_logged)

    async def _completed(self, request: ChatRequest) -> Completion:
        if self._replay is not None and (known := self._replay.answer(request)) is not None:
            await asyncio.sleep(0)  # a long replay must not block other conversations and signals
            return known
        try:
            completion = await self._model.complete(request)
        except CallFailed as error:
            # Recorded for the audit trail. Only an event makes a failure final: a resume repeats it if the run wrote
            # a `problem` for it, so that the events after it stay true, and else makes the call again.
            self._log(_line(request, {"error": clean(str(error))}))
            raise
        text, thoughts = clean(completion.text), clean(completion.thoughts)
        if text != completion.text or thoughts != completion.thoughts:
            completion = replace(completion, text=text, thoughts=thoughts)
        # The call is written before the answer is returned, so before any event that follows from it. A crash between
        # the two leaves a call without its event, which a resume adds; never an event without its call.
        self._log(_line(request, _answer(completion)))
        return completion

    def close_for_new_calls(self, error: ScaiError) -> None:
        """Make every later call raise the error, replayed ones included; calls in flight finish."""
        self._closed = error

    async def aclose(self) -> None:
        """Close the model behind the log."""
        await self._model.aclose()


def log_unused(log: CallLog, request: ChatRequest, response: UnusedResponse, reason: str) -> None:
    """Record a paid response that contains no usable answer; it is never replayed."""
    completion = Completion(response.text, response.finish_reason or "", Usage.of(response))
    log(_line(request, {**_answer(completion), "used": False, "reason": clean(reason)}))


def _line(request: ChatRequest, tail: dict[str, Any]) -> bytes:
    """Return a line of `calls.jsonl`: the request as sent, and the answer or the error."""
    canonical = request.canonical()
    head = {
        "id": request.id,
        "role": request.role,
        "purpose": request.purpose,
        "model": request.model,
        "digest": digest_of(canonical),
    }
    return to_json(head)[:-1] + b',"request":' + canonical + b"," + to_json(tail)[1:]


def _answer(completion: Completion) -> dict[str, Any]:
    counted = completion.usage
    usage = {"input_tokens": counted.input_tokens, "output_tokens": counted.output_tokens}
    if counted.cached_tokens:
        usage["cached_tokens"] = counted.cached_tokens
    answer = {
        "response": completion.text,
        "finish_reason": completion.finish_reason,
        "usage": usage,
        "answered_by": completion.model,
        "latency_s": round(completion.latency_s, 4),
        "retries": completion.retries,
        "source": completion.source,
        "logprobs": completion.logprobs,
        "thoughts": completion.thoughts or None,
        "adapted": completion.adapted or None,
    }
    return {key: value for key, value in answer.items() if value is not None or key == "answered_by"}
