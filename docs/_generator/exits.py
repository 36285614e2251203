"""Write the page of the exit codes, from the tree of errors."""

from __future__ import annotations

from typing import Final

from _generator.tables import cell, table
from scai_cli import errors
from scai_cli.errors import ScaiError

INTRO: Final = """\
# Exit codes

An error is one line on stderr: what, where, and what to do. A traceback is a bug.
"""
CODES: Final = (
    ("0", "done"),
    ("2", "an error that the user can fix, as the line describes"),
    ("3", "a limit of the experiment (calls, tokens, money, seconds) stopped it; `scai resume` continues"),
    ("4", "the provider failed permanently (`scai resume` continues), or a file could not be written"),
    ("130", "interrupted by Ctrl-C or a signal (SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU); `scai resume` continues"),
)


def page() -> str:
    """Return the whole page; raises ValueError for an error whose exit code has no description."""
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ScaiError)]
    if untold := {str(kind.exit_code) for kind in found} - dict(CODES).keys():
        raise ValueError(f"no words for exit code {', '.join(untold)}")
    rows = [
        [f"`{kind.__name__}`", str(kind.exit_code), cell((kind.__doc__ or "").partition("\n")[0])] for kind in found
    ]
    return "\n".join(
        [
            INTRO,
            table(["code", ""], ([f"`{code}`", cell(said)] for code, said in CODES)),
            "## Errors\n\nWhen you call scai [from Python](python.md):\n",
            table(["error", "code", ""], rows),
        ]
    )
