"""`scai show --follow`: print the events of a run while another process writes it."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from scai_cli.display.terminal.consoles import out
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.frames import FRAMES_PER_SECOND
from scai_cli.display.terminal.run_progress import RunProgress
from scai_cli.display.terminal.styles import HEADING
from scai_cli.display.terminal.summary import print_summary
from scai_cli.display.terminal.transcripts import check_known, print_message, print_rating
from scai_cli.runs.events import RunStarted
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, ReadEvent
from scai_cli.runs.history.event_tail import follow_events, follow_objects
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.history.selection import Selection
from scai_cli.text.characters import json_line, one_line


def follow(path: Path, chosen: Selection) -> None:
    """Print the events of a run from its start until no process writes it any more, then the summary.

    With a selection, also print the selected messages and ratings.
    """
    console = out()
    follower = _Follower(console, History(path, "running"), chosen, RunProgress(run_id=path.name))
    live = Live(console=console, get_renderable=follower.draw, refresh_per_second=FRAMES_PER_SECOND, transient=True)
    with live if console.is_interactive else nullcontext():
        for event, is_chosen in follow_events(path, chosen):
            follower.see(event, is_chosen)
    console.print()
    print_summary(console, read_history(path, messages=False, ratings=False))


def follow_json(path: Path, chosen: Selection) -> None:
    """Print the events of a run as lines of JSON as they happen; only the selected messages and ratings."""
    for event in follow_objects(path, chosen):
        print(json_line(event), flush=True)  # noqa: T201 - data for stdout


@dataclass(slots=True)
class _Follower:
    """Prints events for people, and counts the progress of the run."""

    console: Console
    history: History
    chosen: Selection
    progress: RunProgress
    last: str = ""
    """The last printed conversation."""

    def draw(self) -> Text:
        """Return the progress of the run in one line."""
        return Text(one_line(self.progress.line(self.progress.phase), self.console.width), style=HEADING)

    def see(self, event: ReadEvent, is_chosen: bool) -> None:
        """Count an event, and print it if it is of interest to people."""
        if isinstance(event, RunStarted):
            self.history.started = event
            check_known(self.history, self.chosen)
            self.progress.epochs, self.progress.config = event.epochs, self.history.config
        text = self.progress.note(event) or self.progress.milestone()
        if isinstance(event, CompactMessage | CompactRating):
            if is_chosen and self.chosen != Selection():
                self._print(event)
        elif text is not None:
            self.console.print(styled(text), soft_wrap=True)

    def _print(self, event: CompactMessage | CompactRating) -> None:
        conversation = event.conversation if isinstance(event, CompactRating) else event.id.rpartition("/")[0]
        if conversation != self.last:
            self.console.print(styled(conversation, HEADING))
            self.last = conversation
        if isinstance(event, CompactRating):
            print_rating(self.console, self.history, event)
        else:
            print_message(self.console, self.history, event)
