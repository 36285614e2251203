"""The consoles, stdout for data and stderr for progress and messages, and the table of most screens."""

import os
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from scai_cli.text.characters import visible

_PADDING: Final = (0, 2, 0, 0)


class _SafeConsole(Console):
    """A console that shows every control and hidden character."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def out() -> Console:
    """Return the console for results, without markup."""
    return _SafeConsole(**_plain(sys.stdout))


def err() -> Console:
    """Return the console for progress and messages, without markup."""
    return _SafeConsole(stderr=True, **_plain(sys.stderr))


def _plain(stream: TextIO | None) -> dict[str, Any]:
    """Return the settings of both; with NO_COLOR there are no bold and no dim words either, as in a pipe."""
    settings: dict[str, Any] = {"markup": False, "highlight": False, "emoji": False}
    if os.environ.get("NO_COLOR"):
        settings["color_system"] = None
    if stream is None or not stream.isatty():
        # FORCE_COLOR makes rich take a pipe for a terminal; its colours may be wanted there, a moving screen is not.
        settings["force_interactive"] = False
    return settings


def plain_table(*, header: bool = True) -> Table:
    """Return an empty table without lines."""
    return Table(box=None, padding=_PADDING, show_header=header)


def number_table(title: str | Text, *titles: str, min_width: int | None = None, max_width: int | None = None) -> Table:
    """Return an empty table of names and, on the right, their numbers; a column without a title is left-aligned.

    `min_width` and `max_width` apply to the names; longer names take several lines.
    """
    table = plain_table()
    table.add_column(title, min_width=min_width, max_width=max_width, overflow="fold")
    for number in titles:
        table.add_column(number, justify="right" if number else "left", no_wrap=True)
    return table
