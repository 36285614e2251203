"""What a client's process reports of its own work: wall time, CPU, memory, and what the endpoint counted meanwhile."""

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
    """While entered, the workload runs; after that `report` prints what it took.

    The start of the interpreter, imports and a tiny workload that touches everything once come before and are
    reported as `start_s` of CPU.
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
        """Print it as a line of JSON and leave; connections need not be said goodbye to."""
        told = {"calls": calls, "peak_mb": peak_mb(), "endpoint": count(self._url), **self.found}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        os._exit(0)


def cpu() -> float:
    """CPU seconds of this process, all its threads, and of the processes that it started and waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def starved(process: int | str = "self") -> float:
    """Seconds that the threads of a process were ready to run and had to wait for a core."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[1]) for thread in threads) / 1e9


def count(url: str) -> dict[str, Any]:
    """What the endpoint got since it was last asked."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/count") as answer:
        return json.load(answer)


def peak_mb() -> float:
    """The most memory that this process has held, imports included."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
