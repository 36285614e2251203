"""Run a sweep: load and check all cells, then let an engine play them within the limits of the whole sweep.

`scai_cli.jobs.sweep_cell` plays one cell; an engine decides in which process.
"""

from __future__ import annotations

import asyncio
import shlex
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self

from scai_cli.errors import Interrupted, LimitReached, ProviderError, ScaiError
from scai_cli.experiment.sweep_file import SweepFile, SweepLimits
from scai_cli.jobs.interruption import GRACE_S, Interruption, resumable
from scai_cli.jobs.sweep_budget import Amounts, SweepBudget
from scai_cli.jobs.sweep_cell import CellListener, CellOrder, CellProgress, CellResult, kept, spent_before
from scai_cli.jobs.sweep_engines import ENGINES, EngineName
from scai_cli.jobs.sweep_jobs import ReadyCell, check_models, doubts, load_cells, states, wait_for_folders
from scai_cli.runs.find import RUNS
from scai_cli.runs.sweep_directory import (
    CellRecord,
    CellStatus,
    Sweep,
    SweepDirectory,
    read_sweep_directory,
    refuse_running,
)


class Engine(Protocol):
    """Plays cells, several at the same time; an async context manager."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...

    async def run(self, order: CellOrder, listener: CellListener) -> CellResult:
        """Play a cell to its end, with `run_cell`."""

    def stop(self, *, at_once: bool = False) -> None:
        """End the cells at work in good order, or `at_once`; `run` then returns their results."""


MakeEngine = Callable[[int], Engine]
"""Makes an engine for a number of cells at the same time; its processes do not run yet."""


@dataclass(frozen=True, slots=True)
class SweepStart:
    """The start of a sweep: the last record of each cell, the expected calls by run id if known, and its limits."""

    name: str
    cells: Sequence[CellRecord]
    expected: Callable[[], Mapping[str, int]]
    limits: SweepLimits


class SweepObserver(Protocol):
    """Watches a sweep."""

    def begin(self, start: SweepStart) -> None:
        """Called first."""

    def see(self, record: CellRecord) -> None:
        """Called for each record that is written."""

    def report(self, run_id: str, progress: CellProgress) -> None:
        """Called now and then for a cell at work."""

    def say(self, line: str, run_id: str | None = None) -> None:
        """Called with a message for the user, of a cell or of the sweep itself."""

    def end(self) -> None:
        """Called last, after a failure as well."""


@dataclass(frozen=True, slots=True)
class SilentSweep:
    """Shows nothing but the messages of the sweep itself."""

    show: Callable[[str], object]

    def begin(self, start: SweepStart) -> None:
        """Show nothing."""

    def see(self, record: CellRecord) -> None:
        """Show nothing."""

    def report(self, run_id: str, progress: CellProgress) -> None:
        """Show nothing."""

    def say(self, line: str, run_id: str | None = None) -> None:
        """Show a message unless it is of a cell."""
        if run_id is None:
            self.show(line)

    def end(self) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class SweepOutcome:
    """The sweep as its folder has it, and the error to report if a cell is not finished."""

    sweep: Sweep
    error: ScaiError | None


def run_sweep(file: SweepFile, runs: Path, engine: MakeEngine, at_once: int, observer: SweepObserver) -> SweepOutcome:
    """Play the cells of a sweep that are not finished, `at_once` at the same time, on a new event loop.

    What stops a cell is in its record. Raises ConfigError, KeyUntrusted or RunError before the first cell starts, and
    OutputError.
    """
    with asyncio.Runner() as runner:
        return runner.run(_run(file, runs, engine, at_once, observer))


async def _run(file: SweepFile, runs: Path, engine: MakeEngine, at_once: int, observer: SweepObserver) -> SweepOutcome:
    orders, command = load_cells(file, runs), _command(file, runs)
    refuse_running(runs / file.name)
    await wait_for_folders(orders, observer.say)
    cells = states(file, orders)
    left = sum(cell.state != "finished" for cell in cells)
    places = max(1, min(at_once, left, file.keys.limits.concurrency or at_once))
    async with AsyncExitStack() as stack:
        player: Engine | None = None
        if left:
            player = await stack.enter_async_context(engine(places))
        check_models(file, [order.job.connected for order in orders])  # while the processes of the engine start
        for line in doubts(file, orders):
            observer.say(f"warning: {line}")
        directory = SweepDirectory.open(runs, file)
        with closing(directory.folder), resumable(command):
            driver = _Driver(file, directory, player, SweepBudget(file.keys.limits, places), observer)
            driver.begin(cells)
            try:
                interrupted = await driver.play()
            finally:
                observer.end()
    sweep = read_sweep_directory(directory.folder.path)
    if interrupted is not None:
        return SweepOutcome(sweep, Interrupted(f"{interrupted}; continue with `{command}`"))
    limits = file.keys.limits
    is_limited = not (limits.calls is None and limits.tokens is None and limits.usd is None)
    remedy = {"stopped": f"raise the limits in {file.path}, then "} if is_limited else {}
    return SweepOutcome(sweep, _unfinished(sweep, command, remedy))


def _command(file: SweepFile, runs: Path) -> str:
    """Return the command that continues a sweep."""
    folder = "" if runs == RUNS else f" --runs-dir {shlex.quote(str(runs))}"
    return f"scai sweep {shlex.quote(str(file.path))}{folder}"


def find_engine(name: EngineName) -> MakeEngine:
    """Return the engine of a name."""
    module, _, attribute = ENGINES[name].partition(":")
    made: MakeEngine = getattr(import_module(module), attribute)
    return made


def _unfinished(sweep: Sweep, command: str, remedies: Mapping[str, str]) -> ScaiError | None:
    """Return the error for cells that are not finished: failed ones matter most; `remedies` by status."""
    kinds: Mapping[CellStatus, type[ScaiError]] = {
        "failed": ProviderError,
        "refused": ProviderError,
        "interrupted": Interrupted,
        "stopped": LimitReached,
    }
    for status, kind in kinds.items():
        if cells := [cell for cell in sweep.cells if cell.status == status]:
            first = cells[0]
            what = f"{len(cells)} of {len(sweep.cells)} cells {status}; the first: {first.run_id}: {first.problem}"
            return kind(f"{what}; {remedies.get(status, '')}continue with `{command}`")
    return None


def _to_play(cell: ReadyCell, last: CellRecord) -> CellRecord:
    """Return the record of a cell that is not finished, from its last one and its folder."""
    if cell.state == "new":
        return CellRecord(run_id=last.run_id, values=last.values, status="waiting")
    if last.status in ("running", "finished"):  # the sweep was killed, or a user has changed the finished run
        cut: dict[str, Any] = {"status": "interrupted", "welfare": {}, "measured_on": None, "gain": None, "made": None}
        last = last.model_copy(update=cut)
    return spent_before(cell.order, last)


@dataclass(slots=True)
class _Driver:
    """Gives cells to an engine, divides the limits, and writes the records."""

    file: SweepFile
    directory: SweepDirectory
    engine: Engine | None
    budget: SweepBudget
    observer: SweepObserver
    waiting: deque[ReadyCell] = field(default_factory=deque)
    held: dict[str, tuple[ReadyCell, Amounts]] = field(default_factory=dict)
    """Cells that their share has stopped, with what they did not use of it: they continue with a larger one."""
    records: dict[str, CellRecord] = field(default_factory=dict)
    working: set[asyncio.Task[None]] = field(default_factory=set)
    interrupted: Interrupted | None = None

    def begin(self, cells: Sequence[ReadyCell]) -> None:
        """Record the cells that are finished already, and queue the others."""
        last = {cell.run_id: cell for cell in read_sweep_directory(self.directory.folder.path).cells}
        for cell in cells:
            record = last[cell.order.path.name]
            if cell.state == "finished":
                if record.status != "finished":
                    record = self.directory.append(kept(cell.order))
            else:
                self.waiting.append(cell)
                was_finished, record = record.status == "finished", _to_play(cell, record)
                if was_finished:  # a user has removed or changed its run since
                    self.directory.append(record)
            self.records[record.run_id] = self.budget.used[record.run_id] = record
        jobs = {cell.order.path.name: cell.order.job for cell in cells}

        def expected() -> dict[str, int]:
            calls = {run_id: job.expected_calls() for run_id, job in jobs.items()}
            return {run_id: count for run_id, count in calls.items() if count is not None}

        self.observer.begin(SweepStart(self.file.name, list(self.records.values()), expected, self.file.keys.limits))

    async def play(self) -> Interrupted | None:
        """Play the cells; return the interruption by a signal, if there was one."""
        try:
            with Interruption(self._stop):
                await self._play_all()
        except Interrupted as stopped:
            return stopped
        self._stop_the_rest()
        return self.interrupted

    async def _play_all(self) -> None:
        """Play cells until none can start. When this is cancelled, after a second signal, they end at once."""
        try:
            self._start()
            while self.working:
                done, self.working = await asyncio.wait(self.working, return_when=asyncio.FIRST_COMPLETED)
                for cell in done:
                    cell.result()
                self._start()
        except (asyncio.CancelledError, ScaiError) as stopped:
            if self.engine is not None and self.working:
                self.engine.stop(at_once=isinstance(stopped, asyncio.CancelledError))
                await asyncio.wait(self.working, timeout=2 * GRACE_S)
            raise

    def _stop(self, error: Interrupted) -> None:
        self.interrupted = error
        self.waiting.clear()
        self.held.clear()
        if self.engine is not None:
            self.engine.stop()

    def _start(self) -> None:
        """Start cells in all free places."""
        while len(self.working) < self.budget.places and (next_one := self._next()) is not None:
            cell, share = next_one
            own = cell.order.job.config.limits
            limits = self.budget.begin(self.records[cell.order.path.name], share, own)  # before the next share is made
            self.working.add(asyncio.create_task(self._play(cell, limits, is_limited=bool(share))))

    def _next(self) -> tuple[ReadyCell, Amounts] | None:
        """Take the next cell with its share; None if there is nothing to do or to spend now."""
        pending = len(self.waiting) + len(self.held)
        if not pending or self.budget.is_over:
            return None
        share = self.budget.share(min(self.budget.places - len(self.working), pending))
        if share is None:
            return None
        if self.waiting:
            return self.waiting.popleft(), share
        for run_id, (cell, unused) in self.held.items():
            if any(share[key] > unused[key] for key in share):
                del self.held[run_id]
                return cell, share
        return None

    async def _play(self, cell: ReadyCell, limits: Mapping[str, Any], *, is_limited: bool) -> None:
        order, run_id = cell.order, cell.order.path.name
        limited = replace(order, job=order.job.limited(limits)) if limits else order
        self._note(self.records[run_id].model_copy(update={"status": "running", "problem": None}))
        assert self.engine is not None
        observer = self.observer
        listener = CellListener(lambda line: observer.say(line, run_id), partial(observer.report, run_id))
        result = await self.engine.run(limited, listener)
        record = result.record
        if record.status != "finished" and not record.calls:  # it ended before its calls were counted
            record = spent_before(order, record)
        unused = self.budget.end(record)
        own = order.job.config.limits
        if any((record.problem or "").startswith(f"limits.{key}:") for key in unused if getattr(own, key) is None):
            record = record.model_copy(update={"problem": f"{record.problem} (its part of the sweep's limits)"})
        self._note(record)
        if record.status == "stopped" and is_limited and self.interrupted is None:
            self.held[run_id] = cell, unused

    def _note(self, record: CellRecord) -> None:
        self.records[record.run_id] = record = self.directory.append(record)
        self.observer.see(record)

    def _stop_the_rest(self) -> None:
        """Record that the limits leave nothing to the cells that have not started."""
        for cell in self.waiting:
            problem = "the limits of the sweep are used up"
            self._note(self.records[cell.order.path.name].model_copy(update={"status": "stopped", "problem": problem}))
