"""Ratings by person and task: what bands and heat maps are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from scai_cli.runs.history.event_lines import look, read_mark
from scai_cli.runs.history.ratings import CompactRating
from scai_cli.runs.jsonl import lines
from scai_cli.runs.run_directory import EVENTS


def read_marks(path: Path) -> dict[int, list[CompactRating]]:
    """Epoch -> the ratings of its final answers in short, missing ones included; anchors are left out.

    Raises RunError for a damaged line.
    """
    found: dict[int, list[CompactRating]] = defaultdict(list)
    words: dict[str, str] = {}
    for number, line in lines(path / EVENTS):
        _, kind = look(line)
        if kind != b"rating":
            continue
        mark = read_mark(path, number, line)
        if mark.final and mark.kind != "anchor":
            # the same few names stand in every rating: they are kept once
            mark.rater, mark.kind = words.setdefault(mark.rater, mark.rater), words.setdefault(mark.kind, mark.kind)
            mark.conversation = words.setdefault(mark.conversation, mark.conversation)
            found[mark.epoch].append(mark)
    return found


def bands(marks: Iterable[CompactRating]) -> dict[str, tuple[float, float]]:
    """Person -> the lowest and the highest of its own ratings."""
    found: dict[str, list[float]] = defaultdict(list)
    for mark in marks:
        if mark.kind == "own" and mark.value is not None:
            found[mark.rater].append(mark.value)
    return {person: (min(values), max(values)) for person, values in found.items()}


def who_rated_whom(marks: Sequence[CompactRating]) -> dict[tuple[str, str], float | None]:
    """(rater, whose answer) -> the mean rating; None where all of them are missing."""
    given: dict[tuple[str, str], list[float]] = {}
    for mark in marks:
        values = given.setdefault((mark.rater, mark.conversation.split("/")[1]), [])
        if mark.value is not None:
            values.append(mark.value)
    return {pair: sum(values) / len(values) if values else None for pair, values in given.items()}
