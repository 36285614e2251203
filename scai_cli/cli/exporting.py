"""`scai export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from scai_cli.cli.options import RUNS, Epoch, Persona, Runs, RunsDir, Task


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(export)


def export(
    runs: Runs,
    format_: Annotated[
        str,
        typer.Option("--format", help="system, sft (prompt and completion), messages (chat rows).", metavar="F"),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A file; - is stdout.", metavar="FILE")] = Path("-"),
    as_: Annotated[
        Literal["text", "markdown", "json"] | None,
        typer.Option("--as", help="How a system message is written; by default as the file's name says, else text."),
    ] = None,
    min_rating: Annotated[
        float | None, typer.Option("--min-rating", help="Only answers that their user rated at least so.", metavar="R")
    ] = None,
    epoch: Epoch = None,
    persona: Persona = None,
    task: Task = None,
    system: Annotated[
        Literal["drop", "keep"], typer.Option("--system", help="Whether rows hold the constitution as system message.")
    ] = "drop",
    runs_dir: RunsDir = RUNS,
) -> None:
    """Export datasets and system messages."""
    from scai_cli.exporters.writing import Target, export_runs
    from scai_cli.history import read_history
    from scai_cli.selection import Selection
    from scai_cli.store import find_run

    paths = [find_run(runs_dir, run) for run in runs]
    selection = Selection(min_rating, epoch, persona, task, system)
    count = export_runs((read_history(path) for path in paths), format_, selection, Target(output, as_))
    if str(output) != "-":
        of = ", ".join(path.name for path in paths)
        typer.echo(f"{count} {'row' if count == 1 else 'rows'} of run {of} -> {output}", err=True)
