"""The calls in flight: a fair semaphore whose size adapts to the load that the endpoint accepts."""

import asyncio
import math
from collections import deque


class Slots:
    """Slots for 1 to `upper` concurrent calls, first come first served; the initial size is `upper`.

    The size adapts like TCP's window: `shrink` halves it; `grow`, called for every answered call, adds a whole slot
    up to the threshold that `shrink` set, so that a short outage costs little, and above it 1 / size, which is one
    slot per round trip.
    """

    def __init__(self, upper: int) -> None:
        self.used = 0
        self.size: float = upper
        self._upper: float = upper
        self._threshold: float = upper
        self._shrunk = False
        self._queue: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, first: bool = False) -> None:
        """Wait for a slot, with `first` at the head of the queue; a cancelled waiter leaves the queue."""
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
            # `_admit` may have given this waiter its slot just before the cancellation arrived. The slot is counted
            # as used then, and would be lost for the whole run if it were not given back here.
            if not turn.cancelled():
                self.release()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def release(self) -> None:
        """Release a slot and admit the next waiter."""
        self.used -= 1
        self._admit()

    def shrink(self) -> None:
        """Halve the size."""
        # Several cuts without an answer in between are one outage: only the first sets the threshold, else a longer
        # outage would lower it to 1 and the way back would take one slot in a round trip.
        if not self._shrunk:
            self._threshold = max(1.0, self.size / 2)
            self._shrunk = True
        self.size = max(1.0, self.size / 2)

    def grow(self) -> None:
        """Enlarge the size after an answered call."""
        self._shrunk = False
        if self.size < self._upper:
            self.size += 1 if self.size < self._threshold else max(1 / self.size, 1 / 16)
            self.size = min(self.size, self._upper)
            self._admit()

    def admit_all(self) -> None:
        """Remove the limit: admit every waiter and every later caller at once."""
        self.size = self._upper = math.inf
        self._admit()

    def _admit(self) -> None:
        while self._queue and self.used + 1 <= self.size:
            turn = self._queue.popleft()
            if not turn.done():  # a cancelled waiter is still in the queue until its task runs
                self.used += 1
                turn.set_result(None)
