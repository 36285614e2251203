"""What stands in front of an endpoint: the only place that waits, limits, retries and gives up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from scai_cli.errors import CallFailed, CallTransient, EndpointFailed, ScaiError
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.limits import Budget, Spend, prompt_tokens
from scai_cli.models.prices import PriceOf
from scai_cli.models.rate import Rate
from scai_cli.models.slots import Slots

_FIRST_GUESS = 256.0
"""Tokens of an answer of a kind that has not been seen yet."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard an endpoint may be pressed, and how patiently."""

    concurrency: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_retries: int = 6
    """Attempts after the first. With the back-off below that is 23 to 31 seconds."""
    backoff_s: float = 0.5
    """The first wait; it doubles with every attempt, up to `max_backoff_s`."""
    max_backoff_s: float = 60.0
    max_retry_after_s: float = 900.0
    """The longest wait that an endpoint may ask for."""
    patience_s: float = 600.0
    """How long a call puts up with refusals beyond `max_retries` while the endpoint answers other calls."""
    down_after: int = 3
    """So many calls that fail, with no success in between, are an endpoint's failure when one gives up."""

    def backoff(self, attempt: int, seed: str) -> float:
        """Seconds to wait after the attempt of that number (from 0), with up to a quarter off by the seed."""
        wait = min(self.backoff_s * 2.0 ** min(attempt, 60), self.max_backoff_s)
        return wait * random.Random(f"{seed}#{attempt}").uniform(0.75, 1.0)


@dataclass(slots=True)
class Meter:
    """What a gate is doing and has done, for the live display; `usd` is None once a price is unknown."""

    inside: int = 0
    in_flight: int = 0
    calls: int = 0
    retries: int = 0
    usage: Usage = field(default=Usage())
    usd: float | None = 0.0

    @property
    def waiting(self) -> int:
        """Calls that wait for a slot, for the rate, or for a cool-down to end."""
        return self.inside - self.in_flight


class Gate:
    """One endpoint's gate, shared by all roles that use it; itself a ChatModel.

    A call waits for a slot (in order), for the rate and for the end of the endpoint's cool-down, is reserved
    in the budget, and sent. An attempt that fails in passing is repeated after a back-off. If the endpoint
    itself is in trouble (it asks for patience, or several calls fail and none succeeds), one cool-down stops
    all calls.
    """

    def __init__(
        self,
        model: ChatModel,
        pace: Pace = Pace(),
        *,
        budget: Budget | None = None,
        price: PriceOf | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.meter = Meter()
        self.slots = Slots(pace.concurrency)
        self._model = model
        self._pace = pace
        self._budget = budget
        self._price = price
        self._clock = clock
        self._rate = Rate(pace.requests_per_minute, pace.tokens_per_minute, clock)
        self._typical_output: dict[str, float] = {}  # tokens, by what is asked for: a revision is longer than a rating
        self._failing: set[str] = set()  # calls that failed an attempt since the last success
        self._strikes = 0  # cool-downs since the last success
        self._strike_at = self._resume_at = self._answered_at = -float("inf")
        self._stop = asyncio.Event()
        self._closed: ScaiError | None = None

    async def complete(self, request: ChatRequest, model: ChatModel | None = None) -> Completion:
        """Answer one request, by the gate's own model or another one at its endpoint; sets `latency_s`, `retries`.

        Raises CallFailed when this call failed for good, EndpointFailed when the endpoint did (which closes
        the gate), LimitReached when the budget cannot bear it, or the error that the gate was closed with.
        """
        meter, retries, began = self.meter, 0, self._clock()
        meter.inside += 1
        try:
            while True:
                try:
                    return await self._attempt(request, retries, model or self._model)
                except CallTransient as error:
                    wait = self._wait(request, error, retries, began)
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
        """Let the calls in flight end; all others, waiting or to come, raise the error (the first given)."""
        if self._closed is None:
            self._closed = error
            self._stop.set()
            self.slots.open_wide()

    async def _attempt(self, request: ChatRequest, retries: int, model: ChatModel) -> Completion:
        """Wait until the request may be sent, and send it once."""
        expected = Usage(prompt_tokens(request), self._likely_output(request))
        used = Usage()
        await self.slots.acquire(first=retries > 0)
        try:
            wait = self._rate.take(expected.total)
            self._check_open()
            if wait > 0:
                await self._pause(wait)
            while (wait := self._resume_at - self._clock()) > 0:  # it may be put off while we wait
                await self._pause(wait)
            completion = await self._send(request, retries, expected, model)
            used = completion.usage
            return completion
        finally:
            self._rate.settle(expected.total, used.total)
            self.slots.release()

    async def _send(self, request: ChatRequest, retries: int, expected: Usage, model: ChatModel) -> Completion:
        """Send a request that is due, and keep the books."""
        reserved = Spend(1, expected.total, self._cost(request, expected) or 0.0)
        spent = Spend()
        if self._budget is not None:
            await self._budget.claim(reserved)
            if self._closed is not None:  # it may have been while we waited
                self._budget.settle(reserved, spent)
                raise self._closed
        self.meter.in_flight += 1
        started = self._clock()
        try:
            completion = await model.complete(request)
            spent = self._count(request, completion.usage)
        except CallTransient as error:
            self._note_failure(request, error, started)
            raise
        finally:
            self.meter.in_flight -= 1
            if self._budget is not None:
                self._budget.settle(reserved, spent)
        self._note_success()
        return replace(completion, latency_s=self._clock() - started, retries=retries)

    def _count(self, request: ChatRequest, usage: Usage) -> Spend:
        cost = self._cost(request, usage)
        meter = self.meter
        meter.calls += 1
        meter.usage += usage
        meter.usd = None if meter.usd is None or cost is None else meter.usd + cost
        typical = self._typical_output.get(request.purpose, usage.output_tokens)
        self._typical_output[request.purpose] = typical + (usage.output_tokens - typical) / 32
        return Spend(1, usage.total, cost or 0.0)

    def _cost(self, request: ChatRequest, usage: Usage) -> float | None:
        price = self._price(request.model) if self._price is not None else None
        return price.cost(usage) if price is not None else None

    def _likely_output(self, request: ChatRequest) -> int:
        typical = self._typical_output.get(request.purpose, _FIRST_GUESS)
        most = request.sampling.max_tokens
        return round(typical if most is None else min(most, typical))

    def _note_success(self) -> None:
        if self._failing:
            self._failing.clear()
        self._strikes = 0
        self._answered_at = self._clock()
        self.slots.grow()

    def _note_failure(self, request: ChatRequest, error: CallTransient, started: float) -> None:
        """Stop all calls for a while if the trouble is the endpoint's, not this call's alone."""
        self._failing.add(request.id)
        if not (error.overloaded or error.retry_after or len(self._failing) > 1):
            return
        now = self._clock()
        cool_down = error.retry_after or 0.0
        if started >= self._strike_at:  # sent before the last cool-down, an attempt tells nothing new
            cool_down = cool_down or self._pace.backoff(self._strikes, request.id)
            self._strikes += 1
            self._strike_at = now
            if error.overloaded:
                self.slots.shrink()
        self._resume_at = max(self._resume_at, now + min(cool_down, self._pace.max_retry_after_s))

    def _wait(self, request: ChatRequest, error: CallTransient, retries: int, began: float) -> float:
        """Seconds to wait before the next attempt; raises if there is none."""
        asked, most = error.retry_after or 0.0, self._pace.max_retry_after_s
        if asked > most:
            raise EndpointFailed(f"{error}; it asks to wait {asked:.0f} s, and {most:.0f} s is the most") from None
        busy = error.overloaded and self._answered_at > began > self._clock() - self._pace.patience_s
        worn = retries >= self._pace.max_retries and not busy
        calls, rounds = len(self._failing), max(self._strikes, retries + 1)
        if calls >= self._pace.down_after and (worn or self._strikes > self._pace.max_retries):
            reason = f"{calls} calls in a row failed in {rounds} rounds of attempts"
            raise EndpointFailed(f"{error}; {reason}; resume when the endpoint is well") from None
        if worn:
            raise CallFailed(f"{error}; gave up after {retries + 1} attempts") from None
        return max(asked, self._pace.backoff(retries, request.id))

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not beyond the moment when the gate is closed."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return
        self._check_open()

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._closed


class Gated:
    """A model whose calls go through the gate of its endpoint, which others share; the gate does not close it."""

    def __init__(self, gate: Gate, model: ChatModel) -> None:
        self._gate = gate
        self._model = model

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request as the gate does, by this model with its own options."""
        return await self._gate.complete(request, self._model)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()
