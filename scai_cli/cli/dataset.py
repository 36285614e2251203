"""`scai dataset ...`."""

from pathlib import Path
from typing import Annotated

import typer

from scai_cli.cli.options import Json, print_json

# A callback keeps `describe` a subcommand although it is the only one.
app = typer.Typer(no_args_is_help=True, help="Describe the rows of a dataset.", callback=lambda: None)

Rows = Annotated[
    Path,
    typer.Argument(
        metavar="PATH", help="File of rows (.jsonl, .csv, .parquet), or a folder of these.", show_default=False
    ),
]


@app.command("describe")
def describe(
    path: Rows,
    seed: Annotated[int, typer.Option("--seed", help="Seed for the choice of example rows.", metavar="N")] = 0,
    as_json: Json = False,
) -> None:
    """Describe a dataset's rows: lengths, repetitions, variety."""
    from scai_cli.datasets.describe.description import describe as described
    from scai_cli.display.terminal.dataset import print_dataset

    description = described(path, seed).as_object()
    if as_json:
        print_json(description)
    else:
        print_dataset(description)
