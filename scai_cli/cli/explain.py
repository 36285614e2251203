"""`scai explain`, `scai frontier`."""

from __future__ import annotations

from typing import Annotated

import typer

from scai_cli.cli.options import (
    RUNS,
    Config,
    Json,
    MaxUsd,
    Model,
    Quiet,
    Run,
    RunsDir,
    Seed,
    Set,
    Trust,
    print_json,
    with_limit,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(explain)
    app.command()(frontier)


def explain(
    run: Run,
    users: Annotated[
        tuple[str, str] | None, typer.Option("--users", help="Which rules pull these two apart.", metavar="A B")
    ] = None,
    settings: Set = None,
    max_usd: MaxUsd = None,
    trust: Trust = False,
    as_json: Json = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Say who asked for each rule, who gains and who loses by it. At most 1,000 calls, or --set limits.calls=N."""
    from scai_cli.display.terminal.explain import print_explanation
    from scai_cli.jobs.explain import ExplainOptions
    from scai_cli.jobs.explain import explain as explained
    from scai_cli.runs.find import find_run
    from scai_cli.runs.history.fold import read_history

    path = find_run(runs_dir, run)
    found = explained(path, ExplainOptions(with_limit(settings, max_usd), users, trust))
    if as_json:
        print_json(found.as_object())
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
    from scai_cli.cli.run import observer
    from scai_cli.display.terminal.frontier import print_front
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.frontier import frontier as explored

    found = explored(config, over, Overrides(settings or (), model, seed), runs_dir, lambda: observer(quiet))
    if as_json:
        print_json(found.as_object())
    else:
        print_front(found)
