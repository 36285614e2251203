"""`scai compare`."""

from typing import Annotated

import typer

from scai_cli.cli.options import RUNS, Json, Runs, RunsDir, print_json


def compare(
    runs: Runs,
    embedding_model: Annotated[
        str | None,
        typer.Option(
            "--embedding-model",
            help="Also compare constitutions by this model's embeddings, e.g. openai:NAME.",
            metavar="M",
        ),
    ] = None,
    as_json: Json = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Compare runs: settings, ratings, constitutions. The first run is the baseline."""
    from scai_cli.analysis.comparison import compare_runs
    from scai_cli.analysis.version_similarity import version_similarity
    from scai_cli.display.terminal.compare import print_comparison
    from scai_cli.display.terminal.next_steps import after_comparison, print_steps_below
    from scai_cli.models.embeddings import embedder
    from scai_cli.runs.find import find_run

    comparison = compare_runs([find_run(runs_dir, run) for run in runs])
    similarity = None
    if embedding_model is not None:
        similarity = version_similarity(comparison.runs, embedding_model, embedder(embedding_model))
    if as_json:
        measured = {"similarity": similarity.as_object() if similarity else None}
        print_json(comparison.as_object() | measured)
    else:
        print_comparison(comparison, similarity)
        print_steps_below(after_comparison([history.path for history in comparison.runs.values()]))
