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
"""The minimal width to print two answers side by side."""
_RATE: Final = {
    1: "/rate 7 too long   rate the last answer, with a comment if you like",
    2: "/rate 7 4 longer   rate both answers in their order, with a comment if you like",
}
_HELP: Final = (
    "/again             repeat the call if no answer came",
    "/system            show the assistant's system message",
    "/help              show this list",
    "/quit              end the chat (or Ctrl-D)",
    "//x                send a message that starts with /x",
    "Each line is a message; pasted lines stay together.",
)


def print_head(dialogues: Sequence[Dialogue]) -> None:
    """Print the constitution and the model of a chat on stderr."""
    started = dialogues[-1].started
    persona = f", as for {started.persona}" if started.persona else ""
    versions = " against ".join(dialogue.name for dialogue in reversed(dialogues))
    head = f"{started.run_id}: constitution {versions}{persona}; {started.model}; /help lists the commands"
    err().print(styled(one_line(head), "dim"))


def print_help(answers: int) -> None:
    """Print the commands of a chat with this many answers to a message."""
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
    """Print a message about the chat on stderr."""
    err().print(styled(line), soft_wrap=True)


def waiting(console: Console, on: bool) -> None:
    """Show on a terminal that the answer is awaited, or remove this line."""
    if console.is_terminal:
        console.print(styled("waiting for the answer ..." if on else " " * 26, "dim"), end="\r")
