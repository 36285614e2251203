"""The answers of a run that are exported, each with what was said before it and its system message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scai_cli.events import MessageSaid
from scai_cli.history import Epoch, History
from scai_cli.selection import Selection
from scai_cli.templates import fill

BROKEN_OFF = ("length", "content_filter")


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the assistant's answers with all that was said before it."""

    system: str | None
    before: tuple[MessageSaid, ...]
    message: MessageSaid
    rating: float | None


def answers(history: History, selection: Selection) -> Iterator[Answer]:
    """The answers that a selection lets through, in the order of epochs and conversations.

    Left out are answers that were broken off or are empty, and those that follow on an empty message.
    """
    for epoch in history.chosen(selection.epoch):
        rated = {rating.message: rating.value for rating in epoch.ratings if rating.kind == "own"}
        for messages in epoch.conversations.values():
            if not selection.has(messages[0].persona, messages[0].task):
                continue
            system = _system(history, epoch, messages[0].persona) if selection.system == "keep" else None
            yield from _of(messages, rated, selection.min_rating, system)


def _of(
    messages: list[MessageSaid], rated: dict[str, float | None], least: float | None, system: str | None
) -> Iterator[Answer]:
    for n, message in enumerate(messages):
        if not message.content.strip():
            return
        if message.role != "assistant" or message.finish_reason in BROKEN_OFF:
            continue
        rating = rated.get(message.id)
        if least is None or (rating is not None and rating >= least):
            yield Answer(system, tuple(messages[:n]), message, rating)


def _system(history: History, epoch: Epoch, persona: str) -> str:
    rules = epoch.constitution.render(user=persona, names=history.names)
    return fill(history.config.prompt("assistant"), {"constitution": rules})
