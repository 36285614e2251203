"""Waiting for what another process or thread does; the deadline is there so that a hang fails, and measures nothing."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def heard(process: subprocess.Popen[Any]) -> bool:
    """Whether no signal waits for a process any more; its loop knows of them before anything that comes later."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return not any(int(waiting, 16) for waiting in re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)$", status, re.MULTILINE))
