"""`scai chat`: its help, answers and messages."""

from __future__ import annotations

from rich.console import Console

from scai_cli.display.terminal.consoles import err, out
from scai_cli.display.terminal.escape import styled
from scai_cli.runs.chat_directory import ChatStarted
from scai_cli.text.characters import one_line, visible

HELP = (
    "/rate 7 too long   rate the last answer, with a comment if you like",
    "/again             ask once more where no answer came",
    "/system            the system message that the assistant has",
    "/help              this",
    "/quit              leave; Ctrl-D does, too",
    "//x                a message that begins with /x",
    "A line is a message; what you paste stays together.",
)


def print_head(started: ChatStarted, model: str) -> None:
    """Print on stderr whom the user talks with, and under which constitution."""
    persona = f", as for {started.persona}" if started.persona else ""
    console = err()
    head = f"{started.run_id}: constitution version {started.version}{persona}; {model}; /help tells more"
    console.print(styled(one_line(head), "dim"))


def print_answer(text: str) -> None:
    """Print an answer; on a terminal wrapped, between empty lines."""
    console = out()
    if console.is_terminal:
        console.print()
        console.print(styled(text or "(says nothing)"))
        console.print()
    else:
        console.print(visible(text), soft_wrap=True)


def tell(line: str) -> None:
    """Print a message about the talk on stderr."""
    err().print(styled(line), soft_wrap=True)


def waiting(console: Console, on: bool) -> None:
    """Show on a terminal that the answer is awaited, or remove that."""
    if console.is_terminal:
        console.print(styled("waiting for the answer ..." if on else " " * 26, "dim"), end="\r")
