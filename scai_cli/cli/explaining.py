"""`scai explain`, `scai frontier`."""

from __future__ import annotations

from typing import Annotated

import typer

from scai_cli.cli.options import RUNS, Config, Json, Model, Quiet, Run, RunsDir, Seed, Set, Trust


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(explain)
    app.command()(frontier)


def explain(
    run: Run,
    budget: Annotated[
        int, typer.Option("--budget", min=1, help="The most model calls, all in all.", metavar="N")
    ] = 1000,
    users: Annotated[
        tuple[str, str] | None, typer.Option("--users", help="Which rules pull these two apart.", metavar="A B")
    ] = None,
    trust: Trust = False,
    as_json: Json = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Say who asked for each rule, who gains and who loses by it."""
    from scai_cli.display.explaining import print_explanation
    from scai_cli.explaining import Question
    from scai_cli.explaining import explain as explained
    from scai_cli.history import read_history
    from scai_cli.store import find_run

    path = find_run(runs_dir, run)
    found = explained(path, Question(budget, users, trust))
    if as_json:
        from scai_cli.exporters.writing import json_line

        print(json_line(found.as_object()))  # noqa: T201 - data for stdout
    else:
        print_explanation(found, read_history(path, messages=False, ratings=False).names)


def frontier(
    config: Config,
    over: Annotated[str, typer.Option("--over", help="What varies.", metavar="welfare=A,B,...", show_default=False)],
    settings: Set = None,
    model: Model = None,
    seed: Seed = None,
    runs_dir: RunsDir = RUNS,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Say what fairness costs. Runs an experiment under several welfare functions."""
    from scai_cli.cli.running import watcher
    from scai_cli.display.frontier import print_front
    from scai_cli.frontier import frontier as explored
    from scai_cli.loading import Overrides

    found = explored(config, over, Overrides(settings or (), model, seed), runs_dir, lambda: watcher(quiet))
    if as_json:
        from scai_cli.exporters.writing import json_line

        print(json_line(found.as_object()))  # noqa: T201 - data for stdout
    else:
        print_front(found)
