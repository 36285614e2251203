"""How much may be sent per minute: token buckets that lend."""

from __future__ import annotations

from collections.abc import Callable


class Bucket:
    """`per_minute` units flow in evenly, at most `burst_s` seconds' worth are kept for a burst.

    A call takes what it needs at once and is told how long to wait until the bucket has made up for it: so
    calls wait in the order in which they took, and one that is larger than the bucket passes too.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float], *, burst_s: float = 6.0) -> None:
        self._rate = per_minute / 60
        self._most = self._level = max(1.0, self._rate * burst_s)
        self._clock = clock
        self._at = clock()

    def take(self, amount: float) -> float:
        """Take the amount; returns the seconds to wait before it may be used."""
        now = self._clock()
        self._level = min(self._most, self._level + (now - self._at) * self._rate) - amount
        self._at = now
        return max(0.0, -self._level / self._rate)

    def give_back(self, amount: float) -> None:
        """Return what was taken too much; below zero, take what was taken too little."""
        self._level += amount


class Rate:
    """Requests and tokens per minute of one endpoint; None is no limit."""

    def __init__(self, requests: float | None, tokens: float | None, clock: Callable[[], float]) -> None:
        self._requests = None if requests is None else Bucket(requests, clock)
        self._tokens = None if tokens is None else Bucket(tokens, clock)

    def take(self, tokens: int) -> float:
        """Take one request of about so many tokens; returns the seconds to wait before it is sent."""
        wait = 0.0 if self._requests is None else self._requests.take(1)
        return wait if self._tokens is None else max(wait, self._tokens.take(tokens))

    def settle(self, taken: int, used: int) -> None:
        """Correct the tokens taken for a request by those that it used."""
        if self._tokens is not None:
            self._tokens.give_back(taken - used)
