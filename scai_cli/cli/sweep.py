"""`scai sweep`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scai_cli.cli import options
from scai_cli.errors import ConfigError
from scai_cli.jobs.sweep_engines import EngineName

if TYPE_CHECKING:
    from scai_cli.jobs.sweep import SweepObserver
    from scai_cli.runs.sweep_directory import Sweep


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Sweep file (YAML).", show_default=False)],
    engine: Annotated[EngineName, typer.Option("--engine", help="Where the cells are played.")] = "local",
    at_once: Annotated[
        int | None, typer.Option("--at-once", min=1, help="Cells at the same time; default: the CPUs.", metavar="N")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print cells, calls, tokens and cost; make no call.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    runs_dir: options.RunsDir = options.RUNS,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Run an experiment over a grid of values, and compare the runs.

    Each cell is a run. A finished cell is kept, an unfinished one continues; the same command continues a sweep.
    """
    from scai_cli.experiment.sweep_file import read_sweep
    from scai_cli.jobs.sweep import find_engine, run_sweep
    from scai_cli.jobs.sweep_engines.local import cpus

    if as_csv and (as_json or dry_run):
        raise ConfigError(f"--csv cannot be combined with {'--json' if as_json else '--dry-run'}; drop one of them")
    if dry_run:
        from scai_cli.display.terminal.sweep import print_sweep_plan
        from scai_cli.jobs.sweep_plan import plan_sweep

        plan = plan_sweep(read_sweep(file), runs_dir)
        for line in plan.warnings:
            options.say(f"warning: {line}")
        if as_json:
            options.print_json(plan.as_object())
        else:
            print_sweep_plan(plan)
        return
    outcome = run_sweep(read_sweep(file), runs_dir, find_engine(engine), at_once or cpus(), _observer(quiet))
    try:
        show(outcome.sweep, as_json=as_json, as_csv=as_csv)
    finally:  # which matters more than a table that could not be written
        if outcome.error is not None:
            raise outcome.error


def show(sweep: Sweep, *, as_json: bool, as_csv: bool = False, compared: bool = False) -> None:
    """Print a sweep, for `scai sweep` and `scai show`; `compared` reads its runs to compare them along each axis."""
    from scai_cli.analysis.sweep_axes import all_differences
    from scai_cli.analysis.sweep_runs import SEED, read_runs
    from scai_cli.analysis.sweep_seeds import repeats, setting_curves
    from scai_cli.display.terminal.next_steps import after_sweep, print_steps_below
    from scai_cli.display.terminal.recovery import print_recovery
    from scai_cli.display.terminal.sweep import (
        print_continuation,
        print_differences,
        print_repeats,
        print_sweep,
        sweep_csv,
    )

    runs = read_runs(sweep) if compared else {}
    found = all_differences(sweep, runs) if compared else []
    over_seeds = repeats(runs) if list(sweep.axes) == [SEED] else None
    curves = setting_curves(sweep, runs)
    if as_json:
        differences = {"differences": [each.as_object() for row in found for each in row]} if compared else {}
        seeds = {"seeds": over_seeds.as_object()} if over_seeds is not None else {}
        recovery = {"recovery": [{"setting": name, **asdict(curve)} for name, curve in curves]} if curves else {}
        options.print_json(sweep.as_object() | differences | seeds | recovery)
    elif as_csv:
        sys.stdout.write(sweep_csv(sweep))
    else:
        print_sweep(sweep)
        if compared:
            if over_seeds is not None:
                print_repeats(over_seeds)
            print_recovery(curves)
            print_differences(found)
            print_continuation(sweep)
        print_steps_below(after_sweep(sweep.path, is_finished=sweep.is_finished)[compared:])


def _observer(quiet: bool) -> SweepObserver:
    if quiet:
        from scai_cli.jobs.sweep import SilentSweep

        return SilentSweep(options.say)
    from scai_cli.display.terminal.consoles import err
    from scai_cli.display.terminal.sweep_progress import SweepProgress

    return SweepProgress(err())
