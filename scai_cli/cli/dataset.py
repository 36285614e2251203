"""`scai dataset ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scai_cli.cli.options import Json, print_json

# With a callback, a single command still is one of a group.
app = typer.Typer(no_args_is_help=True, help="Look into data sets.", callback=lambda: None)

Rows = Annotated[
    Path,
    typer.Argument(
        metavar="PATH", help="A .jsonl, .csv or .parquet file of rows, or a folder of them.", show_default=False
    ),
]


@app.command("describe")
def describe(
    path: Rows,
    seed: Annotated[int, typer.Option("--seed", help="Draws the samples.", metavar="N")] = 0,
    as_json: Json = False,
) -> None:
    """Say how long, varied and balanced rows are."""
    from scai_cli.datasets.describe.description import describe as described
    from scai_cli.display.terminal.dataset import print_dataset

    description = described(path, seed).as_object()
    if as_json:
        print_json(description)
    else:
        print_dataset(description)
