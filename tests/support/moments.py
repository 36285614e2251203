"""`scai` in processes of its own that get signals at chosen moments: at the Nth call or return of a function.

Whether a signal is lost or ends in a traceback is decided within microseconds, which no test meets by waiting. Here
Python's profiler counts the moments, and the process itself sends the signals.
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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

HANGS_S: Final = 60
"""A process that says nothing for so long is killed, and ends with -9."""

Moments = Sequence[tuple[int, str]]
"""Which signals come, and when: at the Nth moment from the first call of a certain function on."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its exit code, negative if a signal killed it, and what it wrote to stderr or terminal."""

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
    called = subprocess.run([sys.executable, __file__, order], capture_output=True, text=True, check=False)
    assert called.returncode == 0, called.stderr
    found: dict[str, Any] = json.loads(called.stdout)
    return found


class _Clock:
    """Counts moments as Python's profiler, and sends this process its signals."""

    def __init__(self, since: str, moments: Moments = ()) -> None:
        self.places: list[str] = []
        self.now = 0
        self._file, _, self._function = since.partition(":")
        self._due = dict(moments)

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if not self.now and (code.co_name != self._function or Path(code.co_filename).name != self._file):
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
    """Fork: the child's id, 0 in the child, and where the parent reads its stderr or its terminal."""
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
        while ready := select.select([reading], [], [], HANGS_S)[0]:
            if not (data := os.read(reading, 65536)):
                break
            said += data
        if not ready:
            os.kill(pid, signal.SIGKILL)
    os.close(reading)
    return Ended(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode("utf-8", "replace"))


def _report(file: Path, what: list[str] | dict[str, Any]) -> None:
    sys.setprofile(None)
    file.write_text(json.dumps(list(what)), encoding="utf-8")


def _main() -> None:
    """Run once to learn what is imported, once to count, and once for each list of moments.

    A child leaves through here as `scai` leaves through its script, so nothing here may catch what it raises.
    """
    order = json.loads(sys.argv[1])
    sys.argv = ["scai", *order["argv"]]
    from scai_cli.cli import main

    report = Path(tempfile.mkstemp()[1])
    ended: list[Ended] = []
    for number, moments in enumerate(((), (), *order["at"])):
        pid, reading = _forked(order["keys"])
        if pid == 0:
            clock = _Clock(order["since"], moments)
            if number < 2:
                atexit.register(_report, report, clock.places if number else sys.modules)
            sys.setprofile((clock, clock.note)[number == 1] if number else None)
            main()
            return
        ended.append(_ended(pid, reading))
        if number == 0:  # imported here once, and not in every child
            for name in json.loads(report.read_text(encoding="utf-8")):
                with suppress(Exception):
                    importlib.import_module(name)
    places = json.loads(report.read_text(encoding="utf-8"))
    report.unlink()
    print(json.dumps({"places": places, "ended": [[one.code, one.said] for one in ended[2:]]}))


if __name__ == "__main__":
    _main()
