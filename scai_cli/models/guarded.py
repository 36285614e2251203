"""What every provider's answer passes first: a time limit, and checks, as a provider may be third-party code."""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from scai_cli import plugins
from scai_cli.errors import CallFailed, CallTransient, ScaiError
from scai_cli.experiment.model_code import code_of
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.endpoint import SERVICES, Endpoint, key_variable, shown_address
from scai_cli.models.key_command import key_command
from scai_cli.text.characters import clean

_GRACE_S: Final = 1.0
"""The seconds in which a cancelled call may end by itself."""
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "finish_reason": (str,),
    "thoughts": (str,),
    "model": (str, type(None)),
    "usage": (Usage,),
    "logprobs": (tuple, type(None)),
}
_MOST_TOKENS: Final = 10**12
T = TypeVar("T")


class GuardedModel:
    """A provider's model whose calls end within `timeout_s`, and raise nothing but the errors of `ChatModel`."""

    def __init__(self, model: ChatModel, settings: ModelSettings) -> None:
        self._model = model
        self._settings = settings
        self._is_ours = not any(plugins.is_foreign(*code) for code in code_of(settings))
        self._is_timed = self._is_ours and settings.provider in SERVICES
        """Whether its connection has the same time limit; a second one would cost CPU time."""

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request.

        An ordinary exception of the provider is a CallFailed with its type, one of the network (OSError) a
        CallTransient; an answer that is not a Completion with a text is a CallFailed.
        """
        try:
            answer = await self._in_time(request)
        except ScaiError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise CallTransient(f"{shown_address(self._settings)}: the provider cancelled the call") from None
        except Exception as error:
            logging.getLogger("scai_cli").debug("a provider's exception", exc_info=error)
            kind = CallTransient if isinstance(error, OSError) else CallFailed
            what = described(error, self._settings)
            raise kind(f"{shown_address(self._settings)}: the provider raised {what}") from None
        if problem := _problem(answer):
            raise CallFailed(f"{shown_address(self._settings)}: the provider returned {problem}")
        finish, model = clean(answer.finish_reason), clean(answer.model or "") or None
        if finish == answer.finish_reason and model == answer.model:  # as a rule; a copy costs more than the checks
            return answer
        return replace(answer, finish_reason=finish, model=model)

    async def aclose(self) -> None:
        """Close the model within `timeout_s`; all answers are there, so what goes wrong cannot harm the work."""
        closing = await _within(self._settings.timeout_s, self._closed())
        if closing is not None and not closing.cancelled() and (error := closing.exception()):
            logging.getLogger("scai_cli").debug("a provider's exception while it closes", exc_info=error)

    async def _in_time(self, request: ChatRequest) -> Completion:
        """Return what the provider returns within `timeout_s`; raises CallTransient after it."""
        seconds = self._settings.timeout_s
        if self._is_timed:
            return await self._model.complete(request)
        if self._is_ours:  # it ends when it is cancelled, and needs no task of its own, which costs CPU time
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    return await self._model.complete(request)
            except TimeoutError:
                if not limit.expired():
                    raise
        elif (call := await _within(seconds, self._answered(request))) is not None:
            return call.result()
        raise timed_out(shown_address(self._settings), seconds)

    async def _answered(self, request: ChatRequest) -> Completion:
        return await self._model.complete(request)

    async def _closed(self) -> None:
        await self._model.aclose()


def described(error: Exception, settings: ModelSettings) -> str:
    """Return the type and the text of an exception in one line, without the key."""
    text = type(error).__name__
    with suppress(Exception):  # third-party code makes the text
        text += f": {error}" if str(error) else ""
    variable = key_variable(settings)
    key = os.environ.get(variable, "").strip() or None
    return Endpoint(urlsplit(""), key, variable, key_command(variable)).quote(text)


async def _within(seconds: float, work: Coroutine[Any, Any, T]) -> asyncio.Task[T] | None:
    """Do some work in a task and return the task when it has ended; None if the work takes longer, and is ended."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # else Python prints a late one
    try:
        await asyncio.wait({task}, timeout=seconds)
        return task if task.done() else None
    finally:
        if not task.done():  # it takes too long, or the caller is cancelled
            await _end(task)


async def _end(task: asyncio.Task[Any]) -> None:
    """End a task, also one that ignores its cancellation, which would otherwise keep the process alive."""
    task.cancel()
    await asyncio.wait({task}, timeout=_GRACE_S)
    if not task.done():
        coroutine = task.get_coro()
        assert asyncio.iscoroutine(coroutine)
        with suppress(Exception):
            coroutine.close()
        task.cancel()


def timed_out(where: object, seconds: float) -> CallTransient:
    """Return the error for a call without an answer in time."""
    return CallTransient(f"{where}: no complete answer within {seconds:g} s (model.timeout_s)", overloaded=True)


def _problem(answer: object) -> str | None:
    """Return why a provider's answer cannot be used, or could not be read again from the call log; None if it can."""
    if not isinstance(answer, Completion):
        return f"{type(answer).__name__}, not a Completion"
    for name, kinds in _KINDS.items():
        if not isinstance(value := getattr(answer, name), kinds):
            return f"{type(value).__name__} as the {name} of an answer, not {kinds[0].__name__}"
    usage = answer.usage
    if not all(map(_is_count, (usage.input_tokens, usage.output_tokens, usage.cached_tokens))):
        return "numbers of tokens that are none"
    if answer.logprobs is not None and not all(map(_is_logprob, answer.logprobs)):
        return "log-probabilities that are not pairs of a text and a number"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < _MOST_TOKENS


def _is_logprob(value: object) -> bool:
    match value:
        case (str(token), int() | float() as logprob):
            return clean(token) == token and math.isfinite(logprob)
    return False
