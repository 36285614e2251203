"""Ctrl-C and SIGTERM: the first lets calls in flight come to an end, the second ends at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import TracebackType
from typing import Final

from scai_cli.errors import Interrupted

GRACE_S: Final = 5.0
"""How long calls in flight may go on after the first signal."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While entered, turns signals into an orderly stop of the current task.

    First signal: `stop(error)` is called, and the task is cancelled if it has not ended after the grace. Second
    signal: it is cancelled at once. `error` tells whether and how it happened.
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
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self._on_signal, number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        if self.error is None:
            name = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
            self.error = Interrupted(f"interrupted by {name}; go on with `{self._resume}`")
            self._timer = self._loop.call_later(GRACE_S, self._task.cancel)
            self._stop(self.error)
        else:
            self._task.cancel()
