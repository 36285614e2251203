"""`scai run`, `resume`, `check` (also `plan`)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scai_cli.cli import evaluate, generate, options
from scai_cli.text.characters import one_line

if TYPE_CHECKING:
    from scai_cli.experiment.config import ExperimentConfig
    from scai_cli.experiment.constitution import Constitution
    from scai_cli.experiment.load import Overrides
    from scai_cli.models.human import ParticipantPrompt


def run(
    config: options.Config,
    settings: options.Set = None,
    model: options.Model = None,
    seed: options.Seed = None,
    run_id: Annotated[
        str | None, typer.Option("--run-id", help="Id of the run; default: the experiment's name.", metavar="ID")
    ] = None,
    runs_dir: options.RunsDir = options.RUNS,
    max_usd: options.MaxUsd = None,
    force: options.Force = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the experiment as `scai check` does; make no call.")
    ] = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Run an experiment and print the run's id."""
    from scai_cli.experiment.load import Overrides, load_experiment
    from scai_cli.jobs.run import run as run_experiment
    from scai_cli.jobs.session import run_on_loop
    from scai_cli.jobs.starting_constitution import starting_from

    overrides = Overrides(options.with_limit(settings, max_usd, "true" * force), model, seed)
    if dry_run:
        _plan(config, overrides, runs_dir, as_json=as_json)
        return
    experiment = load_experiment(config, overrides, starting_from(runs_dir))
    if not quiet:
        _warn(experiment)
    asks_people = any(persona.human for persona in experiment.personas.inline)
    job = run_experiment(experiment, runs_dir, run_id, generate.observer(quiet), prompt() if asks_people else None)
    outcome = run_on_loop(job)
    generate.finish(outcome, as_json)
    _end(runs_dir / outcome.run_id, quiet, as_json)


def resume(
    run: options.Work,
    settings: options.SetLimit = None,
    runs_dir: options.RunsDir = options.RUNS,
    max_usd: options.MaxUsd = None,
    force: options.ForceAll = False,
    trust: options.Trust = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Resume an interrupted run, generated set or evaluation. Answered calls are not repeated."""
    from scai_cli.jobs.run import resume as go_on
    from scai_cli.jobs.session import run_on_loop
    from scai_cli.runs.find import find_work, is_evaluation, is_generated

    path = find_work(runs_dir, run)
    changes = options.with_limit(settings, max_usd, "all" * force)
    if is_generated(path):
        generate.resume(path, changes, trust=trust, quiet=quiet, as_json=as_json)
    elif is_evaluation(path):
        evaluate.resume(path, changes, trust=trust, quiet=quiet, as_json=as_json)
    else:
        job = go_on(path, changes, generate.observer(quiet), trust=trust, prompt=prompt())
        outcome = run_on_loop(job)
        generate.finish(outcome, as_json)
        _end(path, quiet, as_json)


def plan(
    config: options.Config,
    settings: options.Set = None,
    model: options.Model = None,
    seed: options.Seed = None,
    prompts: Annotated[bool, typer.Option("--prompts", help="Print an example of each kind of prompt.")] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask each model nine short questions; print what works and what to set.")
    ] = False,
    runs_dir: options.RunsDir = options.RUNS,
    as_json: options.Json = False,
) -> None:
    """Check an experiment; count its calls, tokens and cost. Calls no model without --probe."""
    from scai_cli.experiment.load import Overrides

    _plan(config, Overrides(settings or (), model, seed), runs_dir, prompts=prompts, probe=probe, as_json=as_json)


def _end(path: Path, quiet: bool, as_json: bool) -> None:
    """Print on stderr what a finished run lacks, and the commands that read it."""
    if quiet:
        return
    from scai_cli.runs.history.fold import read_history

    history = read_history(path, messages=False, ratings=False)
    if line := _without_rules(history.product[0]):
        options.say(line)
    if not as_json:
        from scai_cli.display.terminal.next_steps import after_run, print_steps

        revised = any(epoch.revision is not None and epoch.revision.accepted for epoch in history.epochs)
        print_steps(after_run(path, revised=revised))


def _without_rules(constitution: Constitution) -> str:
    """Return what `scai generate` will do with a run that ended without a rule for everyone; empty for others."""
    rules = [rule for rule in constitution.contract if rule.kind == "rule"]
    if constitution.principles or any(rule.when for rule in rules):
        return ""
    if rules:
        will = "`scai generate` criticises and compares answers by the clauses of each row's user"
        return f"no principle and no clause under a condition in the end: {will}"
    return "no rule that an answer can be judged by in the end: `scai generate` has nothing to criticise answers by"


def prompt() -> ParticipantPrompt:
    """Return the prompt that asks human participants through stdin and stderr."""
    from scai_cli.cli.keyboard import Keyboard
    from scai_cli.display.terminal.consoles import err
    from scai_cli.display.terminal.questions import ConsolePrompt

    return ConsolePrompt(err, Keyboard.stdin().line)


def _warn(experiment: ExperimentConfig) -> list[str]:
    """Print what the experiment sets without effect, and what the seed decides in it; returns the lines."""
    from scai_cli.analysis.config_warnings import config_warnings
    from scai_cli.display.terminal.consoles import err
    from scai_cli.display.terminal.escape import styled

    lines = config_warnings(experiment)
    for line in lines:
        err().print(styled(one_line(f"warning: {line}")), soft_wrap=True)
    return lines


def _plan(
    file: Path, overrides: Overrides, runs_dir: Path, *, as_json: bool, prompts: bool = False, probe: bool = False
) -> None:
    from scai_cli.display.terminal.plan import print_plan, print_probe, print_prompts
    from scai_cli.errors import EndpointFailed
    from scai_cli.experiment.load import load_experiment
    from scai_cli.jobs.plan import plan_experiment, sample_prompts
    from scai_cli.jobs.probe import probe as probe_models
    from scai_cli.jobs.starting_constitution import starting_from

    experiment = load_experiment(file, overrides, starting_from(runs_dir))
    planned, sample = plan_experiment(experiment), sample_prompts(experiment) if prompts else []
    warnings = _warn(experiment)
    if not as_json:
        from scai_cli.display.terminal.next_steps import after_check, print_steps_below

        print_plan(str(file), experiment, planned)
        print_prompts(sample)
        if not probe:
            print_steps_below(after_check(file, overrides, runs_dir, planned.usd))
    probed = probe_models(experiment) if probe else None
    if as_json:
        shown = {**planned.as_object(), "warnings": warnings, **experiment.model_dump(mode="json", by_alias=True)}
        if prompts:
            shown["requests"] = [{"id": request.id, "purpose": request.purpose, **request.body()} for request in sample]
        if probed is not None:
            shown["probe"] = asdict(probed)
        options.print_json(shown)
    elif probed is not None:
        print_probe(probed)
    for model in probed.models if probed else ():
        if model.problem is not None:
            raise EndpointFailed(f"{model.model}: {model.problem}")
