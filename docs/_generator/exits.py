"""The exit codes, from the tree of errors."""

from __future__ import annotations

from typing import Final

from _generator.tables import cell, table
from scai_cli import errors
from scai_cli.errors import ScaiError

INTRO: Final = """\
# Exit codes

What went wrong is one line on stderr: what, where, and what to do. A traceback is a bug.
"""
CODES: Final = (
    ("0", "done"),
    ("2", "something for the user to fix: the line says what"),
    ("3", "a limit of the experiment (calls, tokens, money, seconds); `scai resume` goes on"),
    ("4", "the provider failed for good (`scai resume` goes on), or a file could not be written"),
    ("130", "interrupted by Ctrl-C or SIGTERM; `scai resume` goes on"),
)


def page() -> str:
    """The whole page; raises ValueError where an error has a code that is not told."""
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
            "## The errors behind them\n\nFor those who call scai [from Python](python.md):\n",
            table(["error", "code", ""], rows),
        ]
    )
