"""The standard streams of the process, which may be closed, full or without a reader."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from errno import EPIPE
from io import BufferedWriter, FileIO, TextIOWrapper
from select import select
from typing import TYPE_CHECKING

from scai_cli.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Output(FileIO):
    """stdout or stderr. A message that cannot be written is dropped, since the work that it is about matters more.

    The first failed write to stdout raises OutputError, or ends the program without an error if the reader has gone.
    Later ones are dropped: Python's buffers keep what they could not write, and try again until the process ends.
    """

    _failed = False

    def write(self, data: ReadableBuffer) -> int:
        """Write some bytes and return their number."""
        size = memoryview(data).nbytes
        if self._failed:
            return size
        try:
            while (written := super().write(data)) is None:  # another process has made it non-blocking
                select((), (self,), ())
        except OSError as error:
            if self.fileno() == 2:
                return size
            self._failed = True
            if error.errno == EPIPE:  # `| head` has read enough
                raise SystemExit from None
            raise OutputError(f"stdout: cannot be written: {error.strerror}") from error
        return written


def prepare_streams() -> None:
    """Make the streams safe to use: UTF-8 for files and pipes, a terminal's own encoding with other characters escaped.

    A closed stream is opened on /dev/null. Otherwise the next file takes its number, and gets what others write to it.
    """
    for number, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - until the process ends
        stream = getattr(sys, name)
        if mode == "w" and isinstance(stream, TextIOWrapper):
            if type(getattr(stream.buffer, "raw", stream.buffer)) is FileIO and stream.fileno() == number:
                buffer = BufferedWriter(_Output(number, mode, closefd=False))
                by_line = stream.line_buffering or stream.write_through
                stream = TextIOWrapper(buffer, stream.encoding, line_buffering=by_line)
                setattr(sys, name, stream)
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def write_rest() -> OutputError | None:
    """Write what stdout has buffered, and return the error of a failed write."""
    with suppress(SystemExit):
        try:
            sys.stdout.flush()
        except OutputError as error:
            return error
    return None
