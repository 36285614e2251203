"""`scai personas ...`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scai_cli.cli.options import Quiet

if TYPE_CHECKING:
    from scai_cli.populations.importing import Imported

app = typer.Typer(no_args_is_help=True, help="Let people in, look at them, draw from them, have them made.")

File = Annotated[str, typer.Argument(metavar="FILE", help="A file, or hub:OWNER/NAME.", show_default=False)]
Population = Annotated[Path, typer.Argument(metavar="FILE", help="A population (YAML, JSON, JSONL).")]
Out = Annotated[
    Path, typer.Option("--output", "-o", help="Where to write: .jsonl or .yaml; - is stdout.", metavar="OUT")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many.", metavar="N")]
Map = Annotated[Path | None, typer.Option("--map", help="The column map (YAML) of a table.", metavar="FILE")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out, and say which.")]
Format = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help="personahub, synthetic-persona-chat, nemotron, prism, opinionqa, polis, tinytroupe, edsl or table.",
    ),
]


def register(parent: typer.Typer) -> None:
    """Add the commands of this file."""
    parent.add_typer(app, name="personas")


@app.command("import")
def import_file(
    file: File,
    form: Format,
    out: Out,
    limit: Limit = None,
    columns: Map = None,
    skip_bad: SkipBad = False,
    quiet: Quiet = False,
) -> None:
    """Import people from somebody's file in its own format; all or nothing."""
    from scai_cli.populations.importing import Import, import_personas

    told(import_personas(Import(file, form, limit, columns, skip_bad), out, say), "personas", out, quiet)


def say(line: str) -> None:
    """A line on stderr that obeys nobody."""
    from scai_cli.display.safe import one_line

    typer.echo(one_line(line), err=True)


def told(done: Imported, what: str, out: Path, quiet: bool) -> None:
    """Say how many were written."""
    if not quiet:
        left = f", {done.bad:,} bad rows left out" if done.bad else ""
        say(f"wrote {done.items:,} {what} to {'stdout' if str(out) == '-' else out}{left}")
