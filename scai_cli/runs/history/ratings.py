"""Ratings in short: what a summary needs of each of a million of them, in a few bytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec


class CompactRating(msgspec.Struct, gc=False):
    """A rating without its words."""

    epoch: int
    kind: str
    rater: str
    conversation: str
    final: bool
    value: float | None
    observed: float | None = None


class AnyMark(Protocol):
    """A `Mark`, or the event `Rated` that it is short for."""

    @property
    def epoch(self) -> int: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def rater(self) -> str: ...  # noqa: D102
    @property
    def conversation(self) -> str: ...  # noqa: D102
    @property
    def final(self) -> bool: ...  # noqa: D102
    @property
    def value(self) -> float | None: ...  # noqa: D102
    @property
    def observed(self) -> float | None: ...  # noqa: D102


@dataclass(slots=True)
class Pairs:
    """Ratings beside the utilities observed in the same answers; both are there, in one order."""

    values: array[float] = field(default_factory=lambda: array("d"))
    observed: array[float] = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class Cells:
    """The ratings of an epoch's final answers, by persona and task.

    `own`: what a persona gave its own answer; `cross`: sum and number of what it gave the others' answers.
    """

    own: dict[tuple[str, str], float] = field(default_factory=dict)
    cross: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def mean_cross(self, persona: str, task: str) -> float | None:
        """The mean rating that a persona gave the others' answers to a task."""
        total, count = self.cross.get((persona, task), (0.0, 0))
        return total / count if count else None


class Marks:
    """All ratings of a run in short, taken in as they come.

    Cells are kept of the first epoch that was rated and of the last two, so that the last one that was played to its
    end is among them.
    """

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], Pairs] = {}
        self._cells: dict[int, Cells] = {}
        self._now: tuple[int, Cells] = (-1, Cells())

    @property
    def pairs(self) -> Mapping[tuple[str, str], Pairs]:
        """Rater and kind (`own`, `cross`) -> its ratings that are not missing and have an observed utility beside."""
        return self._pairs

    @property
    def cells(self) -> Mapping[int, Cells]:
        """Epoch -> its cells, as far as they are kept."""
        return self._cells

    def add(self, mark: AnyMark) -> None:
        """Take a rating in; anchors and missing ones count nowhere."""
        value, kind, rater = mark.value, mark.kind, mark.rater
        if value is None or kind == "anchor":
            return
        if mark.observed is not None:
            pairs = self._pairs.get((rater, kind))
            if pairs is None:
                pairs = self._pairs[rater, kind] = Pairs()
            pairs.values.append(value)
            pairs.observed.append(mark.observed)
        if mark.final:
            epoch, cells = self._now
            if epoch != mark.epoch:
                cells = self._turn_to(mark.epoch)
            place = (rater, mark.conversation.rpartition("/")[2])
            if kind == "own":
                cells.own[place] = value
            else:
                total, count = cells.cross.get(place, (0.0, 0))
                cells.cross[place] = (total + value, count + 1)

    def _turn_to(self, epoch: int) -> Cells:
        cells = self._cells.setdefault(epoch, Cells())
        self._now = (epoch, cells)
        for old in list(self._middle()):
            del self._cells[old]
        return cells

    def _middle(self) -> Iterator[int]:
        return iter(sorted(self._cells)[1:-2])
