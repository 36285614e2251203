"""How the time of some work grows with its input, in processor time, which other processes do not lengthen."""

from __future__ import annotations

import time
from collections.abc import Callable


def cpu_s(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of processor time that work takes at best."""
    best = float("inf")
    for _ in range(times):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def grows_linearly(work: Callable[[int], object], size: int) -> bool:
    """Whether four times the input takes nowhere near sixteen times as long."""
    return cpu_s(lambda: work(4 * size)) < 9 * max(cpu_s(lambda: work(size)), 0.001)
