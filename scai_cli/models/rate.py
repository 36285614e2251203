"""Rate limits as token buckets that can be overdrawn."""

from collections.abc import Callable


class TokenBucket:
    """A bucket that fills by `per_minute` units, up to the amount of `burst_s` seconds."""

    def __init__(self, per_minute: float, clock: Callable[[], float], *, burst_s: float = 6.0) -> None:
        self._rate = per_minute / 60
        self._most = self._level = max(1.0, self._rate * burst_s)
        self._clock = clock
        self._at = clock()

    def take(self, amount: float) -> float:
        """Take an amount and return the seconds to wait before its use."""
        # The level may fall below zero. So no caller has to ask again: calls wait in the order in which they took,
        # and a call that is larger than the whole bucket passes too.
        now = self._clock()
        self._level = min(self._most, self._level + (now - self._at) * self._rate) - amount
        self._at = now
        return max(0.0, -self._level / self._rate)

    def give_back(self, amount: float) -> None:
        """Put an unused amount back; a negative amount takes more."""
        self._level += amount


class Rate:
    """The limits of one endpoint in requests and in tokens per minute; None means no limit."""

    def __init__(self, requests: float | None, tokens: float | None, clock: Callable[[], float]) -> None:
        self._requests = None if requests is None else TokenBucket(requests, clock)
        self._tokens = None if tokens is None else TokenBucket(tokens, clock)

    def take(self, tokens: int) -> float:
        """Take one request of about `tokens` tokens and return the seconds to wait before it is sent."""
        wait = 0.0 if self._requests is None else self._requests.take(1)
        return wait if self._tokens is None else max(wait, self._tokens.take(tokens))

    def settle(self, taken: int, used: int) -> None:
        """Replace the tokens taken for a request by the tokens used."""
        if self._tokens is not None:
            self._tokens.give_back(taken - used)
