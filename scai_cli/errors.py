"""Every error that a user can meet, drawn as a tree; anything else that escapes is a bug.

ScaiError                    exit 2: the user's to fix, said in one line
├── ConfigError              the experiment file, a persona file, a task file or an override
├── RunError                 a run directory: missing, ambiguous, in use, damaged
├── CacheError               the cache of answers: locked, damaged, somebody else's
├── OutputError              exit 4: a file could not be written
├── LimitReached             exit 3: calls, tokens, money or time; `scai resume` goes on
├── ProviderError            exit 4: a model did not answer
│   ├── CallFailed           this one call failed for good: data, not a crash (becomes a `problem`)
│   │   └── CallTransient    it may pass: the gate tries again
│   ├── EndpointFailed       the endpoint failed for good (bad key, unknown model): the run stops
│   └── TooManyFailures      more calls failed than `max_failures` allows: the run stops
└── Interrupted              exit 130: Ctrl-C or SIGTERM; `scai resume` goes on
"""

from __future__ import annotations

from typing import ClassVar


class ScaiError(Exception):
    """Something that the user can fix; the message is one line: what, where, what to do."""

    exit_code: ClassVar[int] = 2


class ConfigError(ScaiError):
    """The experiment file, a persona or task file, or an override is wrong."""

    @classmethod
    def at(cls, file: str, line: int | None, key: str | None, problem: str) -> ConfigError:
        """Build the one line `FILE:LINE: KEY: PROBLEM`; parts that are unknown are left out."""
        place = f"{file}:{line}" if line is not None else file
        return cls(": ".join(part for part in (place, key, problem) if part))


class RunError(ScaiError):
    """A run directory is missing, ambiguous, in use, unfinished or damaged."""


class CacheError(ScaiError):
    """The file of the response cache is locked, damaged, not scai's or cannot be written."""


class OutputError(ScaiError):
    """A file could not be written."""

    exit_code = 4


class LimitReached(ScaiError):
    """A limit of the experiment (calls, tokens, money, seconds) stopped the run; it can be resumed."""

    exit_code = 3


class ProviderError(ScaiError):
    """A model did not give a usable answer."""

    exit_code = 4


class CallFailed(ProviderError):
    """One call failed for good, others may succeed: recorded as a `problem`, the run goes on.

    `call` is the call's id, once it is known.
    """

    call: str = ""


class CallTransient(CallFailed):
    """One attempt failed in a way that may pass (429, 5xx, timeout, dropped connection, broken body).

    `retry_after` is the wait in seconds that the server asked for, `overloaded` says that the server
    wants less traffic (429, 503, 529, a timeout), so that the gate slows down for all calls.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, overloaded: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.overloaded = overloaded


class EndpointFailed(ProviderError):
    """An endpoint failed for good (bad key, unknown model, no route): no further call makes sense."""


class TooManyFailures(ProviderError):
    """More of an epoch failed than the experiment allows; it can be resumed, which makes the failed calls again."""


class Interrupted(ScaiError):
    """The run was stopped by Ctrl-C or SIGTERM; it can be resumed."""

    exit_code = 130


STOPS = (LimitReached, EndpointFailed, TooManyFailures, Interrupted)
"""What ends a run before its end in good order: calls in flight come to theirs, and `scai resume` goes on."""
