"""Print conversations as a chat: wrapped messages, with the ratings below their answer."""

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

from scai_cli.analysis.participants import participants
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.next_steps import command
from scai_cli.display.terminal.styles import HEADING, MUTED
from scai_cli.display.terminal.wrap import wrapped
from scai_cli.errors import RunError
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, unsaid
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.selection import Selection
from scai_cli.text.characters import one_line, visible
from scai_cli.text.suggestions import did_you_mean

_NAME, _MESSAGE, _RATING = "  ", "    ", "      "
"""The indents of a speaker's name, of a message and of a rating."""

_BOLD, _MUTED = Style(bold=True), Style.parse(MUTED)
_STYLES: Final = {"user": _BOLD, "assistant": Style(bold=True, italic=True)}


def print_transcripts(
    console: Console, run: str, epochs: Iterable[tuple[History, Epoch]], selection: Selection
) -> None:
    """Print the selected conversations; raises RunError, naming the unknown id, if there are none."""
    shown = 0
    for history, epoch in epochs:
        check_known(history, selection)
        ratings: dict[str, list[CompactRating]] = {}
        for rating in epoch.ratings:
            ratings.setdefault(rating.message, []).append(rating)
        selected = [c for c, m in epoch.conversations.items() if selection.has(m[0].persona, m[0].task)]
        if selected:
            console.print(styled(_heading(history, epoch), HEADING))
        for conversation in selected:
            shown += 1
            _print(console, _conversation(console.width, history, epoch.conversations[conversation], ratings))
    if not shown:
        raise RunError(f"run {run!r} has no conversation of this kind; see `{command('show', run)}`")


def _heading(history: History, epoch: Epoch) -> str:
    """Return the heading of an epoch: run, version, rating scale and raters."""
    low, high = history.config.ratings.scale
    played = "final play" if epoch.is_product else f"epoch {epoch.number}"
    return (
        f"{history.run_id}, {played}, version {epoch.constitution.version} of the constitution; ratings from "
        f"{low:g} to {high:g} by {participants(history.config)}\n"
    )


def check_known(history: History, selection: Selection) -> None:
    """Raise RunError for a persona or task that the run does not have."""
    if history.started is None:
        return
    people, tasks = history.started.personas, history.started.tasks
    for kind, wanted, known in (("persona", selection.persona, people), ("task", selection.task, tasks)):
        if wanted is not None and wanted not in known:
            near = did_you_mean(wanted, known)
            raise RunError(f"run {history.run_id!r} has no {kind} {one_line(wanted, 60)!r}{near}")


def print_message(console: Console, history: History, message: CompactMessage) -> None:
    """Print one message under its speaker's name."""
    _print(console, _message(console.width, history, message))


def print_rating(console: Console, history: History, rating: CompactRating) -> None:
    """Print one rating."""
    _print(console, _rating(console.width, history, rating, ()))


def _print(console: Console, parts: Iterator[Segment]) -> None:
    """Print wrapped lines; rich only styles them."""
    console.print(Segments(parts), crop=False, end="")


def _conversation(
    width: int, history: History, messages: list[CompactMessage], ratings: dict[str, list[CompactRating]]
) -> Iterator[Segment]:
    first = messages[0]
    yield Segment(one_line(f"{history.names.get(first.persona, first.persona)}, {first.task}"), _BOLD)
    yield Segment(f"  {one_line(first.id.rpartition('/')[0])}\n", _MUTED)
    for message in messages:
        yield from _message(width, history, message)
        for rating in ratings.get(message.id, []):
            yield from _rating(width, history, rating, messages)
    yield Segment("\n")


def _message(width: int, history: History, message: CompactMessage) -> Iterator[Segment]:
    who = history.names.get(message.persona, message.persona) if message.role == "user" else "assistant"
    who = f"{one_line(who, 40)}: "
    lines = wrapped(who + visible(message.content), width - len(_MESSAGE), width - len(_NAME))
    if lines[0].startswith(who.rstrip()):
        yield Segment(f"{_NAME}{lines[0][: len(who)]}", _STYLES[message.role])
        lines[0] = lines[0][len(who) :]
    else:  # a very narrow screen
        lines[0] = f"{_NAME}{lines[0]}"
    yield Segment("\n".join((lines[0], *(f"{_MESSAGE}{line}" if line else "" for line in lines[1:]), "")))


def _rating(
    width: int, history: History, rating: CompactRating, messages: Iterable[CompactMessage]
) -> Iterator[Segment]:
    who = history.names.get(rating.rater, rating.rater)
    value = "missing" if rating.value is None else f"{rating.value:g}"
    why = rating.problem if rating.value is None else unsaid(rating, messages)
    text = f"{one_line(who)} rates {one_line(rating.metric)} {value}{f': {one_line(why)}' if why else ''}"
    for line in wrapped(text, width - len(_RATING)):
        yield Segment(f"{_RATING}{line}\n", _MUTED)
