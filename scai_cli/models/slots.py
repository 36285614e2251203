"""How many calls may be in flight: a fair semaphore whose size follows what the endpoint can bear."""

from __future__ import annotations

import asyncio
import math
from collections import deque


class Slots:
    """First come, first served; between 1 and `upper` slots, all of them at first.

    The size is found as TCP finds its window: `shrink` halves it; every `grow` (an answered call) gives a
    whole slot back up to the mark that the first cut set, so that a short outage is soon forgotten, and from
    there on 1 / size, which is one slot in a round trip.
    """

    def __init__(self, upper: int) -> None:
        self.used = 0
        self.size: float = upper
        self._upper: float = upper
        self._threshold: float = upper
        self._shrunk = False
        self._queue: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, first: bool = False) -> None:
        """Wait for a slot; a waiter that is cancelled leaves no trace."""
        if not self._queue and self.used + 1 <= self.size:
            self.used += 1
            return
        turn = asyncio.get_running_loop().create_future()
        if first:
            self._queue.appendleft(turn)
        else:
            self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot was given in the same moment
                self.release()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def release(self) -> None:
        """Give a slot back."""
        self.used -= 1
        self._admit()

    def shrink(self) -> None:
        """Halve the size."""
        if not self._shrunk:  # of several cuts without an answer in between only the first sets the mark
            self._threshold = max(1.0, self.size / 2)
            self._shrunk = True
        self.size = max(1.0, self.size / 2)

    def grow(self) -> None:
        """Take note of an answered call."""
        self._shrunk = False
        if self.size < self._upper:
            self.size += 1 if self.size < self._threshold else max(1 / self.size, 1 / 16)
            self.size = min(self.size, self._upper)
            self._admit()

    def open_wide(self) -> None:
        """Let everybody through from now on; whoever waits is admitted at once."""
        self.size = self._upper = math.inf
        self._admit()

    def _admit(self) -> None:
        while self._queue and self.used + 1 <= self.size:
            turn = self._queue.popleft()
            if not turn.done():
                self.used += 1
                turn.set_result(None)
