"""Ratings by person and task: what bands, intervals and heat maps are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scai_cli.events import Estimate
from scai_cli.history import Cells as RatedCells
from scai_cli.history import Mark, look, read_mark
from scai_cli.social import welfare
from scai_cli.social.statistics import Statistic, mean, paired_difference
from scai_cli.store import EVENTS, lines

Cells = Mapping[tuple[str, str], float]
"""(person, task) -> a number."""


def read_marks(path: Path) -> dict[int, list[Mark]]:
    """Epoch -> the ratings of its final answers in short, missing ones included; anchors are left out.

    Raises RunError for a damaged line.
    """
    found: dict[int, list[Mark]] = defaultdict(list)
    words: dict[str, str] = {}
    for number, line in lines(path / EVENTS):
        if look(line).kind != b"rating":
            continue
        mark = read_mark(path, number, line)
        if mark.final and mark.kind != "anchor":
            # the same few names stand in every rating: they are kept once
            mark.rater, mark.kind = words.setdefault(mark.rater, mark.rater), words.setdefault(mark.kind, mark.kind)
            mark.conversation = words.setdefault(mark.conversation, mark.conversation)
            found[mark.epoch].append(mark)
    return found


def utilities(cells: RatedCells, scale: tuple[float, float], cross_weight: float) -> Cells:
    """(person, task) -> utility in [0, 1], as `simulation.contentment` defines it."""
    low, high = scale
    found = {}
    for person, task in dict.fromkeys((*cells.own, *cells.cross)):
        given, heard = cells.own.get((person, task)), cells.mean_cross(person, task)
        own, cross = (None if value is None else (value - low) / (high - low) for value in (given, heard))
        if cross_weight == 1:
            value = cross
        else:
            value = own if own is None or cross is None else (1 - cross_weight) * own + cross_weight * cross
        if value is not None:
            found[person, task] = value
    return found


def gain(before: Cells, after: Cells, function: str | None, weights: Mapping[str, float], seed: int) -> Estimate | None:
    """How much higher a welfare function (None: the plain mean) is after than before, paired over the cells of both.

    With a 95 % interval by a two-way cluster bootstrap; None where no cell is in both.
    """
    both = [cell for cell in before if cell in after]
    if not both:
        return None
    people, tasks = (list(dict.fromkeys(cell[side] for cell in both)) for side in (0, 1))
    first, last = ([[side.get((p, t)) for t in tasks] for p in people] for side in (before, after))
    statistic: Statistic = welfare.parse(function) if function else mean
    heavy = [weights.get(person, 1.0) for person in people] if function else None
    found = paired_difference(first, last, statistic, weights=heavy, seed=seed)
    if found is None:
        return None
    return Estimate(estimate=found.estimate, low=found.low, high=found.high, level=found.level)


def bands(marks: Iterable[Mark]) -> dict[str, tuple[float, float]]:
    """Person -> the lowest and the highest of its own ratings."""
    found: dict[str, list[float]] = defaultdict(list)
    for mark in marks:
        if mark.kind == "own" and mark.value is not None:
            found[mark.rater].append(mark.value)
    return {person: (min(values), max(values)) for person, values in found.items()}


def who_rated_whom(marks: Sequence[Mark]) -> dict[tuple[str, str], float | None]:
    """(rater, whose answer) -> the mean rating; None where all of them are missing."""
    given: dict[tuple[str, str], list[float]] = {}
    for mark in marks:
        values = given.setdefault((mark.rater, mark.conversation.split("/")[1]), [])
        if mark.value is not None:
            values.append(mark.value)
    return {pair: sum(values) / len(values) if values else None for pair, values in given.items()}
