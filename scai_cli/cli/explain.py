"""`scai explain`, `scai frontier`."""

from typing import Annotated

import typer

from scai_cli.cli import options


def explain(
    run: options.Run,
    users: Annotated[
        tuple[str, str] | None,
        typer.Option("--users", help="Show rules with opposite effects on personas A and B.", metavar="A B"),
    ] = None,
    settings: options.SetLimit = None,
    max_usd: options.MaxUsd = None,
    trust: options.Trust = False,
    as_json: options.Json = False,
    runs_dir: options.RunsDir = options.RUNS,
) -> None:
    """Show whose feedback led to each rule, and its effect on users.

    Makes at most 1,000 calls; --set limits.calls=N changes that.
    """
    from scai_cli.display.terminal.explain import print_explanation
    from scai_cli.jobs.explain import explain as explained
    from scai_cli.runs.find import find_run
    from scai_cli.runs.history.fold import read_history

    path = find_run(runs_dir, run)
    explanation = explained(path, options.with_limit(settings, max_usd), users, trust=trust)
    if as_json:
        options.print_json(explanation.as_object())
    else:
        print_explanation(explanation, read_history(path, messages=False, ratings=False))


def frontier(
    config: options.Config,
    over: Annotated[
        str,
        typer.Option(
            "--over",
            help="Welfare functions to compare, e.g. welfare=utilitarian,nash.",
            metavar="welfare=A,B,...",
            show_default=False,
        ),
    ],
    settings: options.Set = None,
    model: options.Model = None,
    seed: options.Seed = None,
    runs_dir: options.RunsDir = options.RUNS,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Compare welfare functions (ways to combine all users' ratings). Runs an experiment under each function."""
    from scai_cli.cli.generate import observer
    from scai_cli.display.terminal.frontier import print_front
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.frontier import frontier as explored

    front = explored(config, over, Overrides(settings or (), model, seed), runs_dir, lambda: observer(quiet))
    if as_json:
        options.print_json(front.as_object())
    else:
        print_front(front)
