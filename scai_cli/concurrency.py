"""Concurrent jobs: gather all their results, or take them in order with a bounded number in memory."""

import asyncio
import gc
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from scai_cli.errors import STOPS, AnswerLost, ScaiError

Item = TypeVar("Item")
Result = TypeVar("Result")
Returned = TypeVar("Returned")


def collect_seldom() -> None:
    """Let Python look for unused cycles of objects more seldom, in the whole process.

    Most objects of a command live as long as it, or are in use by one of hundreds of calls in flight. With the default
    thresholds, a fifth of the time of a call and a fourth of that to read a large run go into looking for garbage.
    """
    gc.set_threshold(50_000, 10, 10)


async def together(jobs: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run all jobs at once and return their results in the order of the jobs.

    When a job is stopped (a limit, an interruption), the others run to their end, then the first stop is raised. Any
    other error cancels the others and is raised as itself, not as a group.
    """
    # Stops are collected, not raised in the group: a raised one would cancel the other jobs with their calls in
    # flight, whose answers are paid for and belong in the call log. They end soon, as no new call begins.
    stops: list[ScaiError] = []

    async def stoppable(job: Coroutine[Any, Any, Result]) -> Result | None:
        try:
            return await job
        except STOPS as stop:
            stops.append(stop)
            return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [_start(group, stoppable(job), job) for job in jobs]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    if stops:
        raise stops[0]
    return [task.result() for task in tasks]  # type: ignore[misc]


async def for_each(
    items: Sequence[Item], work: Callable[[Item], Coroutine[Any, Any, Result]], *, running: int
) -> list[Result]:
    """Do the work for each item, `running` at once, and return the results in the order of the items.

    Unlike `together`, no job exists before there is a place for it. After a stop no further item begins, except in the
    free places after a lost answer: what the others have lost is to be known, too.
    """
    results: dict[int, Result] = {}
    waiting = enumerate(items)
    stopped = False

    async def take() -> None:
        nonlocal stopped
        for number, item in waiting:
            if stopped:
                return
            try:
                results[number] = await work(item)
            except STOPS as stop:
                stopped = stopped or not isinstance(stop, AnswerLost)
                raise

    await together(take() for _ in range(min(running, len(items))))
    return [results[number] for number in range(len(items))]


def _start(
    group: asyncio.TaskGroup, work: Coroutine[Any, Any, Returned], job: Coroutine[Any, Any, Any]
) -> asyncio.Task[Returned]:
    """Start the work that awaits a job."""
    task = group.create_task(work)
    # Work that is cancelled before its first step never awaits its job, which Python would warn of.
    task.add_done_callback(lambda _: job.close())
    return task


async def in_order(
    jobs: Iterable[Coroutine[Any, Any, Result]], take: Callable[[Result], None], *, running: int, started: int
) -> None:
    """Run the jobs concurrently and take their results in the order of the jobs.

    At most `running` jobs run at once. At most `started` jobs are started and not yet taken, so that later jobs
    continue while a slow one delays the results after it.

    When a job or `take` is stopped (a limit, an interruption), no further job begins, running ones end, the results
    before the first missing one are taken, and the first stop is raised. Any other error cancels the rest and is
    raised as itself, not as a group.
    """
    queue = _Queue(take, asyncio.Semaphore(running))
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                queue.waiting.append(_start(group, queue.run(job), job))
                while queue.waiting and (len(queue.waiting) >= started or queue.waiting[0].done()):
                    queue.settle(await queue.waiting.popleft())
                if queue.stops:
                    break
            while queue.waiting:
                queue.settle(await queue.waiting.popleft())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    if queue.stops:
        raise queue.stops[0]


@dataclass(slots=True)
class _Queue(Generic[Result]):
    """The started jobs whose results are not yet taken, oldest first; a stopped job returns no result."""

    take: Callable[[Result], None]
    slots: asyncio.Semaphore
    waiting: deque[asyncio.Task[tuple[Result, ...]]] = field(default_factory=deque)
    stops: list[ScaiError] = field(default_factory=list)
    broken: bool = False
    """Whether a result is missing; later results are then not taken, as they would be out of order on disk."""

    async def run(self, job: Coroutine[Any, Any, Result]) -> tuple[Result, ...]:
        try:
            async with self.slots:
                if self.stops:  # another job was stopped while this one waited for its turn
                    return ()
                return (await job,)
        except STOPS as stop:
            self.stops.append(stop)
            return ()

    def settle(self, results: tuple[Result, ...]) -> None:
        self.broken = self.broken or not results
        if self.broken:
            return
        try:
            self.take(results[0])
        except STOPS as stop:
            self.broken = True
            self.stops.append(stop)


async def in_thread(work: Callable[[], Returned]) -> Returned:
    """Return what blocking work returns, or raise its error; work that never ends does not keep the process alive.

    Each call has a thread of its own: a pool would limit the calls, and end only when its threads do.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Returned] = loop.create_future()

    def settle(returned: Returned | None, error: BaseException | None) -> None:
        if future.done():  # nothing waits any more, for example after a timeout
            return
        if error is None:
            future.set_result(returned)  # type: ignore[arg-type]
        else:
            # A future cannot raise StopIteration.
            future.set_exception(RuntimeError("StopIteration") if isinstance(error, StopIteration) else error)

    def run() -> None:
        try:
            returned, error = work(), None
        except BaseException as raised:  # noqa: BLE001 - the caller handles it
            returned, error = None, raised
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, returned, error)

    threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()
    return await future
