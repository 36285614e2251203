"""`scai show`: a run in the views that are wanted."""

from dataclasses import dataclass, replace
from pathlib import Path

from scai_cli.display.terminal.consoles import out
from scai_cli.display.terminal.details import print_constitutions, print_diff, print_prompts
from scai_cli.display.terminal.next_steps import after_constitution, after_ratings, print_steps_below
from scai_cli.display.terminal.ratings import print_ratings
from scai_cli.display.terminal.summary import print_summary
from scai_cli.display.terminal.transcripts import check_known, print_transcripts
from scai_cli.runs.history.event_lines import read_calls
from scai_cli.runs.history.fold import read_epochs, read_history
from scai_cli.runs.history.listings import last_rated
from scai_cli.runs.history.selection import Selection


@dataclass(frozen=True, slots=True)
class Parts:
    """The views of a run to show; with none the summary, or the transcripts that a selection names."""

    constitution: bool = False
    ratings: bool = False
    diff: tuple[int, int] | None = None
    prompts: str | None = None


def print_run(path: Path, selection: Selection, parts: Parts) -> None:
    """Print a run, or the parts of it that are wanted."""
    console = out()
    if parts.prompts is not None:
        print_prompts(console, read_calls(path, parts.prompts), parts.prompts)
        return
    closer = parts.constitution or parts.ratings or parts.diff is not None
    if selection != Selection() and not closer:
        print_transcripts(console, path.name, read_epochs(path, selection), selection)
        return
    if parts.ratings and selection.epoch is None:
        selection = replace(selection, epoch=last_rated(path))
    history = read_history(path, messages=False, ratings=False, finals=parts.ratings)
    epochs = history.chosen(selection.epoch)
    check_known(history, selection)
    if history.started is None and closer and parts.diff is None:
        console.print("It has no events yet.")
    elif parts.ratings and not epochs:
        console.print("Nothing has been rated yet.")
    if parts.constitution:
        print_constitutions(console, history)
    if parts.ratings and epochs:
        print_ratings(console, history, epochs[-1], selection)
    if parts.diff is not None:
        print_diff(console, history, *parts.diff)
    if not closer:
        print_summary(console, history)
    elif parts.ratings and epochs:
        print_steps_below(after_ratings(path, selection.persona or epochs[-1].personas[0]))
    elif history.started is not None:
        print_steps_below(after_constitution(path))
