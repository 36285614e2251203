"""`scai generate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scai_cli.cli import completion, options
from scai_cli.runs.find import all_runs
from scai_cli.text.characters import json_line, visible

if TYPE_CHECKING:
    from scai_cli.jobs.session import Observer, Outcome


def generate(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|CONSTITUTION",
            help="Run, constitution file (Markdown, text, JSON, YAML), or `none` (no rules).",
            show_default=False,
            autocompletion=completion.folders(all_runs, words=("none",)),
        ),
    ],
    tasks: Annotated[
        Path | None,
        typer.Option("--tasks", help="Task file (YAML, JSON, JSONL); default: the run's tasks.", metavar="FILE"),
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Number of rows; default: one per task.", metavar="N")
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option("--rows", help="Rows A to B-1 of the set of N, counted from 0: one shard of it.", metavar="A:B"),
    ] = None,
    personas: Annotated[
        Path | None, typer.Option("--personas", help="Personas to use instead of the run's.", metavar="FILE")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="For a constitution file: the experiment with model and personas.",
            metavar="EXPERIMENT",
            autocompletion=completion.CONFIGS,
        ),
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", help="Judging model, PROVIDER:NAME; default: roles.judge.", metavar="M")
    ] = None,
    settings: options.Set = None,
    model: options.Model = None,
    seed: options.Seed = None,
    run_id: Annotated[
        str | None, typer.Option("--run-id", help="Id of the generated set; default: RUN-rows.", metavar="ID")
    ] = None,
    runs_dir: options.RunsDir = options.RUNS,
    max_usd: options.MaxUsd = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print calls, tokens, cost and time; make no call.")
    ] = False,
    trust: options.Trust = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Generate dataset rows from a constitution and tasks. A row contains answers, critiques, revisions and labels."""
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.generate import start
    from scai_cli.jobs.generate_source import GenerateOptions, read_source
    from scai_cli.jobs.session import run_on_loop

    overrides = Overrides(options.with_limit(settings, max_usd), model, seed, judge)
    request = GenerateOptions(source, tasks, n, rows, personas, config, overrides, trust)
    found = read_source(request, runs_dir)
    if dry_run:
        from scai_cli.jobs.generate_plan import plan_generate

        plan = plan_generate(found, request)
        for line in plan.doubts:
            options.say(line)
        if as_json:
            options.print_json(plan.as_object())
        else:
            from scai_cli.display.terminal.next_steps import after_dry_run, print_steps_below
            from scai_cli.display.terminal.plan import print_generate_plan

            print_generate_plan(plan)
            print_steps_below(after_dry_run())
        return
    job = start(found, request, runs_dir, run_id, observer(quiet, kind="rows"))
    _finish(run_on_loop(job), quiet, as_json)


def resume(path: Path, settings: Sequence[str], *, trust: bool, quiet: bool, as_json: bool) -> None:
    """Resume a generated set, for `scai resume`."""
    from scai_cli.jobs.generate import resume as go_on
    from scai_cli.jobs.session import run_on_loop

    _finish(run_on_loop(go_on(path, settings, observer(quiet, kind="rows"), trust=trust)), quiet, as_json)


def _finish(outcome: Outcome[Any], quiet: bool, as_json: bool) -> None:
    finish(outcome, as_json)
    if not (quiet or as_json):
        from scai_cli.datasets.generate.manifest import read_generation
        from scai_cli.display.terminal.next_steps import after_generate, print_steps

        print_steps(after_generate(outcome.path, read_generation(outcome.path)))


def observer(quiet: bool, *, kind: Literal["run", "rows", "evaluation", "calls"] = "run") -> Observer[Any]:
    """Return the observer of a kind of work: messages alone if quiet, else live or as plain lines."""
    from scai_cli.jobs.session import SilentObserver

    if quiet:  # and rich is not imported
        return SilentObserver(options.say)
    from scai_cli.display.terminal.consoles import err
    from scai_cli.display.terminal.progress_view import ProgressView, SomeCalls

    if kind == "rows":
        from scai_cli.display.terminal.generate_progress import GenerateProgress

        return ProgressView(err(), GenerateProgress())
    if kind == "evaluation":
        from scai_cli.display.terminal.evaluate_progress import EvaluateProgress

        return ProgressView(err(), EvaluateProgress())
    if kind == "calls":
        return ProgressView(err(), SomeCalls())
    from scai_cli.display.terminal.run_progress import RunProgress

    return ProgressView(err(), RunProgress())


def finish(outcome: Outcome[Any], as_json: bool) -> None:
    """Print the id or the summary of a run or set; raise the error that stopped it."""
    try:
        print(json_line(outcome.summary()) if as_json else visible(outcome.run_id))  # noqa: T201 - data for stdout
    finally:  # which matters more than an id that could not be written
        if outcome.error is not None:
            raise outcome.error
