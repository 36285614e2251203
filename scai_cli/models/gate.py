"""The gate of an endpoint: the only place that limits calls, waits, retries and gives up."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from typing import Any, Protocol

from scai_cli.errors import (
    CallAdapted,
    CallFailed,
    CallTransient,
    EndpointFailed,
    PromptRefused,
    ProviderError,
    ScaiError,
    Unexplained,
    UnusedResponse,
)
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.limits import Budget
from scai_cli.models.prices import PriceOf
from scai_cli.models.rate import Rate
from scai_cli.models.slots import Slots
from scai_cli.models.tally import Meter, Tally
from scai_cli.text.counts import counted

PROBE = "probe"
"""The purpose of a call that shows whether an endpoint answers a harmless prompt."""
_HARMLESS = {"system": "You are a helpful assistant.", "user": "Say hello.", "assistant": "Hello."}


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Rate limits and retries of one endpoint."""

    concurrency: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_retries: int = 6
    """The number of retries; with the default back-off they take 23 to 31 seconds."""
    backoff_s: float = 0.5
    """The seconds before the first retry; they double with every attempt, up to `max_backoff_s`."""
    max_backoff_s: float = 60.0
    max_retry_after_s: float = 900.0
    """The longest wait that an endpoint may request."""
    patience_s: float = 600.0
    """The seconds for which a call is retried beyond `max_retries` while an overloaded endpoint answers other calls."""
    down_after: int = 3
    """The number of calls that fail without a success in between until the endpoint counts as down."""

    def backoff(self, attempt: int, seed: str) -> float:
        """Return the seconds to wait after attempt `attempt` (from 0), less a random part of up to a quarter."""
        wait = min(self.backoff_s * 2.0 ** min(attempt, 60), self.max_backoff_s)
        return wait * random.Random(f"{seed}#{attempt}").uniform(0.75, 1.0)


class Gate:
    """The gate of one endpoint, shared by all its roles; itself a ChatModel.

    1. The call waits for a slot, first come first served.
    2. It waits for the rate limit, then for the end of the endpoint's cool-down.
    3. It reserves its expected cost in the budget and is sent.
    4. A transient failure is retried after a back-off, at the head of the queue.
    5. If the endpoint itself fails (it requests a wait, or several calls fail and none succeeds), one cool-down stops
       all its calls.
    6. A refusal without a known reason is the prompt's fault if a harmless prompt of the same shape is answered, else
       the endpoint's.
    """

    def __init__(
        self,
        model: ChatModel,
        settings: GateSettings = GateSettings(),
        *,
        budget: Budget | None = None,
        price: PriceOf | None = None,
        notices: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slots = Slots(settings.concurrency)
        self._model = model
        self._settings = settings
        self.tally = Tally(budget, price)
        self._notices = notices
        self._clock = clock
        self._rate = Rate(settings.requests_per_minute, settings.tokens_per_minute, clock)
        self._failing: set[str] = set()  # ids of calls that failed an attempt since the last success
        self._strikes = 0  # cool-downs since the last success
        self._strike_at = self._resume_at = self._answered_at = -float("inf")
        self._stop = asyncio.Event()
        self._probing = asyncio.Lock()
        self._closed: ScaiError | None = None

    @property
    def meter(self) -> Meter:
        """The counts of its calls."""
        return self.tally.meter

    async def complete(self, request: ChatRequest, model: ChatModel | None = None) -> Completion:
        """Answer one request with the gate's own model or another one at its endpoint; set `latency_s`, `retries`.

        Raises CallFailed if this call cannot succeed, EndpointFailed if no call can (this closes the gate),
        LimitReached if the budget does not allow the call, or the error that closed the gate.
        """
        meter, retries, began = self.meter, 0, self._clock()
        model = model or self._model
        meter.inside += 1
        try:
            while True:
                try:
                    return await self._attempt(request, retries, model)
                except CallAdapted as error:
                    self._notices(str(error))
                    continue
                except CallTransient as error:
                    wait = self._wait(request, error, retries, began)
                except Unexplained as error:
                    if retries >= error.again:
                        raise await self._explained(request, error, model) from None
                    wait = self._settings.backoff(retries, request.id)
                # The slot was released: a call that backs off must not keep others from an endpoint that answers.
                retries += 1
                meter.retries += 1
                await self._pause(wait)
        except EndpointFailed as error:
            self.close_for_new_calls(error)
            raise
        finally:
            meter.inside -= 1

    async def aclose(self) -> None:
        """Close the model behind the gate."""
        await self._model.aclose()

    def close_for_new_calls(self, error: ScaiError) -> None:
        """Make every later call raise the error, the first one if there are several; calls in flight finish."""
        if self._closed is None:
            self._closed = error
            self._stop.set()
            self.slots.admit_all()  # after `_closed` is set, so that each admitted call finds it and raises

    async def _attempt(self, request: ChatRequest, retries: int, model: ChatModel) -> Completion:
        """Wait for a slot, the rate limit and the cool-down, then send the request once."""
        expected = self.tally.expected(request)
        used = Usage()
        # A retry goes first: behind a long queue its patience would run out before its turn came.
        await self.slots.acquire(first=retries > 0 or request.purpose == PROBE)
        try:
            # The slot comes before the rate, so that calls take from the rate in the order of the queue.
            wait = self._rate.take(expected.total)
            self._check_open()
            if wait > 0:
                await self._pause(wait)
            # The cool-down comes last, and in a loop: another call may begin or extend it during each wait.
            while (wait := self._resume_at - self._clock()) > 0:
                await self._pause(wait)
            completion = await self._send(request, retries, expected, model)
            used = completion.usage
            return completion
        except ProviderError as error:
            used = Usage.of(error.response) if error.response else used
            raise
        finally:
            self._rate.settle(expected.total, used.total)
            self.slots.release()

    async def _send(self, request: ChatRequest, retries: int, expected: Usage, model: ChatModel) -> Completion:
        """Send a request and count its tokens and cost."""
        reserved = await self.tally.claim(request, expected)
        if self._closed is not None:  # the gate may have closed during the wait for the budget
            self.tally.release(reserved)
            raise self._closed
        started = self._clock()
        try:
            completion = await self.tally.charged(request, reserved, model.complete(request))
        except CallTransient as error:
            self._note_failure(request, error, started)
            raise
        self._note_success()
        return replace(completion, latency_s=self._clock() - started, retries=retries)

    def _note_success(self) -> None:
        if self._failing:
            self._failing.clear()
        self._strikes = 0
        self._answered_at = self._clock()
        self.slots.grow()

    def _note_failure(self, request: ChatRequest, error: CallTransient, started: float) -> None:
        """Start a cool-down for all calls if the endpoint fails, not this call alone."""
        self._failing.add(request.id)
        if not (error.overloaded or error.retry_after or len(self._failing) > 1):
            return
        now = self._clock()
        cool_down = error.retry_after or 0.0
        # With 32 calls in flight one outage fails 32 attempts. Only those that were sent after the last strike are
        # new evidence; else a single outage would count as 32 strikes and halve the slots 32 times.
        if started >= self._strike_at:
            cool_down = cool_down or self._settings.backoff(self._strikes, request.id)
            self._strikes += 1
            self._strike_at = now
            if error.overloaded:
                self.slots.shrink()
        self._resume_at = max(self._resume_at, now + min(cool_down, self._settings.max_retry_after_s))

    def _wait(self, request: ChatRequest, error: CallTransient, retries: int, began: float) -> float:
        """Return the seconds to wait before the next attempt; raise CallFailed or EndpointFailed to give up."""
        asked, most = error.retry_after or 0.0, self._settings.max_retry_after_s
        if asked > most:
            raise EndpointFailed(
                f"{error}; it requests a wait of {asked:.0f} s, over the limit of {most:.0f} s"
            ) from None
        # An overloaded endpoint that has answered others since this call began works: only this call is unlucky. A
        # wait that it requests, as for a quota per minute, is no reason to lose patience.
        patient = asked > 0 or began > self._clock() - self._settings.patience_s
        busy = error.overloaded and self._answered_at > began and patient
        exhausted = retries >= self._settings.max_retries and not busy
        calls, rounds = len(self._failing), max(self._strikes, retries + 1)
        # The endpoint is judged before the call: if it is down, the run stops, instead of recording a problem for
        # every call that is left.
        if calls >= self._settings.down_after and (exhausted or self._strikes > self._settings.max_retries):
            reason = f"{calls} calls in a row failed in {counted(rounds, 'round')} of attempts"
            raise EndpointFailed(f"{error}; {reason}; wait until the endpoint is available again") from None
        if exhausted:
            raise CallFailed(f"{error}; gave up after {counted(retries + 1, 'attempt')}") from None
        return max(asked, self._settings.backoff(retries, request.id))

    async def _explained(self, request: ChatRequest, error: Unexplained, model: ChatModel) -> ProviderError:
        """Return the error for a refusal without a known reason, from what becomes of a harmless prompt."""
        if request.purpose == PROBE:
            return EndpointFailed(f"{error}; a harmless prompt is refused, too")
        async with self._probing:  # one after the other, since the first that is refused closes the gate
            self._check_open()
            messages = tuple(Message(message.role, _HARMLESS[message.role]) for message in request.messages)
            probe = replace(request, id=f"{request.id}/{PROBE}", purpose=PROBE, messages=messages)
            answer = await self.complete(probe, model)
        unused = UnusedResponse(answer.text, answer.finish_reason, *astuple(answer.usage))
        self.tally.note_unused(probe, unused, "asked to find out why another prompt is refused")
        refused = PromptRefused(f"{error}; other prompts are answered")
        refused.response = error.response
        return refused

    async def _pause(self, seconds: float) -> None:
        """Sleep; if the gate is closed meanwhile, raise the closing error at once."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return
        self._check_open()

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._closed


class Passable(Protocol):
    """A gate of any kind; the calls of a model pass it."""

    async def complete(self, request: ChatRequest, model: Any) -> Completion:
        """Answer one request with a model of the kind that the gate takes; raises as `Gate.complete` does."""


class GatedModel:
    """A model whose calls pass the shared gate of its endpoint."""

    def __init__(self, gate: Passable, model: Any) -> None:
        self._gate = gate
        self._model = model

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request with this model and its options, as its gate does."""
        return await self._gate.complete(request, self._model)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()
