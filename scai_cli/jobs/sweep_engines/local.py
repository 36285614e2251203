"""The local engine: a few worker processes, each of which plays many cells at the same time.

Cells that wait for a network need no process each. A worker is a new process without the program's memory, so that no
lock or connection is shared; it imports the package once. One that dies is replaced and its cells are continued, once.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from scai_cli.errors import Interrupted, RunError
from scai_cli.jobs.interruption import GRACE_S
from scai_cli.jobs.sweep_cell import CellListener, CellOrder, CellResult, failed, given_up
from scai_cli.jobs.sweep_engines.frames import Message, Reported, Said, Stop, frame, read_message

_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from scai_cli.jobs.sweep_engines.worker import main; main()"
)
_MOST_STARTS: Final = 2
"""The number of workers that a cell may lose before it has failed."""


@dataclass(slots=True)
class _Cell:
    """A cell at work in a worker."""

    order: CellOrder
    listener: CellListener
    ended: asyncio.Future[CellResult]
    starts: int = 1


@dataclass(slots=True)
class _Worker:
    """A worker process with its cells by run id."""

    process: Process
    cells: dict[str, _Cell] = field(default_factory=dict)

    def send(self, message: Message) -> None:
        """Send a message; a worker that has died takes none."""
        with suppress(ConnectionError, RuntimeError):
            _stdin(self).write(frame(message))


class LocalEngine:
    """Plays cells on min(`places`, CPUs) processes of this machine; an async context manager."""

    def __init__(self, places: int) -> None:
        self._size = max(1, min(places, cpus()))
        self._workers: list[_Worker] = []
        self._readers: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    async def __aenter__(self) -> Self:
        for _ in range(self._size):
            await self._start_worker()
        return self

    async def run(self, order: CellOrder, listener: CellListener) -> CellResult:
        """Play a cell in the worker with the fewest."""
        if not self._workers:
            return given_up(order, "no worker process is left")
        worker = min(self._workers, key=lambda each: len(each.cells))
        cell = _Cell(order, listener, asyncio.get_running_loop().create_future())
        self._give(worker, cell)
        return await cell.ended

    def stop(self, *, at_once: bool = False) -> None:
        """End all cells in good order, their calls in flight included, or `at_once`; `run` then returns."""
        self._is_stopping = True
        for worker in self._workers:
            worker.send(Stop(at_once))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_stopping = True
        for worker in self._workers:
            _stdin(worker).close()  # which ends it in good order
        patience = asyncio.get_running_loop().call_later(2 * GRACE_S, self._kill)
        while self._readers:
            await asyncio.wait(self._readers)
        patience.cancel()

    def _kill(self) -> None:
        for worker in self._workers:
            worker.process.kill()

    async def _start_worker(self) -> _Worker:
        """Start a process; raises RunError if the system refuses one."""
        # In a process group of its own: a terminal sends Ctrl-C to all of a group, and a second one cancels calls.
        own_group: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
        program = (sys.executable, "-c", _PROGRAM, json.dumps(sys.path))
        try:
            process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE, stderr=2, **own_group)
        except OSError as error:
            raise RunError(f"no worker process can be started ({error.strerror}); stop other programs") from None
        worker = _Worker(process)
        self._workers.append(worker)
        reader = asyncio.create_task(self._read(worker))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        return worker

    def _give(self, worker: _Worker, cell: _Cell) -> None:
        worker.cells[cell.order.path.name] = cell
        worker.send(cell.order)

    async def _read(self, worker: _Worker) -> None:
        """Take a worker's messages until it ends; replace one that has died."""
        assert worker.process.stdout is not None
        while (message := await read_message(worker.process.stdout)) is not None:
            if isinstance(message, Said):
                worker.cells[message.run_id].listener.say(message.line)
            elif isinstance(message, Reported):
                worker.cells[message.run_id].listener.report(message.progress)
            else:
                worker.cells.pop(message.run_id).ended.set_result(message.result)
        code = await worker.process.wait()
        if self._is_stopping or not (worker.cells or len(self._workers) == 1):
            self._workers.remove(worker)
            self._end(worker)
            return
        try:
            new = await self._start_worker()
        except RunError as error:
            self._workers.remove(worker)
            for cell in worker.cells.values():
                cell.ended.set_result(given_up(cell.order, str(error)))
            return
        self._workers.remove(worker)  # only now: `run` always finds one, and what it gave to this one is moved, too
        if self._is_stopping:
            self._end(worker)
            _stdin(new).close()
        else:
            self._move(worker, new, f"signal {-code}" if code < 0 else f"exit code {code}")

    def _end(self, worker: _Worker) -> None:
        for cell in worker.cells.values():
            cell.ended.set_result(failed(cell.order, Interrupted("interrupted")))

    def _move(self, dead: _Worker, new: _Worker, how: str) -> None:
        for cell in dead.cells.values():
            if cell.starts == _MOST_STARTS:
                cell.ended.set_result(given_up(cell.order, f"its process has died twice, the last time by {how}"))
            else:
                cell.starts += 1
                cell.listener.say(f"its process has died ({how}); another one continues the work")
                self._give(new, cell)


def _stdin(worker: _Worker) -> asyncio.StreamWriter:
    assert worker.process.stdin is not None
    return worker.process.stdin


def cpus() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
