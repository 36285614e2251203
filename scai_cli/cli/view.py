"""`scai view`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from scai_cli.cli.options import RUNS, RunsDir, say

_PORT: Final = 8787


def view(
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one, as does 8787 in use.", metavar="N"),
    ] = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Show all runs in a browser, live. It prints the address and runs until Ctrl-C."""
    from scai_cli.display.web.server import view as viewed
    from scai_cli.errors import ConfigError, Interrupted

    try:
        viewed(runs_dir, _PORT if port is None else port, _print_ready)
    except ConfigError:
        if port is not None:
            raise
        say(f"port {_PORT} is in use; this is a free one")
        viewed(runs_dir, 0, _print_ready)
    raise typer.Exit(Interrupted.exit_code)  # Ctrl-C is the normal way to end it and needs no message


def _print_ready(address: str) -> None:
    print(address, flush=True)  # noqa: T201 - data for stdout
    say("open it in a browser; only this machine reaches it; Ctrl-C ends it")
