"""The command line: each command parses its options, makes one call into the library, and prints the result."""

import sys
from asyncio import CancelledError
from collections.abc import Callable

import typer

from scai_cli.cli import (
    chat,
    compare,
    dataset,
    evaluate,
    explain,
    export,
    generate,
    init,
    personas,
    report,
    run,
    serve,
    show,
    sweep,
    tasks,
    view,
)
from scai_cli.cli.options import Commands
from scai_cli.cli.streams import prepare_streams
from scai_cli.cli.trust import allow, trust
from scai_cli.concurrency import collect_seldom
from scai_cli.errors import KeyUntrusted, OutputError, ScaiError, from_system
from scai_cli.jobs.interruption import ProcessSignals
from scai_cli.text.characters import one_line

app = typer.Typer(
    name="scai",
    cls=Commands,
    help="""Write a system message for an AI assistant whose users want different things.

scai simulates the users: they talk with the assistant and rate its answers; a model then revises the rules in the
system message, round after round.

To start: scai init demo && scai run demo/configs/quickstart.yaml

\b
experiment     a YAML file with personas, tasks and a model
persona        one user: simulated, or a real person at the terminal
task           the question or request that opens a conversation
run            the results of one experiment, in a folder
sweep          runs of one experiment with other values, in a folder
epoch          one round of conversations, ratings and a revision
constitution   the assistant's rules, as its system message states them
generated set  dataset rows that a model wrote by a constitution, in a folder
evaluation     system messages compared on the same items, in a folder""",
    context_settings={"help_option_names": ["-h", "--help"]},  # of all commands
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

command: Callable[..., None]
app.command()(init.init)
app.command("check")(run.plan)
app.command("plan", help="Same as `scai check`.")(run.plan)
app.command()(run.run)
app.command()(run.resume)
app.command()(sweep.sweep)
app.command("list")(show.list_runs)
app.command()(view.view)
for command in (show.show, chat.chat, report.report, compare.compare, explain.explain):
    app.command()(command)
app.command()(export.export)
app.command()(generate.generate)
app.command()(evaluate.evaluate)
app.command()(serve.serve)
app.command()(trust)
for name, group in (("dataset", dataset.app), ("personas", personas.app), ("tasks", tasks.app)):
    app.add_typer(group, name=name)


@app.callback(invoke_without_command=True)
def _main(version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True)) -> None:
    if version:
        from scai_cli import __version__

        print(f"scai {__version__}")  # noqa: T201 - data for stdout
        raise typer.Exit


def main() -> None:
    """Run the command line; print an error that the user can fix as one line on stderr."""
    collect_seldom()
    signals = ProcessSignals()
    prepare_streams()
    try:
        signals.install()
        while True:
            try:
                app()
            except KeyUntrusted as refused:
                if not allow(refused):
                    raise
    except (Exception, CancelledError, SystemExit) as end:
        signals.ending = True
        # Also after a success: a signal in the last steps of an event loop finds no task left to cancel. And after any
        # other error: some libraries raise one of their own in place of the signal's.
        error = end if isinstance(end, ScaiError) else from_system(end) or signals.error
        try:
            sys.stdout.flush()
        except (OutputError, SystemExit) as unwritten:
            error = error or (unwritten if isinstance(unwritten, OutputError) else None)
        if error is None or (isinstance(end, SystemExit) and end.code):
            raise
        sys.stderr.write(f"scai: {one_line(str(error))}\n")
        sys.exit(error.exit_code)
    finally:
        signals.ending = True
        signals.release()
