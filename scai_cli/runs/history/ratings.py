"""Compact storage of a million ratings: only the values that summaries need."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isnan, nan

from scai_cli.runs.history.event_lines import CompactRating


@dataclass(slots=True)
class ObservedRatings:
    """Ratings and the observed utilities of the same answers, in the same order, none missing."""

    values: array[float] = field(default_factory=lambda: array("d"))
    observed: array[float] = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class RatingSums:
    """The ratings of final answers by persona and task: its own, and sum and number of those it gave to others.

    `measured` are the measured utilities of the answers to the persona itself, `by_measure` their values by measure.
    """

    own: dict[tuple[str, str], float] = field(default_factory=dict)
    cross: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    measured: dict[tuple[str, str], float] = field(default_factory=dict)
    by_measure: dict[tuple[str, str], Mapping[str, float | None]] = field(default_factory=dict)

    def add(self, kind: str, pair: tuple[str, str], value: float | None, observed: float | None = None) -> None:
        """Add the rating that a persona gave the answer to a task, its own or another's; a missing one has no value."""
        if kind == "own" and observed is not None:
            self.measured[pair] = observed
        if value is None:
            return
        if kind == "own":
            self.own[pair] = value
        else:
            total, count = self.cross.get(pair, (0.0, 0))
            self.cross[pair] = (total + value, count + 1)

    def mean_cross(self, persona: str, task: str) -> float | None:
        """Return a persona's mean rating of the others' answers to a task."""
        total, count = self.cross.get((persona, task), (0.0, 0))
        return total / count if count else None


class FinalRatings:
    """An epoch's ratings of final answers, missing ones too, in columns: a third of the memory of objects."""

    def __init__(self) -> None:
        self._kinds: list[str] = []
        self._raters: list[str] = []
        self._conversations: list[str] = []
        self._values = array("d")

    def add(self, kind: str, rater: str, conversation: str, value: float | None) -> None:
        """Add a rating."""
        self._kinds.append(kind)
        self._raters.append(rater)
        self._conversations.append(conversation)
        self._values.append(nan if value is None else value)

    def __iter__(self) -> Iterator[tuple[str, str, str, float | None]]:
        """Yield the kind, the rater, the conversation and the value of each rating."""
        for kind, rater, conversation, value in zip(
            self._kinds, self._raters, self._conversations, self._values, strict=True
        ):
            yield kind, rater, conversation, None if isnan(value) else value

    @property
    def conversations(self) -> dict[str, None]:
        """The rated conversations, in order."""
        return dict.fromkeys(self._conversations)

    def own_ranges(self) -> dict[str, tuple[float, float]]:
        """Return the lowest and the highest own rating of each persona."""
        own: dict[str, list[float]] = defaultdict(list)
        for kind, rater, _, value in self:
            if kind == "own" and value is not None:
                own[rater].append(value)
        return {persona: (min(values), max(values)) for persona, values in own.items()}

    def means(self) -> dict[tuple[str, str], float | None]:
        """Return (rater, user of the conversation) -> mean rating; None if all ratings are missing."""
        given: dict[tuple[str, str], list[float]] = {}
        for _, rater, conversation, value in self:
            values = given.setdefault((rater, conversation.split("/")[1]), [])
            if value is not None:
                values.append(value)
        return {pair: sum(values) / len(values) if values else None for pair, values in given.items()}


class RatingIndex:
    """A run's ratings with an observed utility, added as they are read; with `finals`, all of final answers, too."""

    def __init__(self, *, finals: bool = False) -> None:
        self.observed: dict[tuple[str, str], ObservedRatings] = {}
        """(Rater, kind `own` or `cross`) -> the ratings with an observed utility."""
        self.finals: dict[int, FinalRatings] = defaultdict(FinalRatings)
        """Epoch -> the ratings of its final answers, if they are kept."""
        self.keeps_finals = finals
        self._names: dict[str, str] = {}

    def add(self, rating: CompactRating) -> None:
        """Add a rating; ignore missing ones."""
        value, kind, rater = rating.value, rating.kind, rating.rater
        if self.keeps_finals and rating.final:
            # Ratings repeat a few names, so each name is kept once.
            once, conversation = self._names.setdefault, rating.conversation
            self.finals[rating.epoch].add(once(kind, kind), once(rater, rater), once(conversation, conversation), value)
        if value is None:
            return
        if rating.observed is not None:
            pairs = self.observed.get((rater, kind))
            if pairs is None:
                pairs = self.observed[rater, kind] = ObservedRatings()
            pairs.values.append(value)
            pairs.observed.append(rating.observed)

    def finals_of(self, epoch: int) -> FinalRatings:
        """Return the ratings of an epoch's final answers; empty if there are none."""
        return self.finals.get(epoch, FinalRatings())
