"""`scai show` and `scai list`: which view of a run is wanted."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.table import Table

from scai_cli.display import reading
from scai_cli.display.consoles import out
from scai_cli.display.safe import one_line, styled
from scai_cli.display.summary import print_summary
from scai_cli.display.watching import Progress, told
from scai_cli.events import RunFinished
from scai_cli.history import read_calls, read_event, read_history
from scai_cli.selection import Selection
from scai_cli.store import EVENTS, is_locked

POLL_S = 0.3


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a run is to be shown; nothing chosen: the summary, or the transcripts that a selection names."""

    constitution: bool = False
    ratings: bool = False
    diff: tuple[int, int] | None = None
    prompts: str | None = None
    follow: bool = False


def show(path: Path, chosen: Selection, parts: Parts) -> None:
    """Print a run, or the parts of it that are wanted."""
    console = out()
    if parts.follow:
        follow(console, path)
        return
    if parts.prompts is not None:
        reading.print_prompts(console, read_calls(path), parts.prompts)
        return
    narrowed = chosen != Selection()
    closer = parts.constitution or parts.ratings or parts.diff is not None
    history = read_history(path, messages=narrowed and not closer, ratings=narrowed or parts.ratings, selection=chosen)
    epochs = history.chosen(chosen.epoch)
    if parts.constitution:
        reading.print_constitutions(console, history)
    if parts.ratings:
        reading.print_ratings(console, epochs if chosen.epoch is not None else epochs[-1:])
    if parts.diff is not None:
        reading.print_diff(console, history, *parts.diff)
    if closer:
        return
    if narrowed:
        reading.print_transcripts(console, history, epochs, chosen.persona, chosen.task)
    else:
        print_summary(console, history)


def follow(console: Console, path: Path) -> None:
    """Print what happens in a run, from its beginning until nobody writes it any more; then the summary."""
    progress = Progress(run_id=path.name)
    number = 0
    while is_locked(path) and not (path / EVENTS).exists():
        time.sleep(POLL_S)
    with (path / EVENTS).open("rb") if (path / EVENTS).exists() else io.BytesIO() as file:
        while True:
            alive = is_locked(path)
            finished = False
            for line in _complete_lines(file):
                number += 1
                event = read_event(path, number, line)
                progress.note(event)
                if (text := told(event, progress)) is not None:
                    console.print(text, soft_wrap=True)
                finished = finished or isinstance(event, RunFinished)
            if finished or not alive:
                break
            time.sleep(POLL_S)
    console.print()
    print_summary(console, read_history(path, messages=False, ratings=False))


def print_list(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print the runs as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("run", "status", "epochs", "model", "started"):
        table.add_column(title, no_wrap=title in ("run", "status"))
    for entry in entries:
        epochs = f"{entry['epochs_done']}/{entry['epochs'] or '?'}"
        started = (entry["started"] or "")[:16].replace("T", " ")
        cells = (entry["run_id"], entry["status"], epochs, entry["model"] or "", started)
        table.add_row(*(styled(one_line(str(cell))) for cell in cells))
    out().print(table if entries else styled("There are no runs yet; make one with `scai run CONFIG`."))


def _complete_lines(file: BinaryIO) -> Sequence[bytes]:
    found: list[bytes] = []
    while True:
        at = file.tell()
        line = file.readline()
        if not line.endswith(b"\n"):
            file.seek(at)
            return found
        found.append(line)
