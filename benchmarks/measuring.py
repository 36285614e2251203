"""Measure a client's process: wall time, CPU, memory, and the endpoint's counts meanwhile."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any


class Measured:
    """A context in which the workload runs; `report` prints the measurement afterwards.

    The start of the interpreter, the imports and a tiny warm-up workload come before, and are reported as `start_s` of
    CPU.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.found: dict[str, Any] = {}

    def __enter__(self) -> Measured:
        count(self._url)
        self._starved = starved()
        self._wall, self._cpu = time.perf_counter(), cpu()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        used, wall = cpu() - self._cpu, time.perf_counter() - self._wall
        self.found = {"start_s": self._cpu, "cpu_s": used, "wall_s": wall}
        self.found["starved_s"] = starved() - self._starved

    def report(self, calls: int) -> None:
        """Print the measurement as a line of JSON and exit, without closing connections."""
        told = {"calls": calls, "peak_mb": peak_mb(), "endpoint": count(self._url), **self.found}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        os._exit(0)


def cpu() -> float:
    """Return the CPU seconds of this process with all its threads, and of its child processes that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def starved(process: int | str = "self") -> float:
    """Return the seconds that the threads of a process were ready to run and waited for a core."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[1]) for thread in threads) / 1e9


def count(url: str) -> dict[str, Any]:
    """Return the endpoint's counts since the last request for them."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/count") as answer:
        return json.load(answer)


def peak_mb() -> float:
    """Return the peak memory of this process, imports included."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
