"""`scai show` and `scai list`: a run in the views that are wanted, and the runs of a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from scai_cli.display.terminal.consoles import out, plain_table
from scai_cli.display.terminal.details import print_constitutions, print_diff, print_prompts, print_ratings
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.summary import print_summary
from scai_cli.display.terminal.transcripts import check_known, print_transcripts
from scai_cli.runs.history.event_lines import read_calls
from scai_cli.runs.history.fold import read_epochs, read_history
from scai_cli.runs.history.listings import last_rated
from scai_cli.runs.history.selection import Selection
from scai_cli.text.characters import one_line

_WIDE: Final = 60
"""Columns of a terminal that has space for all of a list."""


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


def print_list(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print the runs as a table."""
    rows = [
        (e["run_id"], f"{e['status']}{'*' * bool(e['health'])}", epochs, e["model"], e["started"])
        for e in entries
        for epochs in [f"{e['epochs_done']}/{e['epochs'] or '?'}"]
    ]
    if not rows:
        out().print(styled("There are no runs yet; make one with `scai run CONFIG`."))
    else:
        _print_table(("run", "status", "epochs", "model", "started"), rows)
        if any(e["health"] for e in entries):
            out().print(styled("* with reasons not to trust its numbers: see `scai show RUN`"))


def print_generated(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print the generated sets as a table, or nothing if there are none."""
    rows = [(e["run_id"], e["status"], f"{e['rows']}/{e['wanted'] or '?'}", e["source"], e["started"]) for e in entries]
    if rows:
        out().print()
        _print_table(("generated", "status", "rows", "from", "started"), rows)


def print_evaluations(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print the evaluations as a table, or nothing if there are none."""
    rows = [
        (e["run_id"], e["status"], str(e["rows"]), (e["systems"] or "").replace(", ", ","), e["started"])
        for e in entries
    ]
    if rows:
        out().print()
        _print_table(("evaluation", "status", "rows", "systems", "started"), rows)


def print_sweeps(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print the sweeps as a table, or nothing if there are none."""
    rows = [
        (e["run_id"], e["status"], f"{e['finished']}/{e['cells'] or '?'}", e["axes"], e["started"]) for e in entries
    ]
    if rows:
        out().print()
        _print_table(("sweep", "status", "cells", "over", "started"), rows)


def _print_table(titles: Sequence[str], rows: Sequence[tuple[str, str, str, str | None, str | None]]) -> None:
    """Print a row for each: id, status, progress, source and start; the last two only if there is space."""
    console, table = out(), plain_table()
    shown = len(titles) if console.width >= _WIDE else 3
    for number, title in enumerate(titles[:shown]):
        # No id is cut, so that it can be used in another command.
        table.add_column(title, no_wrap=number not in (0, 3), overflow="fold")
    for *cells, began in rows:
        minute = (began or "")[:16].replace("T", " ")
        table.add_row(*(styled(one_line(cell or "")) for cell in (*cells, minute)[:shown]))
    console.print(table)
