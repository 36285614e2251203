"""The standard streams of the process, which may be closed, full or without a reader."""

import os
import sys
from errno import EPIPE
from io import FileIO, TextIOWrapper
from select import select
from typing import Any

from scai_cli.errors import cannot_write


class _Output(FileIO):
    """stdout or stderr. Messages that cannot be written are dropped, since the work that they are about matters more.

    The first failed write to stdout raises OutputError, or SystemExit if the reader has gone. Later ones are dropped.
    The text layer writes here without a buffer between, which would write again what a signal interrupts at its end.
    """

    _failed = False

    def write(self, data: Any) -> int:
        """Write all bytes and return their number."""
        left = memoryview(data)
        try:
            while left and not self._failed:
                if (written := super().write(left)) is None:
                    select((), (self,), ())  # another process has made it non-blocking
                left = left[written or 0 :]
        except OSError as error:
            self._failed = self.fileno() == 1
            if self._failed and error.errno == EPIPE:  # `| head` has read enough
                raise SystemExit from None
            if self._failed:
                raise cannot_write("stdout", error) from None
        return memoryview(data).nbytes


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
                by_line = stream.line_buffering or stream.write_through
                raw: Any = _Output(number, mode, closefd=False)
                setattr(sys, name, stream := TextIOWrapper(raw, stream.encoding, line_buffering=by_line))
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
