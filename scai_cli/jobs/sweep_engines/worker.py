"""A worker process of the local engine. It plays any number of cells at the same time on one event loop.

Orders come through stdin and results go to stdout; what other code writes to stdout goes to stderr. When stdin ends,
as the driver has died, the cells end in good order: a killed `scai sweep` leaves no process behind that spends money.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from scai_cli.concurrency import collect_seldom
from scai_cli.errors import Interrupted
from scai_cli.jobs.interruption import Interruption, ProcessSignals
from scai_cli.jobs.session import loop_factory
from scai_cli.jobs.sweep_cell import CellListener, CellOrder, failed, given_up, run_cell
from scai_cli.jobs.sweep_engines.frames import Ended, Message, Reported, Said, Stop, frame, read_message


def main() -> None:
    """Play the cells that the driver orders, until it closes the pipe."""
    collect_seldom()
    signals = ProcessSignals()
    signals.install()
    orders, results = _take_pipes()
    logging.getLogger("scai_cli").disabled = True  # the driver has said which host gets which key
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            stopped = runner.run(_Worker(signals, results).work(orders))
        if not stopped and signals.first is not None:
            sys.exit(128 + signals.first)
        sys.stderr.flush()
        os._exit(0)  # the cells have closed all their files; Python's own end would take the driver 0.2 s more
    finally:
        signals.ending = True
        signals.release()


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes from and to the driver; other code reads nothing, and writes to stderr instead."""
    orders, results = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return os.fdopen(orders, "rb"), os.fdopen(results, "wb")


class _Worker:
    def __init__(self, signals: ProcessSignals, results: BinaryIO) -> None:
        self._signals = signals
        self._results = results
        self._cells: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    async def work(self, orders: BinaryIO) -> bool:
        """Take orders until the pipe ends or a signal comes; wait for the cells to end; return if the driver ended it.

        A signal to this process alone leaves its cells to the driver, which gives them to another one.
        """
        pipe = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            partial(asyncio.StreamReaderProtocol, pipe), orders
        )
        try:
            # Also a signal between two cells must not cancel the tasks of this loop.
            with suppress(Interrupted), Interruption(partial(self._leave, transport)):
                while (message := await read_message(pipe)) is not None:
                    self._take(message)
                if self._signals.first is None:
                    self._take(Stop())
                await self._ended()
        finally:
            await self._ended()
            transport.close()
        return self._is_stopped

    def _leave(self, orders: asyncio.ReadTransport, _: Interrupted) -> None:
        if not self._is_stopped:  # else a second order to stop may come
            orders.close()

    def _take(self, message: CellOrder | Stop) -> None:
        if isinstance(message, Stop):
            self._is_stopped = True
            if self._cells and (message.at_once or self._signals.first is None):
                signal.raise_signal(signal.SIGTERM)
            return
        task = asyncio.create_task(self._play(message))
        self._cells.add(task)
        task.add_done_callback(partial(self._report, message))

    async def _play(self, order: CellOrder) -> None:
        run_id = order.path.name
        listener = CellListener(
            lambda line: self._send(Said(run_id, line)), lambda progress: self._send(Reported(run_id, progress))
        )
        result = await run_cell(order, listener)
        if self._is_stopped or result.record.status != "interrupted":
            self._send(Ended(run_id, result))

    def _report(self, order: CellOrder, task: asyncio.Task[None]) -> None:
        """Send the result of a cell that a bug has ended: it stops no other cell."""
        self._cells.discard(task)
        if task.cancelled():
            if self._is_stopped:
                self._send(Ended(order.path.name, failed(order, Interrupted("interrupted"))))
        elif (error := task.exception()) is not None:
            sys.excepthook(type(error), error, error.__traceback__)
            self._send(Ended(order.path.name, given_up(order, f"a bug: {type(error).__name__}: {error}")))

    async def _ended(self) -> None:
        while self._cells:
            await asyncio.wait(self._cells)

    def _send(self, message: Message) -> None:
        with suppress(BrokenPipeError):  # the driver has died: what its folders have counts
            self._results.write(frame(message))
            self._results.flush()
