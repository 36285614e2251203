"""`scai chat`: its help, answers and messages."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.table import Table

from scai_cli.display.terminal.consoles import err, out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING, MUTED
from scai_cli.jobs.chat import Dialogue
from scai_cli.text.characters import one_line, visible
from scai_cli.text.data_files import read_data_file

_COLUMNS: Final = 100
"""The minimal width to print two answers side by side."""
_TEXTS: Final = read_data_file(__file__)


def print_head(dialogues: Sequence[Dialogue], called: str | None) -> None:
    """Print the constitution, the name of the persona and the model of a chat on stderr."""
    started = dialogues[-1].started
    persona = f", as for {called}" if called else ""
    versions = " against ".join(dialogue.name for dialogue in reversed(dialogues))
    head = f"{started.run_id}: constitution {versions}{persona}; {started.model}"
    err().print(styled(one_line(head), MUTED))


def print_commands(answers: int) -> None:
    """Print the commands on a line of stderr, which stays above the prompt while a message is typed."""
    err().print(styled(_TEXTS["above"][answers], MUTED), soft_wrap=True)


def print_help(answers: int) -> None:
    """Print the commands of a chat with this many answers to a message."""
    tell("\n".join((_TEXTS["rate"][answers], *_TEXTS["help"])))


def print_answers(answers: Sequence[tuple[str, str]], *, headed: bool) -> None:
    """Print answers, `headed` by their names; on a terminal wrapped, and side by side where it is wide enough."""
    console = out()
    if headed and len(answers) > 1 and console.is_terminal and console.width >= _COLUMNS:
        console.print(_side_by_side(answers))
        return
    for n, (name, text) in enumerate(answers):
        if headed or console.is_terminal:
            console.print(styled(f"{chr(10) if n else ''}{name}:" if headed else "", HEADING), soft_wrap=True)
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
        console.print(styled("waiting for the answer ..." if on else " " * 26, MUTED), end="")
        console.control(Control((ControlType.CARRIAGE_RETURN,)))
