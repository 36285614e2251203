"""The gate of an endpoint that is asked in batches; it has the place of `models.gate.Gate`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from scai_cli.errors import (
    CallAdapted,
    CallFailed,
    CallTransient,
    EndpointFailed,
    PromptRefused,
    ScaiError,
    Unexplained,
)
from scai_cli.experiment.model_settings import BatchKind
from scai_cli.messages import ChatRequest, Completion
from scai_cli.models.batching.batches import Batches
from scai_cli.models.connection import Connection
from scai_cli.models.tally import Meter, Tally
from scai_cli.text.counts import counted


class BatchableModel(Protocol):
    """A model whose request and response are bodies in JSON, so that others may carry them."""

    @property
    def connection(self) -> Connection:
        """The connection to its endpoint."""

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """Return the body of a request."""

    async def aclose(self) -> None:
        """Close the connection."""


class BatchGate:
    """Asks in batches: a call ends when the results of its batch are there. Failed and missing lines are asked again.

    Limits of calls, tokens and money count as at any gate; a batch has neither a rate nor a time limit of its own.
    """

    def __init__(
        self, batches: Batches, kind: BatchKind, tally: Tally, max_retries: int, notices: Callable[[str], None]
    ) -> None:
        self.tally = tally
        self._batches = batches
        self._kind = kind
        self._max_retries = max_retries
        self._notices = notices

    @property
    def meter(self) -> Meter:
        """The counts of its calls."""
        return self.tally.meter

    async def complete(self, request: ChatRequest, model: BatchableModel) -> Completion:
        """Answer one request; raises as `Gate.complete` does."""
        meter, retries = self.meter, 0
        meter.inside += 1
        try:
            while True:
                try:
                    return await self._attempt(request, model, retries)
                except CallAdapted as error:
                    self._notices(str(error))
                except CallTransient as error:
                    if retries >= self._max_retries:
                        raise CallFailed(f"{error}; gave up after {counted(retries + 1, 'batch', 'batches')}") from None
                except Unexplained as error:
                    if retries >= error.again:
                        raise PromptRefused(f"{error}; other prompts are answered") from None
                retries += 1
                meter.retries += 1
        except EndpointFailed as error:
            self.close_for_new_calls(error)
            raise
        finally:
            meter.inside -= 1

    def close_for_new_calls(self, error: ScaiError) -> None:
        """Make every waiting and later call raise the error."""
        self._batches.close_for_new_calls(error)

    async def _attempt(self, request: ChatRequest, model: BatchableModel, retries: int) -> Completion:
        body = model.body(request)
        adapted = model.connection.adapt(body)
        reserved, began = await self.tally.claim(request, self.tally.expected(request)), time.monotonic()
        attempt = self._asked(request, model, body)
        completion = await self.tally.charged(request, reserved, attempt)
        return replace(completion, adapted=adapted, latency_s=time.monotonic() - began, retries=retries)

    async def _asked(self, request: ChatRequest, model: BatchableModel, body: Mapping[str, Any]) -> Completion:
        connection, where = model.connection, model.connection.endpoint
        result = await self._batches.result(connection, self._kind, request, body)
        if result is None:
            raise CallTransient(f"{where}: the batch has ended without an answer to this request")
        await asyncio.sleep(0)  # thousands of answers in a row must not block signals
        if result.status == 200:
            return connection.read(result.body, request, body)
        if not result.status:
            raise CallTransient(f"{where}: the batch has no answer: {where.quote(result.body.decode())}")
        error = connection.refusal(result.status, result.body, body)
        if isinstance(error, Unexplained) and not self._batches.have_answered(connection, self._kind, request.model):
            raise EndpointFailed(f"{error}; no batch has an answer")
        raise error
