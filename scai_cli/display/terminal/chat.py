"""`scai chat`: its help, answers and messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from scai_cli.display.terminal.consoles import err, out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.jobs.chat import Dialogue
from scai_cli.text.characters import one_line, visible

_COLUMNS: Final = 100
"""From this width on two answers are printed side by side."""
_RATE: Final = {
    1: "/rate 7 too long   rate the last answer, with a comment if you like",
    2: "/rate 7 4 longer   rate both answers in their order, with a comment if you like",
}
_HELP: Final = (
    "/again             ask once more where no answer came",
    "/system            the system message that the assistant has",
    "/help              this",
    "/quit              leave; Ctrl-D does, too",
    "//x                a message that begins with /x",
    "A line is a message; what you paste stays together.",
)


def print_head(dialogues: Sequence[Dialogue]) -> None:
    """Print on stderr with which model the user chats, and under which constitution."""
    started = dialogues[-1].started
    persona = f", as for {started.persona}" if started.persona else ""
    versions = " against ".join(dialogue.name for dialogue in reversed(dialogues))
    head = f"{started.run_id}: constitution {versions}{persona}; {started.model}; /help lists the commands"
    err().print(styled(one_line(head), "dim"))


def print_help(answers: int) -> None:
    """Print the commands of a talk with that many answers to a message."""
    tell("\n".join((_RATE[answers], *_HELP)))


def print_answers(answers: Sequence[tuple[str, str]], *, headed: bool) -> None:
    """Print answers, `headed` by their names; on a terminal wrapped, and side by side where it is wide enough."""
    console = out()
    if headed and len(answers) > 1 and console.is_terminal and console.width >= _COLUMNS:
        console.print(_side_by_side(answers))
        return
    for n, (name, text) in enumerate(answers):
        if headed or console.is_terminal:
            console.print(styled(f"{chr(10) if n else ''}{name}:" if headed else "", "bold"), soft_wrap=True)
        if not console.is_terminal:
            console.print(visible(text), soft_wrap=True)
        else:
            console.print(styled(text or "(says nothing)"))
    if console.is_terminal:
        console.print()


def _side_by_side(answers: Sequence[tuple[str, str]]) -> Table:
    table = plain_table()
    for name, _ in answers:
        table.add_column(styled(name), ratio=1)
    table.add_row(*(styled(f"{text or '(says nothing)'}\n") for _, text in answers))
    return table


def tell(line: str) -> None:
    """Print a message about the talk on stderr."""
    err().print(styled(line), soft_wrap=True)


def waiting(console: Console, on: bool) -> None:
    """Show on a terminal that the answer is awaited, or remove that."""
    if console.is_terminal:
        console.print(styled("waiting for the answer ..." if on else " " * 26, "dim"), end="\r")
