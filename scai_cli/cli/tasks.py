"""`scai tasks ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from scai_cli.cli.options import Quiet
from scai_cli.cli.personas import File, Limit, Map, Out, SkipBad, say, say_written

# With a callback, a single command still is one of a group.
app = typer.Typer(no_args_is_help=True, help="Let tasks in.", callback=lambda: None)

Format = Annotated[str, typer.Option("--as", metavar="FORMAT", help="lines, table, habermas or anthropic.")]


@app.command("import")
def import_file(
    file: File,
    form: Format,
    out: Out,
    limit: Limit = None,
    columns: Map = None,
    skip_bad: SkipBad = False,
    topic: Annotated[str, typer.Option("--topic", help="The topic of all of them.", metavar="TOPIC")] = "",
    kind: Annotated[str, typer.Option("--kind", help="The kind of all of them.", metavar="KIND")] = "",
    quiet: Quiet = False,
) -> None:
    """Import tasks from somebody's file in its own format. All or nothing."""
    from scai_cli.populations.importer import ImportOptions, import_items

    changes = {name: text for name, text in (("topic", topic), ("kind", kind)) if text}
    result = import_items("tasks", ImportOptions(file, form, limit, columns, skip_bad), out, say, **changes)
    say_written(result, "tasks", out, quiet)
