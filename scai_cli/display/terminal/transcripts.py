"""Conversations as a chat: who said what, wrapped, with the ratings beneath the answer that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

from scai_cli.display.terminal.escape import one_line, plain
from scai_cli.display.terminal.wrap import wrapped
from scai_cli.errors import RunError
from scai_cli.runs.events import MessageSaid, Rated
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.selection import Selection
from scai_cli.values import did_you_mean

_NAME, _SPEECH, _RATING = "  ", "    ", "      "
"""How far a speaker's name, the further lines of a speech and a rating stand in."""

_BOLD, _DIM = Style(bold=True), Style(dim=True)
_WHO: Final = {"user": Style(bold=True), "assistant": Style(bold=True, color="cyan")}


def print_transcripts(console: Console, run: str, epochs: Iterable[tuple[History, Epoch]], chosen: Selection) -> None:
    """Print the conversations that are chosen; raises RunError, naming what is unknown, if there is none."""
    shown = 0
    for history, epoch in epochs:
        check_known(history, chosen)
        ratings: dict[str, list[Rated]] = {}
        for rating in epoch.ratings:
            ratings.setdefault(rating.message, []).append(rating)
        for conversation, messages in epoch.conversations.items():
            if chosen.has(messages[0].persona, messages[0].task):
                shown += 1
                _print(console, _conversation(console.width, history, conversation, messages, ratings))
    if not shown:
        raise RunError(f"run {run!r} has no such conversation; see `scai show {run}`")


def check_known(history: History, chosen: Selection) -> None:
    """Raise RunError for a persona or task that the run does not have."""
    if history.started is None:
        return
    for kind, wanted, known in (
        ("persona", chosen.persona, history.started.personas),
        ("task", chosen.task, history.started.tasks),
    ):
        if wanted is not None and wanted not in known:
            raise RunError(
                f"run {history.run_id!r} has no such conversation: "
                f"no {kind} {one_line(wanted, 60)!r}{did_you_mean(wanted, known)}"
            )


def print_speech(console: Console, history: History, message: MessageSaid) -> None:
    """Print one message under its speaker's name."""
    _print(console, _speech(console.width, history, message))


def print_rating(console: Console, history: History, rating: Rated) -> None:
    """Print one rating."""
    _print(console, _rating(console.width, history, rating))


def _print(console: Console, parts: Iterator[Segment]) -> None:
    """Print lines that are wrapped already: rich is to do no more than to style them."""
    console.print(Segments(parts), crop=False, end="")


def _conversation(
    width: int, history: History, conversation: str, messages: list[MessageSaid], ratings: dict[str, list[Rated]]
) -> Iterator[Segment]:
    yield Segment(f"{one_line(conversation)}\n", _BOLD)
    for message in messages:
        yield from _speech(width, history, message)
        for rating in ratings.get(message.id, []):
            yield from _rating(width, history, rating)
    yield Segment("\n")


def _speech(width: int, history: History, message: MessageSaid) -> Iterator[Segment]:
    who = history.names.get(message.persona, message.persona) if message.role == "user" else "assistant"
    who = f"{one_line(who, 40)}: "
    lines = wrapped(who + plain(message.content), width - len(_SPEECH), width - len(_NAME))
    if lines[0].startswith(who.rstrip()):
        yield Segment(f"{_NAME}{lines[0][: len(who)]}", _WHO[message.role])
        lines[0] = lines[0][len(who) :]
    else:  # a very narrow screen
        lines[0] = f"{_NAME}{lines[0]}"
    yield Segment("\n".join((lines[0], *(f"{_SPEECH}{line}" if line else "" for line in lines[1:]), "")))


def _rating(width: int, history: History, rating: Rated) -> Iterator[Segment]:
    who = history.names.get(rating.rater, rating.rater)
    value = "missing" if rating.value is None else f"{rating.value:g}"
    why = rating.problem if rating.value is None else (rating.comment if rating.kind == "cross" else "")
    said = f"{one_line(who)} rates {one_line(rating.metric)} {value}{f': {one_line(why)}' if why else ''}"
    for line in wrapped(said, width - len(_RATING)):
        yield Segment(f"{_RATING}{line}\n", _DIM)
