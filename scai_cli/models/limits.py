"""What a run may use and has used: checked before each call, with what is in flight reserved."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scai_cli.errors import LimitReached
from scai_cli.messages import ChatRequest

CHARACTERS_PER_TOKEN = 4


def rough_tokens(characters: int) -> int:
    """Tokens of a text of so many characters, by the rule of thumb of four characters each, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def prompt_tokens(request: ChatRequest) -> int:
    """An estimate of a request's input tokens, for when nobody has counted them (yet)."""
    return rough_tokens(sum(len(message.content) for message in request.messages))


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that a run may use; None is no limit. Seconds are of wall time."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Spend:
    """What calls cost: their number, tokens (input and output together) and money."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: Spend) -> Spend:
        return Spend(self.calls + other.calls, self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: Spend) -> Spend:
        return Spend(self.calls - other.calls, self.tokens - other.tokens, self.usd - other.usd)


class Budget:
    """The purse of one run, shared by all its gates: `used` so far and `reserved` for the calls in flight.

    `used` and `seconds` may start with what the run had used before it was resumed.
    """

    def __init__(
        self,
        caps: Caps,
        *,
        used: Spend = Spend(),
        seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.caps = caps
        self.used = used
        self.reserved = Spend()
        self._clock = clock
        self._began = clock() - seconds
        self._stopped_at: float | None = None
        self._settled = asyncio.Event()

    @property
    def seconds(self) -> float:
        """Wall time used, that before a resume included and that with a stopped clock not."""
        return (self._clock() if self._stopped_at is None else self._stopped_at) - self._began

    @contextmanager
    def stopped_clock(self) -> Iterator[None]:
        """While entered no time goes by: a person is thinking."""
        self._stopped_at = self._clock()
        try:
            yield
        finally:
            self._began += self._clock() - self._stopped_at
            self._stopped_at = None

    async def claim(self, spend: Spend) -> None:
        """Set aside what a call may cost, waiting as long as only calls in flight stand in its way.

        Raises LimitReached when it would not fit without them either.
        """
        while (excess := self._excess(self.used + self.reserved + spend)) is not None:
            if self.reserved.calls == 0 or self._excess(self.used + spend) is not None:
                raise excess
            await self._settled.wait()
        self.reserved += spend

    def reserve(self, spend: Spend) -> None:
        """Set aside what a call may cost; raises LimitReached, setting nothing aside, if that is too much."""
        if (excess := self._excess(self.used + self.reserved + spend)) is not None:
            raise excess
        self.reserved += spend

    def _excess(self, hoped: Spend) -> LimitReached | None:
        """What to say if so much is more than a cap allows."""
        caps = self.caps
        if caps.calls is not None and hoped.calls > caps.calls:
            return _reached("calls", f"{self.used.calls:,}", f"{caps.calls:,}")
        if caps.tokens is not None and hoped.tokens > caps.tokens:
            return _reached("tokens", f"{self.used.tokens:,}", f"{caps.tokens:,}")
        if caps.usd is not None and hoped.usd > caps.usd + 1e-9:
            return _reached("usd", f"{self.used.usd:.4f}", f"{caps.usd:.4f}")
        if caps.seconds is not None and self.seconds >= caps.seconds:
            return _reached("seconds", f"{self.seconds:.0f}", f"{caps.seconds:g}")
        return None

    def charge(self, used: Spend, seconds: float) -> None:
        """Count what an earlier part of the run has used."""
        self.used += used
        self._began -= seconds

    def settle(self, reserved: Spend, used: Spend) -> None:
        """Replace what was set aside for a call by what it cost; nothing if it failed."""
        self.reserved -= reserved
        self.used += used
        self._settled.set()
        self._settled = asyncio.Event()


def _reached(what: str, used: str, allowed: str) -> LimitReached:
    return LimitReached(
        f"limits.{what}: reached, {used} of {allowed} used and the next call would not fit; "
        f"raise limits.{what} and `scai resume` goes on"
    )
