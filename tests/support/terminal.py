"""`scai` at a pipe, and on a pseudo-terminal as somebody sits before it."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
import time
from types import TracebackType
from typing import Self

from conftest import scai


def piped(text: str, *arguments: object) -> tuple[int, str, str]:
    """Run `scai` in this process with a text, of no more than a pipe holds, at stdin: exit code, stdout, stderr."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(text.encode())
    stdin = sys.stdin
    try:
        with os.fdopen(reading, encoding="utf-8") as sys.stdin:
            called = scai(*arguments)
    finally:
        sys.stdin = stdin
    return called.code, called.out, called.err


class Terminal:
    """One command with keyboard and screen; what it has shown so far is in `shown`."""

    def __init__(self, *arguments: object, columns: int = 80) -> None:
        self.leader, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scai_cli", *map(str, arguments)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
            env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns)},
        )
        os.close(terminal)
        self.shown = ""
        os.set_blocking(self.leader, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.leader)

    def sees(self, text: str, times: int = 1, seconds: float = 60) -> None:
        """Wait until a text was shown so often."""
        deadline = time.monotonic() + seconds
        while self.shown.count(text) < times:
            assert time.monotonic() < deadline, f"no {text!r} in {self.shown!r}"
            self._read()
            time.sleep(0.005)

    def types(self, text: str) -> None:
        """Press keys."""
        os.write(self.leader, text.encode())

    def ends(self, seconds: float = 60) -> int:
        """Wait until the command has ended; its exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.shown
            self._read()
            time.sleep(0.005)
        self._read()
        return self.process.returncode

    def _read(self) -> None:
        try:
            while block := os.read(self.leader, 65536):
                self.shown += block.decode("utf-8", "replace")
        except OSError:  # nothing more for now, or the other side is closed
            return


def on_a_terminal(*arguments: object, **env: str) -> str:
    """What the command writes to stderr and stdout where both are a terminal of 80 columns."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **env}
    with subprocess.Popen(
        [sys.executable, "-m", "scai_cli", *map(str, arguments)], stdout=its, stderr=its, stdin=its, env=environment
    ) as process:
        os.close(its)
        found = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:
                break
            if not data:
                break
            found += data
        assert process.wait(60) == 0
    os.close(ours)
    return found.decode()
