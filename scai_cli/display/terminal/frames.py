"""A line of state above the bar of the calls, drawn some times a second where there is a terminal."""

from collections.abc import Callable
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from scai_cli.display.terminal.calls_bar import CallsBar
from scai_cli.display.terminal.styles import HEADING
from scai_cli.text.characters import one_line

FRAMES_PER_SECOND: Final = 4


class Frames:
    """Live frames that leave the last one on the screen; elsewhere, and before `start`, only lines.

    `state` returns the line of state for a number of columns.
    """

    def __init__(self, console: Console, state: Callable[[int], str]) -> None:
        self.console, self._state = console, state
        self._live: Live | None = None

    @property
    def is_live(self) -> bool:
        """Whether frames are drawn now."""
        return self._live is not None

    def start(self, bar: CallsBar) -> None:
        """Draw frames from now on if the console is a terminal."""
        if self.console.is_interactive:
            self._live = Live(
                console=self.console, get_renderable=lambda: self._draw(bar), refresh_per_second=FRAMES_PER_SECOND
            )
            self._live.start()

    def say(self, line: str) -> None:
        """Show a line, above the frames; only there its words are wrapped."""
        self.console.print(Text(one_line(line)), soft_wrap=not self.is_live)

    def end(self) -> None:
        """Draw the last frame and stop."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, bar: CallsBar) -> RenderableType:
        width = self.console.width
        return Group(Text(self._state(width), style=HEADING), bar.row(width))
