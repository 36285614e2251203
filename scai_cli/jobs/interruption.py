"""Ctrl-C and SIGTERM: while models are asked the first lets calls in flight end and the second ends at once;
before and after that, nothing is in flight and the first ends at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Final, NoReturn

from scai_cli.errors import Interrupted

GRACE_S: Final = 5.0
"""How long calls in flight may go on after the first signal."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """While entered, a signal raises Interrupted wherever the program is; for the main thread."""
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Interruption:
    """While entered, turns signals into an orderly stop of the current task.

    First signal: `stop(error)` is called, and the task is cancelled if it has not ended after the grace. Second
    signal: it is cancelled at once. `error` tells whether and how it happened. On leaving, the signals do again what
    they did before.
    """

    def __init__(self, stop: Callable[[Interrupted], None], resume: str) -> None:
        self.error: Interrupted | None = None
        self._stop = stop
        self._resume = resume
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Interruption:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
        for number in _SIGNALS:
            try:
                self._loop.add_signal_handler(number, self._on_signal, number)
            except NotImplementedError:  # on Windows, where Python's own handler runs in the main thread
                signal.signal(number, self._on_thread_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._before.items():
            with suppress(NotImplementedError):
                self._loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def _on_thread_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - so handlers are called
        self._loop.call_soon_threadsafe(self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if self.error is None:
            self.error = Interrupted(f"interrupted by {_called(number)}; go on with `{self._resume}`")
            self._timer = self._loop.call_later(GRACE_S, self._task.cancel)
            self._stop(self.error)
        else:
            self._task.cancel()


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - so handlers are called
    raise Interrupted(f"interrupted by {_called(number)}")


def _called(number: int) -> str:
    return "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
