"""Lines that models and gates have for the user while they work, e.g. that a parameter was left out."""

import sys
from collections.abc import Callable

from scai_cli.text.characters import one_line


class Notices:
    """Passes each text on once: `pool.notices(line)` calls `listener`, stderr by default, `observer.say` in a session.

    A line reaches stderr with `--quiet`, too. It is a sentence that names the key to set.
    """

    def __init__(self) -> None:
        self.listener: Callable[[str], object] = lambda line: sys.stderr.write(f"{one_line(line)}\n")
        self._said: set[str] = set()

    def __call__(self, line: str) -> None:
        """Pass a line on, unless it was passed on before."""
        if line not in self._said:
            self._said.add(line)
            self.listener(line)
