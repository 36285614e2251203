"""`scai tasks ...`."""

from pathlib import Path
from typing import Annotated

import typer

from scai_cli.cli import completion
from scai_cli.cli.options import MaxUsd, Model, Quiet, Seed, SetLimit, say, with_limit
from scai_cli.cli.personas import (
    AccountJson,
    File,
    Limit,
    Map,
    Out,
    OutFile,
    SkipBad,
    again,
    check_stdout,
    observer_of_calls,
    say_generated,
    say_written,
)
from scai_cli.populations.formats import TASKS

app = typer.Typer(no_args_is_help=True, help="Import and generate tasks.")

Format = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help="Format of the file: lines, table, habermas (Habermas Machine), anthropic (HH-RLHF) or polis.",
        autocompletion=completion.words(*TASKS),
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


@app.command()
def generate(
    count: Annotated[int, typer.Option("--n", min=1, max=100_000, help="Number of tasks.", metavar="N")],
    like: Annotated[
        Path, typer.Option("--like", help="Examples: a file of tasks, or a folder of them.", metavar="PATH")
    ],
    out: OutFile,
    quotas: Annotated[
        list[str] | None,
        typer.Option(
            "--quota",
            help="Target share of each kind or topic, e.g. kind=red-team:57,question:43; default: as in the examples.",
            metavar="kind|topic=VALUE:SHARE,...",
        ),
    ] = None,
    model: Model = None,
    seed: Seed = 0,
    personas: Annotated[
        Path | None, typer.Option("--personas", help="Reject tasks that name one of these personas.", metavar="FILE")
    ] = None,
    settings: SetLimit = None,
    max_usd: MaxUsd = None,
    quiet: Quiet = False,
) -> None:
    """Generate tasks like those of a file. If interrupted, run the same command again to continue."""
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.generate_tasks import GenerateTasksOptions
    from scai_cli.jobs.generate_tasks import generate as made

    overrides = Overrides(with_limit(settings, max_usd), model, seed)
    options = GenerateTasksOptions(count, like, quotas or (), personas, overrides)
    say_generated(made(options, out, observer_of_calls(quiet), again()), count, "tasks", out, quiet)
