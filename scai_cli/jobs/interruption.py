"""Handle signals that end a program: during model calls, the first waits for calls in flight, a second cancels them.

Before and after model calls, the first signal ends the program at once.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Final

from scai_cli.errors import Interrupted, OutputError

GRACE_S: Final = 5.0
"""The seconds that calls in flight may take after the first signal."""

_AGAIN_S: Final = 0.05
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
_SIGNALS: Final = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
"""Ctrl-C, `kill`, a lost connection, and the warnings of job schedulers; Windows lacks the last four."""


@dataclass(slots=True)
class ProcessSignals:
    """Handlers of signals: they tell all active Interruptions; outside of one they raise Interrupted until `ending`.

    While an event loop runs without one, they cancel its tasks instead: an exception inside the loop's own code is
    logged and lost, or leaves a loop that never stops. `error` is then the error to raise for the CancelledError.

    The handlers are Python's own and not the loop's: a loop that removes its handler installs Python's default first,
    and a second Ctrl-C in that moment would raise KeyboardInterrupt.
    """

    error: Interrupted | None = None
    ending: bool = False
    """Set it after catching the error that ends the program. It is an attribute, not a method, since a signal that has
    just arrived raises at the next call."""
    active: list[Interruption] = field(default_factory=list)
    first: int | None = None
    """The first signal that came to an Interruption; work that begins later, as the next of many runs, stops at once.
    """

    def install(self, *numbers: int) -> None:
        """Install the handlers, of all signals by default, in the main thread. `nohup` keeps SIGHUP ignored."""
        for number in numbers or _SIGNALS:
            # Shells ignore SIGINT for the background jobs of a script; these end by it nevertheless.
            if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._receive)

    def release(self) -> None:
        """Ignore signals while Python shuts down, since Python would die of them; SIGTERM ends the process."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)

    @classmethod
    def installed(cls) -> ProcessSignals | None:
        """Return the handlers if `install` was called and this is the main thread, else None."""
        owner = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
        return owner if isinstance(owner, cls) and threading.current_thread() is threading.main_thread() else None

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - so handlers are called
        if self.ending:
            return
        if self.active:
            self.first = self.first or number
            for each in tuple(self.active):
                each.wake(number)
            return
        self.error = Interrupted(f"interrupted by {_name(number)}")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._send_again_if_lost(number)
            raise self.error from None
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])

    def _send_again_if_lost(self, number: int) -> None:
        """Send the signal again, a moment later, if Python drops its error, as that of a finalizer or a callback."""
        before = sys.unraisablehook

        def dropped(lost: sys.UnraisableHookArgs) -> None:
            if not isinstance(lost.exc_value, Interrupted):
                before(lost)
                return
            sys.unraisablehook = before
            threading.Timer(_AGAIN_S, _send, (number,)).start()

        sys.unraisablehook = dropped


@contextmanager
def ctrl_c_ends_input() -> Iterator[None]:
    """Inside the block, Ctrl-C raises EOFError, which ends the input."""
    before = signal.getsignal(signal.SIGINT)

    def end_input(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - so handlers are called
        # Restored before the raise: leaving the block may itself be where the signal arrives, and is then not finished.
        signal.signal(signal.SIGINT, before)
        raise EOFError

    signal.signal(signal.SIGINT, end_input)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def signals_later() -> Iterator[Callable[[], None]]:
    """Keep back signals from here until the yielded function is called, where the system can.

    An exception of a handler while an event loop starts is lost in the loop's own code.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield lambda: None
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def deliver() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        yield deliver
    finally:
        deliver()


@contextmanager
def resumable(command: str) -> Iterator[None]:
    """Inside the block, an interruption or a failed write prints the command that continues the work."""
    try:
        yield
    except OutputError as failed:
        raise OutputError(f"{failed}; when this is solved, continue with `{command}`") from None
    except (Interrupted, asyncio.CancelledError) as stopped:
        signals = ProcessSignals.installed()
        error = stopped if isinstance(stopped, Interrupted) else signals and signals.error
        if error is None:  # a task that the caller has cancelled
            raise
        raise Interrupted(f"{error}; continue with `{command}`") from None


class Interruption:
    """Inside the block, turn signals into an orderly stop of the current task; several tasks may have one each.

    First signal: `stop(error)` is called, and the task is cancelled if it has not ended after the grace period. Second
    Ctrl-C or SIGTERM: the task is cancelled at once. A task cancelled by a signal raises that signal's Interrupted.
    Without `ProcessSignals` (in a notebook, a thread, or an actor of Ray), signals are left to the program.
    """

    def __init__(self, stop: Callable[[Interrupted], None]) -> None:
        self._stop = stop
        self._signals = ProcessSignals.installed()
        self._error: Interrupted | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancelled = 0

    def __enter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        if self._signals is not None:
            self._signals.active.append(self)
            if self._signals.first is not None:
                self.wake(self._signals.first)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._signals is not None:
            self._signals.active.remove(self)
            self._signals = None
        if isinstance(error, asyncio.CancelledError) and self._error is not None:
            for _ in range(self._cancelled):  # else an `asyncio.timeout` around it would take these for its own
                self._task.uncancel()
            raise self._error from None

    def wake(self, number: int) -> None:
        """Pass a signal to the task's loop."""
        self._loop.call_soon_threadsafe(self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if self._signals is None:  # the work ended before the loop came to the signal
            return
        if self._error is not None:
            if number in (signal.SIGINT, signal.SIGTERM):  # a lost connection may send SIGHUP twice
                self._cancel()
            return
        self._error = Interrupted(f"interrupted by {_name(number)}")
        self._timer = self._loop.call_later(GRACE_S, self._cancel)
        self._stop(self._error)

    def _cancel(self) -> None:
        self._cancelled += 1
        self._task.cancel()


def _send(number: int) -> None:
    """Send the main thread a signal, which also ends what it waits for."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _name(number: int) -> str:
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
