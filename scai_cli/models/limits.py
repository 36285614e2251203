"""The budget of a run: check its limits before each call, with calls in flight counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scai_cli.errors import LimitReached
from scai_cli.messages import ChatRequest, rough_tokens


def prompt_tokens(request: ChatRequest) -> int:
    """Estimate the input tokens of a request."""
    return rough_tokens(sum(len(message.content) for message in request.messages))


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits of a run; `seconds` are wall time; None means no limit."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Spend:
    """The cost of calls: their number, their tokens (input plus output) and US dollars."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: Spend) -> Spend:
        return Spend(self.calls + other.calls, self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: Spend) -> Spend:
        return Spend(self.calls - other.calls, self.tokens - other.tokens, self.usd - other.usd)


class Budget:
    """The budget of one run, shared by its gates: `used` in all sessions, and `reserved` for the calls in flight."""

    def __init__(self, caps: Caps, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.caps = caps
        self.used = Spend()
        self.reserved = Spend()
        self._clock = clock
        self._began = clock()
        self._stopped_at: float | None = None
        self._settled = asyncio.Event()

    @property
    def seconds(self) -> float:
        """The wall time used, including earlier sessions, excluding time under `stopped_clock`."""
        return (self._clock() if self._stopped_at is None else self._stopped_at) - self._began

    @contextmanager
    def stopped_clock(self) -> Iterator[None]:
        """Stop the clock inside the block, as the time of human participants does not count."""
        self._stopped_at = self._clock()
        try:
            yield
        finally:
            self._began += self._clock() - self._stopped_at
            self._stopped_at = None

    async def claim(self, spend: Spend) -> None:
        """Reserve the possible cost of a call; raises LimitReached if it exceeds a limit.

        The reservations of calls in flight are estimates. If the call fits without them, wait until one of them
        settles instead of stopping the run because of an estimate.
        """
        while (excess := self._excess(self.used + self.reserved + spend)) is not None:
            if self.reserved.calls == 0 or self._excess(self.used + spend) is not None:
                raise excess
            await self._settled.wait()
        self.reserved += spend

    def _excess(self, total: Spend) -> LimitReached | None:
        """Build the error for a total that exceeds a limit, or return None."""
        caps = self.caps
        if caps.calls is not None and total.calls > caps.calls:
            return _reached("calls", f"{self.used.calls:,}", f"{caps.calls:,}")
        if caps.tokens is not None and total.tokens > caps.tokens:
            return _reached("tokens", f"{self.used.tokens:,}", f"{caps.tokens:,}")
        if caps.usd is not None and total.usd > caps.usd + 1e-9:  # sums of floats may exceed an exact limit
            return _reached("usd", f"{self.used.usd:.4f}", f"{caps.usd:.4f}")
        if caps.seconds is not None and self.seconds >= caps.seconds:
            return _reached("seconds", f"{self.seconds:.0f}", f"{caps.seconds:g}")
        return None

    def charge(self, used: Spend, seconds: float) -> None:
        """Add the use of earlier sessions."""
        self.used += used
        self._began -= seconds

    def settle(self, reserved: Spend, used: Spend) -> None:
        """Replace the reservation of a call by its cost, which is nothing if it failed."""
        self.reserved -= reserved
        self.used += used
        # A new event each time: it wakes all that wait now, and makes those that wait again wait for the next call.
        self._settled.set()
        self._settled = asyncio.Event()


def _reached(limit: str, used: str, allowed: str) -> LimitReached:
    higher = "--max-usd USD" if limit == "usd" else f"--set limits.{limit}=N"
    return LimitReached(
        f"limits.{limit}: reached, {used} of {allowed} used and the next call would not fit; "
        f"continue with `scai resume {higher}`"
    )
