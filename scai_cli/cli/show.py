"""`scai show`, `scai list`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scai_cli.cli import evaluate, sweep
from scai_cli.cli.options import RUNS, Epoch, Json, Persona, Read, RunsDir, Task, Trust, print_json
from scai_cli.runs.history.selection import Selection

if TYPE_CHECKING:
    from scai_cli.display.terminal.show import Parts


def show(
    run: Read,
    epoch: Epoch = None,
    persona: Persona = None,
    task: Task = None,
    constitution: Annotated[bool, typer.Option("--constitution", help="Show every version of the rules.")] = False,
    ratings: Annotated[bool, typer.Option("--ratings", help="Show who rated which answer, and how.")] = False,
    diff: Annotated[
        tuple[int, int] | None,
        typer.Option("--diff", help="Show the changes between two versions, by number; 0 is the start.", metavar="A B"),
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(
            "--prompts", help="Show the messages sent in model calls whose ids start with ID, e.g. e1.", metavar="ID"
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Show the events of a run as they happen.")] = False,
    trust: Trust = False,
    as_json: Json = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Show a run, an evaluation or a sweep.

    Of a run: its constitution, ratings and conversations; of an evaluation: its verdicts and numbers; of a sweep: a row
    for each cell, and comparisons.
    """
    from scai_cli.display.run_json import run_object
    from scai_cli.display.terminal.show import Parts, print_run
    from scai_cli.runs.find import find_read, is_evaluation, is_sweep
    from scai_cli.runs.history.fold import read_history
    from scai_cli.runs.sweep_directory import read_sweep_directory

    selection = Selection(epoch=epoch, persona=persona, task=task)
    parts = Parts(constitution, ratings, diff, prompts)
    _check(selection, parts, follow=follow, as_json=as_json)
    if follow:
        _follow(runs_dir, run, selection, as_json)
        return
    path = find_read(runs_dir, run)
    if is_evaluation(path) or is_sweep(path):
        _check_whole("a sweep" if is_sweep(path) else "an evaluation", selection, parts)
    if is_evaluation(path):
        evaluate.show(path, trust=trust, as_json=as_json)
    elif is_sweep(path):
        sweep.show(read_sweep_directory(path), as_json=as_json, compared=True)
    elif as_json:
        print_json(run_object(read_history(path, selection=selection), selection))
    else:
        print_run(path, selection, parts)


def _check(selection: Selection, parts: Parts, *, follow: bool, as_json: bool) -> None:
    """Raise RunError for options that cannot be combined."""
    from scai_cli.errors import RunError

    views = {
        "--prompts": parts.prompts is not None,
        "--diff": parts.diff is not None,
        "--constitution": parts.constitution,
        "--ratings": parts.ratings,
    }
    given = [name for name, wanted in views.items() if wanted]
    if follow and given:
        raise RunError(
            "--follow can be combined with --epoch, --persona, --task and --json only; drop the other options"
        )
    if as_json and given:
        raise RunError("--json can be combined with --epoch, --persona and --task only; drop the other options")
    if len(given) > 1 and "--prompts" in given:
        raise RunError(f"--prompts cannot be combined with {', '.join(given[1:])}; drop one of them")
    if given and not parts.ratings and selection != Selection():
        raise RunError(f"{given[0]} shows the whole run; drop --epoch, --persona and --task")


def _check_whole(kind: str, selection: Selection, parts: Parts) -> None:
    """Raise RunError for options that only runs have."""
    from scai_cli.display.terminal.show import Parts
    from scai_cli.errors import RunError

    if selection != Selection() or parts != Parts():
        raise RunError(f"{kind} is shown as a whole; drop all options but --json")


def _follow(runs_dir: Path, run: str, selection: Selection, as_json: bool) -> None:
    from scai_cli.display.terminal.follow import follow, follow_json
    from scai_cli.errors import Interrupted

    try:
        path = _wait_for(runs_dir, run)
        (follow_json if as_json else follow)(path, selection)
    except Interrupted:  # Ctrl-C is the normal way to end it and needs no message
        raise typer.Exit(Interrupted.exit_code) from None


def _wait_for(runs_dir: Path, run: str) -> Path:
    """Return the run's directory as soon as it exists; raise RunError for an ambiguous id."""
    from scai_cli.display.terminal.consoles import err
    from scai_cli.errors import RunError
    from scai_cli.runs.find import all_runs, find_run, is_evaluation, is_generated, is_sweep
    from scai_cli.runs.history.event_tail import POLL_S

    waiting = False
    while True:
        try:
            return find_run(runs_dir, run)
        except RunError as error:
            path = runs_dir / run
            other = is_evaluation(path) or is_generated(path) or is_sweep(path)
            if other or any(path.name.startswith(run) for path in all_runs(runs_dir)):
                raise
            if not waiting:
                err().print(f"{error}\nwaiting for it; Ctrl-C ends", soft_wrap=True)
            waiting = True
        time.sleep(POLL_S)


def list_runs(as_json: Json = False, runs_dir: RunsDir = RUNS) -> None:
    """List runs, generated sets, evaluations and sweeps, newest first.

    The cells of a sweep are in `scai show SWEEP`. --json prints runs alone, cells included.
    """
    from scai_cli.display.terminal.listing import print_lists
    from scai_cli.runs.history.listings import list_entries, list_evaluations, list_generated, list_sweeps

    if as_json:
        print_json(list_entries(runs_dir))
        return
    sweeps = list_sweeps(runs_dir)
    cells = {run for sweep in sweeps for run in sweep["runs"]}
    print_lists(
        runs_dir, list_entries(runs_dir, cells), list_generated(runs_dir, cells), list_evaluations(runs_dir), sweeps
    )
