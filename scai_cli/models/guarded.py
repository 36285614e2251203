"""What every provider's answer passes first: a time limit, and checks, as a provider may be third-party code."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Final

from scai_cli.errors import CallFailed, CallTransient, ConfigError, ScaiError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.endpoint import shown_address
from scai_cli.text.characters import one_line

_QUOTED = 200
_LOGGER: Final = logging.getLogger("scai_cli")


def connected(connect: Callable[[], ChatModel], settings: ModelSettings) -> ChatModel:
    """Connect third-party code; raises ConfigError if it raises an ordinary exception, or returns no model."""
    try:
        model = connect()
    except ScaiError:
        raise
    except Exception as error:
        _LOGGER.debug("a provider's exception", exc_info=error)
        raise ConfigError(f"the provider {settings.provider} raised {_described(error, settings)}") from None
    for name in ("complete", "aclose"):
        if not callable(getattr(model, name, None)):
            kind = type(model).__name__
            raise ConfigError(f"the provider {settings.provider} returned {kind}, which has no coroutine `{name}`")
    return model


class GuardedModel:
    """A provider's model whose calls end within `timeout_s`, and raise nothing but the errors of `ChatModel`."""

    def __init__(self, model: ChatModel, settings: ModelSettings) -> None:
        self._model = model
        self._settings = settings

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request.

        An ordinary exception of the provider is a CallFailed with its type, one of the network (OSError) a
        CallTransient; an answer that is not a Completion with a text is a CallFailed.
        """
        limit = asyncio.timeout(self._settings.timeout_s)
        try:
            async with limit:
                answer = await self._model.complete(request)
        except ScaiError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise CallTransient(f"{shown_address(self._settings)}: the provider cancelled the call") from None
        except Exception as error:
            where = shown_address(self._settings)
            if limit.expired():
                raise timed_out(where, self._settings.timeout_s) from None
            _LOGGER.debug("a provider's exception", exc_info=error)
            kind = CallTransient if isinstance(error, OSError) else CallFailed
            raise kind(f"{where}: the provider raised {_described(error, self._settings)}") from None
        if problem := _problem(answer):
            raise CallFailed(f"{shown_address(self._settings)}: the provider returned {problem}")
        return answer

    async def aclose(self) -> None:
        """Close the model; an exception of the provider is logged alone, as its calls are answered."""
        try:
            await self._model.aclose()
        except Exception as error:
            _LOGGER.debug("a provider's exception", exc_info=error)


def _described(error: Exception, settings: ModelSettings) -> str:
    """Return the type and the text of an exception in one line, without the key."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    key = os.environ.get(settings.api_key_env or "", "").strip()
    return one_line(text.replace(key, "[key]") if key else text, _QUOTED)


def timed_out(where: object, seconds: float) -> CallTransient:
    """Return the error for a call without an answer in time."""
    return CallTransient(f"{where}: no complete answer within {seconds:g} s (model.timeout_s)", overloaded=True)


def _problem(answer: object) -> str | None:
    """Return why a provider's answer cannot be used; None if it can."""
    if not isinstance(answer, Completion):
        return f"{type(answer).__name__}, not a Completion"
    for name, kind in (("text", str), ("finish_reason", str), ("usage", Usage)):
        if not isinstance(value := getattr(answer, name), kind):
            return f"{type(value).__name__} as the {name} of an answer, not {kind.__name__}"
    for name in ("input_tokens", "output_tokens", "cached_tokens"):
        if not isinstance(count := getattr(answer.usage, name), int) or count < 0:
            return f"{one_line(repr(count), _QUOTED)} as usage.{name}, not a number of tokens"
    return None
