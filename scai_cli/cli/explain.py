"""`scai explain`."""

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from scai_cli.cli import completion, generate, options

if TYPE_CHECKING:
    from scai_cli.analysis.leave_one_out import Plan

_ASKED: Final = 500
"""The number of paid calls above which a person at a terminal is asked before the start."""


def explain(
    run: options.Run,
    users: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--users",
            help="Show rules with opposite effects on personas A and B.",
            metavar="A B",
            autocompletion=completion.ids("personas"),
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the number of calls, and make none.")] = False,
    settings: options.SetLimit = None,
    max_usd: options.MaxUsd = None,
    trust: options.Trust = False,
    as_json: options.Json = False,
    runs_dir: options.RunsDir = options.RUNS,
) -> None:
    """Show whose feedback led to each rule, and its effect on users.

    Plays the last constitution again with and without each rule. Names an effect only if luck does not explain it; more
    calls (--set limits.calls=N, 1,000 by default) find smaller effects.
    """
    from scai_cli.analysis.representation import representation
    from scai_cli.display.terminal.explain import print_explanation
    from scai_cli.display.terminal.next_steps import after_explanation, print_steps_below
    from scai_cli.jobs.explain import explain as explained
    from scai_cli.runs.find import find_run
    from scai_cli.runs.history.fold import read_history

    def agree(plan: "Plan", paid: int) -> bool:
        if dry_run:
            _print_plan(plan, paid, as_json=as_json)
            return False
        if paid <= _ASKED or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return True
        return typer.confirm(f"This makes {paid:,} paid calls. Continue?", err=True)

    path, limits = find_run(runs_dir, run), options.with_limit(settings, max_usd)
    seen = generate.observer(quiet=False, kind="calls")
    explanation = explained(path, limits, users, trust=trust, agree=agree, observer=seen)
    if explanation is None:
        return
    history = read_history(path, messages=False, ratings=False)
    if as_json:
        represented = representation(history)
        found = {**explanation.as_object(users), "representation": represented and represented.as_object()}
        options.print_json(found)
    else:
        print_explanation(explanation, history, users)
        print_steps_below(after_explanation(path))


def _print_plan(plan: "Plan", paid: int, *, as_json: bool) -> None:
    from scai_cli.display.terminal.next_steps import after_dry_run, print_steps_below

    conversations = len(plan.pairs)
    if as_json:
        found = {"calls": plan.calls, "to_pay": paid, "conversations": conversations, "rounds": plan.rounds}
        options.print_json(found)
    else:
        played = f"{conversations:,} conversations with and without each rule, {plan.rounds} times"
        sys.stdout.write(f"{plan.calls:,} calls, {paid:,} of them to pay: {played}\n")
        print_steps_below(after_dry_run())
