"""`scai compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from scai_cli.cli.options import RUNS, Json, Runs, RunsDir


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(compare)


def compare(
    runs: Runs,
    embedding_model: Annotated[
        str | None,
        typer.Option(
            "--embedding-model",
            help="Compare constitutions by a model's embeddings, e.g. openai:NAME at OPENAI_BASE_URL; else by words.",
            metavar="M",
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the numbers as CSV.")] = False,
    as_json: Json = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Compare runs: settings, welfare, constitutions. Each is held against the first."""
    from scai_cli.analysis.comparison import compare_runs
    from scai_cli.analysis.version_similarity import BY_WORDS
    from scai_cli.display.terminal.compare import print_comparison, print_csv
    from scai_cli.errors import RunError
    from scai_cli.models.embeddings import embedder
    from scai_cli.runs.find import find_run

    if as_csv and as_json:
        raise RunError("--csv and --json are two ways to print the same; take one")
    embed = embedder(embedding_model) if embedding_model is not None else None
    found = compare_runs([find_run(runs_dir, run) for run in runs], embedding_model or BY_WORDS, embed)
    if as_json:
        from scai_cli.datasets.export.row_writers import json_line

        print(json_line(found.as_object()))  # noqa: T201 - data for stdout
    elif as_csv:
        print_csv(found)
    else:
        print_comparison(found)
