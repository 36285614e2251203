"""The one way to do many things at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

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
