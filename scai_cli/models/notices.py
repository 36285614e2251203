"""Lines that the models and the gates have for the user while they work, e.g. that a parameter was left out."""

from __future__ import annotations

from collections.abc import Callable


class Notices:
    """Passes lines on to a listener, each text once; keeps those from before `listen` for it.

    A job calls `pool.notices.listen(observer.say)`, and whatever shares the pool calls `pool.notices(line)`. A line
    reaches stderr with `--quiet`, too. It is a sentence that names the key to set; it may contain foreign text.
    """

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}
        self._listener: Callable[[str], None] | None = None

    def __call__(self, line: str) -> None:
        """Pass a line on, unless it was passed on before."""
        if line not in self._lines:
            self._lines[line] = None
            if self._listener is not None:
                self._listener(line)

    def listen(self, listener: Callable[[str], None]) -> None:
        """Pass all lines on to the listener, earlier ones first."""
        self._listener = listener
        for line in self._lines:
            listener(line)
