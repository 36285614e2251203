"""The ratings of each version of the constitution, averaged over all epochs that played it."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from scai_cli.analysis.paired import Cells, utilities
from scai_cli.experiment.constitution import listed
from scai_cli.runs.history.event_lines import CompactRating, read_events
from scai_cli.runs.history.history import History
from scai_cli.runs.history.ratings import RatingSums

Pair = tuple[str, str]
"""Persona and task."""


@dataclass(frozen=True, slots=True)
class VersionPlays:
    """One version of the constitution and the epochs that played it to their end; `final` is the play of the product.

    The last of `epochs` is the final play if there is one: it comes after the last revision.
    """

    version: int
    epochs: Sequence[int]
    final: bool = False

    def __str__(self) -> str:
        """Return `version 2, epochs 3 to 5`; a version without epochs is not played."""
        return f"version {self.version}, {self.where}"

    @property
    def epochs_words(self) -> str:
        """Return `1`, `3 to 5` or `final play`: `where` without the noun."""
        return self.where.removeprefix("epochs ").removeprefix("epoch ")

    @property
    def where(self) -> str:
        """Return `epoch 1`, `epochs 3 to 5`, `epochs 1 and 3`, `final play` or `not played`."""
        epochs = self.epochs[: len(self.epochs) - self.final]
        parts = [_numbered(epochs)] if epochs else []
        return " and ".join([*parts, *["final play"] * self.final]) or "not played"


@dataclass(frozen=True, slots=True)
class VersionCells:
    """One version's cells, each a mean over the epochs that played the version and have the cell.

    `own`: own ratings of final answers on the rating scale; `utility`: utilities in [0, 1]; `last`: the epoch that
    played a cell last, with its own rating; `measured`: name of a measure -> its values in [0, 1], None where it could
    not tell.
    """

    plays: VersionPlays
    own: Cells
    utility: Cells
    last: Mapping[Pair, tuple[int, float]]
    measured: Mapping[str, Mapping[Pair, float | None]]


def version_plays(history: History, version: int) -> VersionPlays:
    """Return the epochs that played a version; of the best version of all, only the play after it was chosen."""
    epochs = [measured.epoch for measured in history.measured if measured.version == version]
    planned = history.started.epochs if history.started else 0
    final = [epoch for epoch in epochs if epoch > planned]
    if final and version and history.config.revision.best_so_far:
        epochs = final  # the ratings by which it was chosen are too high: the winner's curse
    return VersionPlays(version, epochs, final=bool(final))


def version_cells(history: History, *plays: VersionPlays) -> list[VersionCells]:
    """Return the cells of some versions, in at most one pass over the events; raises RunError for a damaged line."""
    weights = {persona.id: persona.weight for persona in history.config.personas.inline}
    version_of = {epoch: one.version for one in plays for epoch in one.epochs}
    own, utility = (defaultdict[int, _Means](_Means) for _ in range(2))
    last: dict[int, dict[Pair, tuple[int, float]]] = defaultdict(dict)
    seen: dict[int, dict[str, _Means]] = defaultdict(lambda: defaultdict(_Means))
    for epoch, sums in _sums(history, version_of):
        version = version_of[epoch]
        own[version].add(sums.own)
        utility[version].add(utilities(history, sums))
        last[version].update({pair: (epoch, rating) for pair, rating in sums.own.items()})
        for pair, values in sums.by_measure.items():
            for name, value in values.items():
                seen[version][name].add({pair: value})
    return [
        VersionCells(
            one,
            Cells(str(one), own[one.version].means(), weights),
            Cells(str(one), utility[one.version].means(), weights),
            last[one.version],
            {name: means.all_means() for name, means in seen[one.version].items()},
        )
        for one in plays
    ]


@dataclass(slots=True)
class _Means:
    """The mean of each cell over the epochs that have it."""

    totals: dict[Pair, float] = field(default_factory=dict)
    counts: dict[Pair, int] = field(default_factory=dict)

    def add(self, cells: Mapping[Pair, float | None]) -> None:
        for pair, value in cells.items():
            self.totals[pair] = self.totals.get(pair, 0.0) + (value or 0.0)
            self.counts[pair] = self.counts.get(pair, 0) + (value is not None)

    def means(self) -> dict[Pair, float]:
        return {pair: total / count for pair, total in self.totals.items() if (count := self.counts[pair])}

    def all_means(self) -> dict[Pair, float | None]:
        """Return also the cells without a known value, as None."""
        return {**dict.fromkeys(self.totals), **self.means()}


def _sums(history: History, epochs: Container[int]) -> Iterator[tuple[int, RatingSums]]:
    """Yield the sums of the final ratings of some epochs, an epoch at a time, from memory if the history has them."""
    # The index has nothing that programs measured.
    is_measured = history.config.ratings.measured_weight or any(one.measured for one in history.measured)
    if history.rating_index.keeps_finals and not is_measured:
        for epoch, finals in history.rating_index.finals.items():
            if epoch in epochs:
                sums = RatingSums()
                for kind, rater, conversation, value in finals:
                    if value is not None:
                        sums.add(kind, (rater, conversation.rpartition("/")[2]), value)
                yield epoch, sums
        return

    def is_wanted(name: bytes, kind: bytes) -> bool:
        epoch = name[1:].partition(b"/")[0]
        return not kind or (kind == b"rating" and epoch.isdigit() and int(epoch) in epochs)

    ratings = (event for event in read_events(history.path, is_wanted) if isinstance(event, CompactRating))
    for epoch, group in groupby(ratings, key=lambda rating: rating.epoch):
        sums = RatingSums()
        for rating in group:
            if rating.final:
                pair = rating.rater, rating.conversation.rpartition("/")[2]
                sums.add(rating.kind, pair, rating.value, rating.observed)
                if rating.measured:
                    sums.by_measure[pair] = rating.measured
        yield epoch, sums


def _numbered(epochs: Sequence[int]) -> str:
    """Return `epoch 1`, `epochs 3 to 5` or `epochs 1, 3 and 4`."""
    if len(epochs) > 2 and epochs[-1] - epochs[0] == len(epochs) - 1:
        return f"epochs {epochs[0]} to {epochs[-1]}"
    return f"epoch{'s' * (len(epochs) > 1)} {listed([str(epoch) for epoch in epochs])}"
