"""`scai` in processes of its own that get signals at chosen moments: at its Nth call or return of a function.

What decides whether a signal is lost or ends in a traceback are microseconds that no test meets by waiting. Here the
profiler of Python counts the moments, and the process itself sends the signals.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

HANGS_S: Final = 8
"""A process that says nothing for so long is killed, and has the code -9."""

Moments = Sequence[tuple[int, str]]
"""When which signals come: at the Nth moment from the first call of a certain function on, by the signal's name."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its exit code, negative if a signal killed it, and what it wrote to stderr or its terminal."""

    code: int
    said: str


def moments_of(*arguments: object, since: str, keys: str | None = None) -> list[str]:
    """The moments of a command that nothing disturbs, each as `FILE:FUNCTION`; `keys` are typed at a terminal."""
    return list(_drive(arguments, since, keys, [])["places"])


def disturbed(*arguments: object, since: str, at: Sequence[Moments], keys: str | None = None) -> list[Ended]:
    """How a command ended with each of these lists of signals."""
    return [Ended(*ended) for ended in _drive(arguments, since, keys, at)["ended"]]


def _drive(arguments: Sequence[object], since: str, keys: str | None, at: Sequence[Moments]) -> dict[str, Any]:
    order = json.dumps({"argv": list(map(str, arguments)), "since": since, "keys": keys, "at": at})
    called = subprocess.run([sys.executable, __file__, order], capture_output=True, text=True, timeout=300)
    assert called.returncode == 0, called.stderr
    found: dict[str, Any] = json.loads(called.stdout)
    return found


class _Clock:
    """Counts moments as Python's profiler, and sends this process its signals."""

    def __init__(self, since: str, moments: Moments = ()) -> None:
        self.places: list[str] = []
        self.now = 0
        self._since = since.partition(":")[2]
        self._file = since.partition(":")[0]
        self._due = dict(moments)

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if not self.now and (code.co_name != self._since or Path(code.co_filename).name != self._file):
            return
        self.now += 1
        if name := self._due.get(self.now):
            os.kill(os.getpid(), getattr(signal, name))

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        """Count, and remember where."""
        self(frame, event, argument)
        if self.now:
            self.places.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}")


def _forked(keys: str | None) -> tuple[int, int]:
    """Fork with stderr, or all three streams, in the parent's hands: the child's id, 0 in the child, and the other end."""
    if keys is not None:
        pid, screen = pty.fork()
        if pid:
            os.write(screen, keys.encode())
        return pid, screen
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(writing, 2)
        os.close(reading)
    os.close(writing)
    return pid, reading


def _ended(pid: int, reading: int) -> Ended:
    said = b""
    with suppress(OSError):  # a terminal whose other side is closed
        while select.select([reading], [], [], HANGS_S)[0] and (data := os.read(reading, 65536)):
            said += data
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL if select.select([reading], [], [], 0)[0] == [] else 0)
    os.close(reading)
    return Ended(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode("utf-8", "replace"))


def _main() -> None:
    """Carry an order out. A child leaves through here as `scai` leaves, so nothing may catch what it raises."""
    order = json.loads(sys.argv[1])
    from scai_cli.cli import main

    sys.argv = ["scai", *order["argv"]]
    report = tempfile.mkstemp()[1]
    ended: list[Ended] = []
    clocks = [_Clock(order["since"], moments) for moments in ((), (), *order["at"])]
    for number, clock in enumerate(clocks):
        pid, reading = _forked(order["keys"])
        if pid == 0:
            if number == 0:
                atexit.register(_report, report, lambda: list(sys.modules))
            elif number == 1:
                atexit.register(_report, report, lambda: clock.places)
            sys.setprofile(clock if number > 1 else clock.note if number else None)
            main()
            return
        ended.append(_ended(pid, reading))
        if number == 0:  # what it imported is imported here, and not in every child
            for name in _reported(report):
                with suppress(Exception):
                    importlib.import_module(name)
    print(json.dumps({"places": _reported(report), "ended": [[one.code, one.said] for one in ended[2:]]}))
    os.unlink(report)


def _report(file: str, what: Callable[[], list[str]]) -> None:
    sys.setprofile(None)
    Path(file).write_text(json.dumps(what()), encoding="utf-8")


def _reported(file: str) -> list[str]:
    found: list[str] = json.loads(Path(file).read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    _main()
