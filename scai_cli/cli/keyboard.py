"""Reads lines from stdin, a terminal or a pipe, without blocking the event loop and without a thread."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from dataclasses import dataclass
from typing import Final

from scai_cli.text.characters import clean

PASTE_S: Final = 0.05
"""Lines on a terminal that follow each other within this time were pasted, not typed."""

_BLOCK: Final = 1 << 16


@dataclass(slots=True)
class Keyboard:
    """The lines of a file descriptor, None if it is closed; `terminal` says whether it is one."""

    descriptor: int | None
    terminal: bool = False
    _buffer: bytes = b""
    _ended: bool = False

    @classmethod
    def stdin(cls) -> Keyboard:
        """Return the program's stdin; nothing is read before the first question."""
        try:
            descriptor = sys.stdin.fileno()
        except (AttributeError, OSError, ValueError):  # closed by the shell, or replaced by a test
            return cls(None)
        return cls(descriptor, os.isatty(descriptor))

    async def line(self, *, pasted: bool = False) -> str:
        """Return the next line without its end, with `pasted` all lines pasted together; raises EOFError at the end."""
        while b"\n" not in self._buffer and not self._ended:
            block = await self._block()
            self._buffer += block
            self._ended = not block
        lines = [self._cut()]
        while pasted and self.terminal and self._more():
            lines.append(self._cut())
        return "\n".join(lines).rstrip("\n")

    def _cut(self) -> str:
        if not self._buffer:
            raise EOFError
        line, _, self._buffer = self._buffer.partition(b"\n")
        return clean(line.decode("utf-8", "replace")).rstrip("\r")

    def _more(self) -> bool:
        """Return whether another line has arrived."""
        assert self.descriptor is not None
        while b"\n" not in self._buffer and select.select([self.descriptor], [], [], PASTE_S)[0]:
            block = os.read(self.descriptor, _BLOCK)
            if not block:
                break
            self._buffer += block
        return b"\n" in self._buffer

    async def _block(self) -> bytes:
        """Return the next bytes; none at the end of the input."""
        if self.descriptor is None:
            return b""
        loop, descriptor = asyncio.get_running_loop(), self.descriptor
        ready = asyncio.Event()
        blocking = os.get_blocking(descriptor)
        try:
            loop.add_reader(descriptor, ready.set)
        except OSError:  # a regular file, or /dev/null: reading it never blocks
            return os.read(descriptor, _BLOCK)
        os.set_blocking(descriptor, blocking)  # uvloop changes it, also for the shell that shares the terminal
        try:
            await ready.wait()
        finally:
            loop.remove_reader(descriptor)
        return os.read(descriptor, _BLOCK)
