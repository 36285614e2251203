"""`scai chat`: answers, saved talks and the list of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from scai_cli.display.terminal.consoles import err, out
from scai_cli.display.terminal.escape import number, one_line, plain, styled
from scai_cli.runs.chat_directory import ChatRecord, ChatStarted

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
    """Say on stderr with whom one talks, under what."""
    persona = f", as for {started.persona}" if started.persona else ""
    console = err()
    head = f"{started.run_id}: constitution version {started.version}{persona}; {model}; /help tells more"
    console.print(styled(one_line(head), "dim"))


def print_answer(text: str) -> None:
    """Print an answer; on a terminal wrapped and with a line around it."""
    console = out()
    if console.is_terminal:
        console.print()
        console.print(styled(text or "(says nothing)"))
        console.print()
    else:
        console.print(plain(text), soft_wrap=True)


def tell(line: str) -> None:
    """Say something about the talk, on stderr."""
    err().print(styled(line), soft_wrap=True)


def waiting(console: Console, on: bool) -> None:
    """Say on a terminal that the answer is awaited, or take that back."""
    if console.is_terminal:
        console.print(styled("waiting for the answer ..." if on else " " * 26, "dim"), end="\r")


def print_chats(records: Sequence[ChatRecord]) -> None:
    """Print the saved talks as a table."""
    console = out()
    if not records:
        console.print("There are no chats yet.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("chat", "begun", "as", "version", "messages", "rated", "model"):
        table.add_column(title, justify="right" if title in ("version", "messages", "rated") else "left")
    for record in records:
        entry = as_object(record)
        begun = (entry["time"] or "")[:16].replace("T", " ")
        cells = (entry["chat"], begun, entry["persona"] or "yourself", entry["version"], entry["messages"])
        rated = number(entry["rating"], 1)
        table.add_row(*(styled(one_line(str(cell))) for cell in (*cells, rated, record.started.model)))
    console.print(table)


def print_chat(record: ChatRecord) -> None:
    """Print a saved talk with its ratings."""
    console, started = out(), record.started
    persona = f", as for {started.persona}" if started.persona else ""
    console.print(styled(one_line(f"{started.id}: constitution version {started.version}{persona}"), "bold"))
    for message in record.messages:
        who = "assistant" if message.role == "assistant" else started.persona or "you"
        console.print(styled(f"{who}:", "bold"))
        console.print(styled(message.content or "(says nothing)"))
        for rating in record.ratings:
            if rating.message == message.id:
                words = f": {rating.comment}" if rating.comment else ""
                console.print(styled(one_line(f"  rated {rating.value:g} for {rating.metric}{words}"), "dim"))
        console.print()


def as_object(record: ChatRecord) -> dict[str, Any]:
    """What `scai chat RUN --list --json` tells of a talk; `rating` is the mean of each rated answer's last rating."""
    started = record.started
    last = {rating.message: rating.value for rating in record.ratings}
    return {
        "chat": record.number,
        "time": started.time,
        "persona": started.persona,
        "version": started.version,
        "model": started.model,
        "messages": len(record.messages),
        "rating": _mean(value for value in last.values() if value is not None),
    }


def _mean(values: Iterable[float]) -> float | None:
    given = list(values)
    return sum(given) / len(given) if given else None
