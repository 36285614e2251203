"""How the time of some work grows with its input, in measures that other processes do not lengthen."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any


def cpu_s(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of processor time that work takes at best, without the collection of other tests' garbage."""
    best, collects = float("inf"), gc.isenabled()
    gc.disable()
    try:
        for _ in range(times):
            began = time.process_time()
            work()
            best = min(best, time.process_time() - began)
    finally:
        if collects:
            gc.enable()
    return best


def grows_linearly(work: Callable[[int], object], size: int) -> bool:
    """Whether four times the input takes nowhere near sixteen times as long, at least once in five tries."""
    return any(cpu_s(lambda: work(4 * size)) < 9 * max(cpu_s(lambda: work(size)), 0.001) for _ in range(5))


def steps(work: Callable[[], object]) -> int:
    """The lines of Python that work executes, comprehensions line by line: the same number every time."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
