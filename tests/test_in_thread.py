"""Blocking work in threads of its own."""

import asyncio
import subprocess
import sys
import threading

import pytest

from scai_cli.concurrency import in_thread


def test_it_returns_what_the_work_returns() -> None:
    assert asyncio.run(in_thread(lambda: 3)) == 3


def fail(error: BaseException) -> None:
    raise error


def test_it_raises_what_the_work_raises() -> None:
    with pytest.raises(LookupError, match="nothing"):
        asyncio.run(in_thread(lambda: fail(LookupError("nothing"))))


def test_a_stop_iteration_is_an_error_not_an_endless_wait() -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(asyncio.wait_for(in_thread(lambda: next(iter(()))), 10))


def test_many_run_at_once() -> None:
    all_there = threading.Barrier(200)

    async def work() -> None:
        await asyncio.gather(*(in_thread(lambda: all_there.wait(30)) for _ in range(200)))

    asyncio.run(work())


ENDLESS = """
import asyncio, threading
from scai_cli.concurrency import in_thread

async def work():
    try:
        await asyncio.wait_for(in_thread(threading.Event().wait), 0.05)
    except TimeoutError:
        print("timeout")

asyncio.run(work())
"""


def test_endless_work_can_time_out_and_does_not_keep_the_process_alive() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDLESS], capture_output=True, text=True, timeout=30, check=True)
    assert (ended.stdout, ended.stderr) == ("timeout\n", "")
