"""`scai tasks ...`."""

from typing import Annotated

import typer

from scai_cli.cli.options import Quiet, say
from scai_cli.cli.personas import AccountJson, File, Limit, Map, Out, SkipBad, check_stdout, say_written

# A callback keeps `import` a subcommand although it is the only one.
app = typer.Typer(no_args_is_help=True, help="Import tasks.", callback=lambda: None)

Format = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help="Format of the file: lines, table, habermas (Habermas Machine), anthropic (HH-RLHF) or polis.",
    ),
]


@app.command("import")
def import_file(
    file: File,
    form: Format,
    out: Out,
    limit: Limit = None,
    columns: Map = None,
    skip_bad: SkipBad = False,
    topic: Annotated[
        str, typer.Option("--topic", help="Label every imported task with this topic.", metavar="TOPIC")
    ] = "",
    kind: Annotated[
        str, typer.Option("--kind", help="Label every imported task with this kind, e.g. advice.", metavar="KIND")
    ] = "",
    as_json: AccountJson = False,
    quiet: Quiet = False,
) -> None:
    """Import tasks from a file in another format. A bad row stops the import before anything is written."""
    from scai_cli.populations.importer import ImportOptions, import_items

    changes = {name: text for name, text in (("topic", topic), ("kind", kind)) if text}
    check_stdout(out, as_json)
    account = import_items("tasks", ImportOptions(file, form, limit, columns, skip_bad), out, say, **changes)
    say_written(account, "tasks", out, as_json, quiet)
