"""What every provider's answer passes first: a time limit, and checks, as a provider may be third-party code."""

from __future__ import annotations

import asyncio
import logging
import os
from urllib.parse import urlsplit

from scai_cli.errors import CallFailed, CallTransient, ScaiError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.endpoint import Endpoint, key_variable, shown_address
from scai_cli.models.key_command import key_command


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
            logging.getLogger("scai_cli").debug("a provider's exception", exc_info=error)
            kind = CallTransient if isinstance(error, OSError) else CallFailed
            raise kind(f"{where}: the provider raised {self._described(error)}") from None
        if problem := _problem(answer):
            raise CallFailed(f"{shown_address(self._settings)}: the provider returned {problem}")
        return answer

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()

    def _described(self, error: Exception) -> str:
        """Return the type and the text of an exception in one line, without the key."""
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        variable = key_variable(self._settings)
        key = os.environ.get(variable, "").strip() or None
        return Endpoint(urlsplit(""), key, variable, key_command(variable)).quote(text)


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
    return None
