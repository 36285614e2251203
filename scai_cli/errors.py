"""The tree of errors that a user can meet; every other error that escapes is a bug.

ScaiError                    exit 2: the user can fix it, the message is one line
├── ConfigError              an experiment, persona or task file, or an override is wrong
│   └── KeyUntrusted         a key would go to a host that the user has not allowed for it
├── RunError                 a run directory is missing, ambiguous, in use, unfinished or damaged
├── CacheError               the response cache is locked, damaged, not scai's or not writable
├── OutputError              exit 4: a file could not be written
├── BatchesWait              exit 3: files of requests wait for the user's program to answer them; resumable
├── LimitReached             exit 3: calls, tokens, money or seconds are used up; resumable
├── ProviderError            exit 4: a model gave no usable answer
│   ├── CallFailed           one call failed for a reason outside its prompt: never a result; a resume repeats it
│   │   ├── CallTransient    one attempt failed: the gate tries again
│   │   ├── CallAdapted      a parameter was refused: the gate sends the call without it, or with another
│   │   ├── Unexplained      it was refused for no known reason: the gate finds out whose fault it is
│   │   ├── ParameterRefused the endpoint refuses a parameter that this call can do without
│   │   └── PromptRefused    the endpoint permanently refuses this prompt: recorded as a `problem`, the run continues
│   │       └── PromptTooLong  it is longer than the model's context or than a limit per minute
│   ├── EndpointFailed       the endpoint rejects every call (bad key, no budget, unknown model): the run stops
│   │   └── MachineFailed    exit 2: this machine's certificates or address do not allow a connection
│   ├── TooManyFailures      more calls failed than `max_failures` allows: the run stops
│   └── RunUnhealthy         what the run measures cannot be trusted: it stops unless it is forced
├── AnswerLost               never seen by users: a resume takes back what rests on the answer, and continues
└── Interrupted              exit 130: Ctrl-C, SIGTERM or another signal; resumable
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import ClassVar, Final

_SCARCE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO}
_REFUSED: Final = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR}


class ScaiError(Exception):
    """Base of all errors that the user can fix; the message is one line: what, where, what to do."""

    exit_code: ClassVar[int] = 2


class ConfigError(ScaiError):
    """The experiment file, a persona or task file, or an override is wrong."""

    @classmethod
    def at(cls, file: str, line: int | None, key: str | None, problem: str) -> ConfigError:
        """Build the line `FILE:LINE: KEY: PROBLEM`, without the parts that are unknown."""
        location = f"{file}:{line}" if line is not None else file
        return cls(": ".join(part for part in (location, key, problem) if part))


class KeyUntrusted(ConfigError):
    """The key in a variable would go to an origin that the user has not allowed for it."""

    pair: tuple[str, str] = ("", "")


class RunError(ScaiError):
    """A run directory is missing, ambiguous, in use, unfinished or damaged."""


class CacheError(ScaiError):
    """The response cache is locked, damaged, not scai's or not writable."""


class OutputError(ScaiError):
    """A file could not be written."""

    exit_code = 4


class LimitReached(ScaiError):
    """A limit of the experiment (calls, tokens, money, seconds) stopped the run; it can be resumed."""

    exit_code = 3


class BatchesWait(ScaiError):
    """Files of requests wait for a program of the user's (`model.batch: file`); the work can be resumed."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class UnusedResponse:
    """A response that the endpoint has charged for and that contains no usable answer."""

    text: str = ""
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


class ProviderError(ScaiError):
    """A model did not give a usable answer."""

    exit_code = 4
    response: UnusedResponse | None = None
    """The response that caused the error, if there was one with tokens: it counts towards the limits."""


class CallFailed(ProviderError):
    """One call failed after all retries for a reason outside its prompt: it has no result, and a resume repeats it."""

    call: str = ""
    """The call's id, once it is known."""
    recorded: bool = False
    """Whether the events of an earlier session record it: a replay raises it again."""

    @property
    def is_problem(self) -> bool:
        """Whether it is recorded as a `problem`; any other failure is not a result."""
        return self.recorded or isinstance(self, PromptRefused)


class PromptRefused(CallFailed):
    """The endpoint permanently refuses this prompt, and answers others: a `problem` of its conversation."""


class PromptTooLong(PromptRefused):
    """The prompt is longer than the model's context or than the endpoint's limit of tokens per minute."""


class CallTransient(CallFailed):
    """One attempt failed, another may succeed (429, 5xx, timeout, dropped connection, broken body)."""

    def __init__(self, message: str, *, retry_after: float | None = None, overloaded: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds to wait, as the server requested."""
        self.overloaded = overloaded
        """Whether the server wants less traffic (429, 503, 529, a timeout): the gate slows down all calls."""


class ParameterRefused(CallFailed):
    """The endpoint refuses a parameter (`logprobs`) without which the same call can be made: the caller decides."""

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class CallAdapted(CallFailed):
    """The endpoint refuses a parameter that the model sends as `instead`, or not at all, when the call is repeated."""

    def __init__(self, message: str, parameter: str, instead: str | None) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.instead = instead


class Unexplained(CallFailed):
    """A refusal for no known reason: after `again` more attempts, the gate finds out whose fault it is."""

    def __init__(self, message: str, again: int = 0) -> None:
        super().__init__(message)
        self.again = again


class EndpointFailed(ProviderError):
    """An endpoint rejects every call (bad key, unknown model, no route): the run stops."""


class MachineFailed(EndpointFailed):
    """This machine cannot connect to the endpoint as it is configured (certificates): the user's to fix."""

    exit_code = 2


class TooManyFailures(ProviderError):
    """More of an epoch failed than the experiment allows; a resume makes the failed calls again."""


class RunUnhealthy(ProviderError):
    """What the run measures cannot be trusted; the message names the key to change, `--force` continues anyway."""


class Interrupted(ScaiError):
    """The run was stopped by Ctrl-C, SIGTERM, SIGHUP, SIGUSR1 or a similar signal; it can be resumed."""

    exit_code = 130


class AnswerLost(ScaiError):
    """Events rest on calls, given by their ids, that are not in the call log: `scai resume` takes these events back."""


STOPS = (LimitReached, BatchesWait, CallFailed, EndpointFailed, TooManyFailures, RunUnhealthy, Interrupted, AnswerLost)
"""The errors that stop a run cleanly: calls in flight finish, and `scai resume` continues."""
ENDS = (*STOPS, OutputError)
"""The errors that end a session: also a full disk, after which no answer can be kept."""


def cannot_write(target: object, error: OSError) -> OutputError:
    """Build the error for a failed write."""
    return OutputError(f"{target}: cannot be written: {error.strerror or error}")


def from_system(error: BaseException) -> ScaiError | None:
    """Return the error for a disk, a name or a folder that cannot be used, and for too many open files, else None."""
    if not isinstance(error, OSError) or error.errno not in _SCARCE | _REFUSED:
        return None
    kind = OutputError if error.errno in _SCARCE else ScaiError
    return kind(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
