"""The command line: parse, one call into the library, print. One short file per group of commands."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import Callable
from io import TextIOWrapper

import typer

from scai_cli.cli import chat, compare, dataset, explain, export, generate, init, personas, report, run, show, tasks
from scai_cli.errors import ScaiError
from scai_cli.jobs.interruption import ProcessSignals

app = typer.Typer(
    name="scai",
    help="Social Contract AI: simulated users argue an assistant's constitution into a better one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

command: Callable[..., None]
for command in (run.run, run.resume, run.plan):
    app.command()(command)
app.command("check", help="Same as `scai plan`.")(run.plan)
app.command()(show.show)
app.command("list")(show.list_runs)
for command in (compare.compare, report.report, export.export, generate.generate, explain.explain, explain.frontier):
    app.command()(command)
app.command()(chat.chat)
app.command()(init.init)
for name, group in (("dataset", dataset.app), ("personas", personas.app), ("tasks", tasks.app)):
    app.add_typer(group, name=name)


@app.callback(invoke_without_command=True)
def _main(
    version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True),
) -> None:
    if version:
        from scai_cli import __version__

        print(f"scai {__version__}")  # noqa: T201 - data for stdout
        raise typer.Exit


def main() -> None:
    """Run the command line; what the user can fix is said in one line on stderr."""
    signals = ProcessSignals()
    try:
        signals.install()
        _write_utf8()
        app()
    except (ScaiError, CancelledError, SystemExit) as end:
        signals.ending = True
        # Also after a success: a signal in the last steps of an event loop finds no task left to cancel.
        error = end if isinstance(end, ScaiError) else signals.error
        if error is None or (isinstance(end, SystemExit) and end.code):
            raise
        complain(error)
        sys.exit(error.exit_code)
    finally:
        signals.ending = True
        signals.release()


def _write_utf8() -> None:
    """Data is UTF-8 wherever it goes; a terminal of another encoding gets what it can show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def complain(error: ScaiError) -> None:
    """Print an error in one line."""
    from scai_cli.text.characters import one_line

    sys.stderr.write(f"scai: {one_line(str(error))}\n")
