"""The account of one endpoint: what its calls are expected to cost, what they have cost, and the counts on display."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from scai_cli.errors import ProviderError, UnusedResponse
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.models.limits import Budget, Spend, prompt_tokens
from scai_cli.models.prices import PriceOf
from scai_cli.models.thoughts import answered

_FIRST_GUESS = 256.0
"""The expected output tokens of a call until its purpose has its first answer."""


@dataclass(slots=True)
class Meter:
    """The counts of an endpoint for the live display; `usd` is None once a price is unknown."""

    inside: int = 0
    in_flight: int = 0
    calls: int = 0
    retries: int = 0
    usage: Usage = field(default=Usage())
    usd: float | None = 0.0

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a slot, the rate limit, the end of a cool-down or their batch."""
        return self.inside - self.in_flight


class Tally:
    """Counts the calls of one endpoint, and reserves their expected cost in the budget."""

    def __init__(self, budget: Budget | None = None, price: PriceOf | None = None) -> None:
        self.meter = Meter()
        self.note_unused: Callable[[ChatRequest, UnusedResponse, str], None] = lambda *_: None
        """Called for every paid response that contains no usable answer, with the reason."""
        self.blocked = 0
        """The calls that wait until others show that the limits allow them."""
        self._budget = budget
        self._price = price
        self._typical_output: dict[str, float] = {}  # tokens by purpose: a revision is longer than a rating

    def expected(self, request: ChatRequest) -> Usage:
        """Return the tokens that a request is expected to take."""
        typical = self._typical_output.get(request.purpose, _FIRST_GUESS)
        most = request.sampling.max_tokens
        return Usage(prompt_tokens(request), round(typical if most is None else min(most, typical)))

    async def claim(self, request: ChatRequest, expected: Usage) -> Spend:
        """Reserve the expected cost of a call and return it; raises LimitReached if it exceeds a limit."""
        reserved = Spend(1, expected.total, self._cost(request, expected) or 0.0)
        if self._budget is not None:
            self.blocked += 1
            try:
                await self._budget.claim(reserved)
            finally:
                self.blocked -= 1
        return reserved

    def release(self, reserved: Spend) -> None:
        """Take a reservation back: the call is not made."""
        if self._budget is not None:
            self._budget.settle(reserved, Spend())

    async def charged(self, request: ChatRequest, reserved: Spend, attempt: Awaitable[Completion]) -> Completion:
        """Await an attempt, split its thoughts off, and replace the reservation by its cost, also if it fails."""
        spent = Spend()
        self.meter.in_flight += 1
        try:
            completion = answered(await attempt)
            spent = self.count(request, completion.usage)
            return completion
        except ProviderError as error:
            if error.response is not None:
                spent = self.count(request, Usage.of(error.response))
                self.note_unused(request, error.response, str(error))
            raise
        finally:
            self.meter.in_flight -= 1
            if self._budget is not None:
                self._budget.settle(reserved, spent)

    def count(self, request: ChatRequest, usage: Usage) -> Spend:
        """Add a paid call to the meter, and move the typical output of its purpose 1/32 towards its output."""
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
