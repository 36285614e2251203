"""What is typed at stdin, or piped into it, read without holding up the event loop and without a thread."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from dataclasses import dataclass
from typing import Final

from scai_cli.text.characters import clean

PASTE_S: Final = 0.05
"""Lines that follow one another on a terminal within so many seconds were pasted, not typed."""

_BLOCK: Final = 1 << 16


@dataclass(slots=True)
class Keyboard:
    """The lines of a file descriptor; `None` is one that is closed. `terminal` says whether somebody types there."""

    descriptor: int | None
    terminal: bool = False
    _held: bytes = b""
    _ended: bool = False

    @classmethod
    def stdin(cls) -> Keyboard:
        """The program's own; nothing is read before the first question."""
        try:
            descriptor = sys.stdin.fileno()
        except (AttributeError, OSError, ValueError):  # closed by the shell, or put in its place by a test
            return cls(None)
        return cls(descriptor, os.isatty(descriptor))

    async def line(self, *, pasted: bool = False) -> str:
        """The next line without its end; with `pasted`, all lines that were pasted together on a terminal.

        Raises EOFError when there is none.
        """
        while b"\n" not in self._held and not self._ended:
            self._take(await self._block())
        lines = [self._cut()]
        while pasted and self.terminal and self._more():
            lines.append(self._cut())
        return "\n".join(lines).rstrip("\n")

    def _cut(self) -> str:
        if not self._held:
            raise EOFError
        line, _, self._held = self._held.partition(b"\n")
        return clean(line.decode("utf-8", "replace")).rstrip("\r")

    def _take(self, block: bytes) -> None:
        self._held += block
        self._ended = not block

    def _more(self) -> bool:
        """Whether another line is there already."""
        assert self.descriptor is not None
        while b"\n" not in self._held and select.select([self.descriptor], [], [], PASTE_S)[0]:
            block = os.read(self.descriptor, _BLOCK)
            if not block:
                break
            self._held += block
        return b"\n" in self._held

    async def _block(self) -> bytes:
        """The next bytes; none at the end."""
        if self.descriptor is None:
            return b""
        loop, descriptor = asyncio.get_running_loop(), self.descriptor
        ready = asyncio.Event()
        blocking = os.get_blocking(descriptor)
        try:
            loop.add_reader(descriptor, ready.set)
        except OSError:  # a regular file, or /dev/null: it never keeps anybody waiting
            return os.read(descriptor, _BLOCK)
        os.set_blocking(descriptor, blocking)  # uvloop changes it, for whoever shares the terminal with us
        try:
            await ready.wait()
        finally:
            loop.remove_reader(descriptor)
        return os.read(descriptor, _BLOCK)
