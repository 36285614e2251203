"""Do many jobs at once: gather all their results, or take them in order with a bounded number in memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from scai_cli.errors import STOPS, ScaiError

Result = TypeVar("Result")


async def together(jobs: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run all jobs at once; their results in the order given.

    When a job is stopped (a limit, an interruption) the others may end what they are at, then the first stop is
    raised. Any other error cancels the rest and is raised as itself, not as a group.
    """
    stops: list[ScaiError] = []

    async def stoppable(job: Coroutine[Any, Any, Result]) -> Result | None:
        try:
            return await job
        except STOPS as stop:
            stops.append(stop)
            return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stoppable(job)) for job in jobs]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    if stops:
        raise stops[0]
    return [task.result() for task in tasks]  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many jobs may be `under_way`, and how many begun and not yet taken: those wait for one before them."""

    under_way: int
    in_all: int


async def in_order(jobs: Iterable[Coroutine[Any, Any, Result]], room: Capacity, take: Callable[[Result], None]) -> None:
    """Do the jobs at the same time and take their results in the order of the jobs.

    When a job is stopped (a limit, an interruption), or `take` stops them all, no further one begins, those under way
    may end, the results before the first one missing are taken, and the first stop is raised. Any other error cancels
    the rest and is raised as itself, not as a group.
    """
    queue = _Queue(take, asyncio.Semaphore(room.under_way))
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                queue.waiting.append(group.create_task(queue.done(job)))
                while queue.waiting and (len(queue.waiting) >= room.in_all or queue.waiting[0].done()):
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
    """What is begun and not yet taken, the oldest first; a job that was stopped has an empty result."""

    take: Callable[[Result], None]
    slots: asyncio.Semaphore
    waiting: deque[asyncio.Task[tuple[Result, ...]]] = field(default_factory=deque)
    stops: list[ScaiError] = field(default_factory=list)
    broken: bool = False
    """Whether a result is missing, so that none behind it may be taken."""

    async def done(self, job: Coroutine[Any, Any, Result]) -> tuple[Result, ...]:
        try:
            async with self.slots:
                if self.stops:
                    return ()
                return (await job,)
        except STOPS as stop:
            self.stops.append(stop)
            return ()
        finally:
            job.close()  # where it never began

    def settle(self, results: tuple[Result, ...]) -> None:
        self.broken = self.broken or not results
        if self.broken:
            return
        try:
            self.take(results[0])
        except STOPS as stop:
            self.broken = True
            self.stops.append(stop)
