"""`scai evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scai_cli.cli import completion, generate, options
from scai_cli.plugins import BUILT_IN
from scai_cli.runs.find import all_runs

if TYPE_CHECKING:
    from scai_cli.jobs.evaluate_plan import EvaluatePlan


def evaluate(
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="SYSTEM...",
            help="[NAME=]RUN[@EPOCH], constitution FILE, `none` (a neutral system message) or `bare` (none at all), "
            "each with an optional ,PROVIDER:NAME. The first is the reference.",
            show_default=False,
            autocompletion=completion.folders(all_runs, words=("none", "bare")),
        ),
    ],
    suite: Annotated[
        list[str],
        typer.Option(
            "--suite",
            help="Suites: society, adherence, choice, refusal, pairs, fidelity, calibration, realism, measures, or "
            "module:name; NAME=FILE or NAME=hub:DATASET for your own items. Comma-separated.",
            metavar="S[,S]",
            autocompletion=completion.words(*BUILT_IN["suite"]),
        ),
    ] = ["society"],  # noqa: B006 - nothing changes it
    n: Annotated[
        int | None,
        typer.Option(
            "--n",
            min=1,
            help="Items per suite, about; default: all, and 10 for each rule in adherence (at least one).",
            metavar="N",
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            "--judge", help="Judging model, or several, comma-separated; default: roles.judge.", metavar="M[,M]"
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option("--gold", help="Answers that people labelled, to correct the judge by.", metavar="FILE"),
    ] = None,
    principle: Annotated[
        str | None,
        typer.Option(
            "--principle", help="Compare pairs by this principle, not by helpfulness and harmlessness.", metavar="TEXT"
        ),
    ] = None,
    human: Annotated[
        list[Path] | None,
        typer.Option(
            "--human",
            help="Ratings, survey answers or chats of real people: PRISM, OpinionQA, a table; a file or a folder. "
            "Repeatable.",
            metavar="PATH",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Experiment with models and people; default: the first run's.",
            metavar="FILE",
            autocompletion=completion.CONFIGS,
        ),
    ] = None,
    allow_seen: Annotated[
        bool, typer.Option("--allow-seen", help="Allow items that had a part in writing the rules.")
    ] = False,
    settings: options.Set = None,
    model: options.Model = None,
    seed: options.Seed = None,
    run_id: Annotated[
        str | None, typer.Option("--run-id", help="Id of the evaluation; default: A-vs-B-evaluation.", metavar="ID")
    ] = None,
    runs_dir: options.RunsDir = options.RUNS,
    max_usd: options.MaxUsd = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count calls and cost, and the smallest difference found; make no call.")
    ] = False,
    trust: options.Trust = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Compare system messages: is one better, for whom, and how sure. All systems answer the same items."""
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.evaluate import start
    from scai_cli.jobs.evaluate_items import read_evaluation_items
    from scai_cli.jobs.evaluate_source import EvaluateOptions, read_source
    from scai_cli.jobs.session import run_on_loop

    request = EvaluateOptions(
        systems,
        [name for names in suite for name in names.split(",") if name.strip()],
        n,
        None if judge is None else [name for name in judge.split(",") if name.strip()],
        gold,
        principle,
        config,
        Overrides(options.with_limit(settings, max_usd), model, seed),
        allow_seen,
        trust,
        human or (),
    )
    if dry_run:
        from scai_cli.jobs.evaluate_plan import plan_evaluate

        _print_expected(plan_evaluate(request, runs_dir), as_json)
        return
    source = read_source(request, runs_dir)
    found = read_evaluation_items(source, request, runs_dir)
    outcome = run_on_loop(start(source, found, runs_dir, run_id, generate.observer(quiet, kind="evaluation")))
    generate.finish(outcome, as_json)
    if not (quiet or as_json):
        _print_verdict(outcome.path, trust=True)


def resume(path: Path, settings: Sequence[str], *, trust: bool, quiet: bool, as_json: bool) -> None:
    """Resume an evaluation, for `scai resume`."""
    from scai_cli.jobs.evaluate import resume as go_on
    from scai_cli.jobs.session import run_on_loop

    job = go_on(path, settings, generate.observer(quiet, kind="evaluation"), trust=trust)
    generate.finish(run_on_loop(job), as_json)
    if not (quiet or as_json):
        _print_verdict(path, trust=trust)


def show(path: Path, *, trust: bool, as_json: bool) -> None:
    """Show an evaluation, for `scai show`."""
    from scai_cli.evaluation.results import read_results

    evaluation = read_results(path, trust=trust)
    if as_json:
        options.print_json(evaluation.as_object())
        return
    from scai_cli.display.terminal.evaluation import print_evaluation
    from scai_cli.display.terminal.next_steps import after_evaluation, print_steps_below

    print_evaluation(evaluation)
    print_steps_below(after_evaluation(path)[1:])


def _print_verdict(path: Path, *, trust: bool) -> None:
    """Print the verdicts on stderr."""
    from scai_cli.display.terminal.consoles import err
    from scai_cli.display.terminal.evaluation import print_findings
    from scai_cli.display.terminal.next_steps import after_evaluation, print_steps
    from scai_cli.evaluation.results import read_results

    print_findings(read_results(path, trust=trust), err())
    print_steps(after_evaluation(path))


def _print_expected(plan: EvaluatePlan, as_json: bool) -> None:
    if as_json:
        options.print_json(plan.as_object())
        return
    from scai_cli.display.terminal.evaluation import print_plan
    from scai_cli.display.terminal.next_steps import after_dry_run, print_steps_below

    print_plan(plan)
    print_steps_below(after_dry_run())
