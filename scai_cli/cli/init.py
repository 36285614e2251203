"""`scai init`."""

from pathlib import Path
from typing import Annotated

import typer

from scai_cli.cli.options import say


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.", show_default=False)],
) -> None:
    """Write example configs, tasks and personas into a folder."""
    from scai_cli.display.terminal.next_steps import after_init, print_steps
    from scai_cli.experiment.starter import write_starter

    count = write_starter(folder)
    say(f"wrote {count} files to {folder}")
    print_steps(after_init(folder))
