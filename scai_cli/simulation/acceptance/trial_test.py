"""Whether the ratings of a trial are higher beyond noise than those of the epoch, by swapping whole conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scai_cli.experiment.rating_settings import Ratings
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.outcome import FinalRating, Outcome
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.stats.significance import swap_test

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

_DRAWS: Final = 20
"""The number of draws, times one over the level of the test."""
_LEAST, _MOST = 1000, 200_000

Key = tuple[str, str, str, str]
"""Rater, task, user of the conversation, and kind of a rating."""


def p_value(
    context: EpochContext,
    before: Sequence[Outcome],
    after: Sequence[Outcome],
    function: WelfareFunction,
    level: float,
    seed: int,
) -> float:
    """Return the chance that welfare is as much higher after as it is, if the rules made no difference.

    Under that hypothesis, the two plays of a conversation, with all ratings of its answer, are exchangeable. The
    difference is divided by the noise that users and tasks leave unexplained, so that an effect which differs from user
    to user does not count as noise. Ratings that one side lacks are left out; 1 without any. `level` is that of the
    decision: a lower one takes more draws.
    """
    ratings = context.agents.ratings
    first, last = _final(before, ratings), _final(after, ratings)
    # By kind and cell, so that the ratings of a cell are neighbours.
    keys = sorted((key for key in first if key in last), key=lambda key: (key[3], key[0], key[1]))
    pairs = list(dict.fromkeys((key[2], key[1]) for key in keys))
    if not pairs:
        return 1.0
    raters = {key[0] for key in keys}
    people = [persona for persona in context.personas if persona.id in raters]
    columns = _Columns.of(keys, pairs, [p.id for p in people], [t.id for t in context.tasks], _of_both(ratings))
    if not columns.known.any():
        return 1.0
    import numpy as np

    sides = np.array([[side[key] for key in keys] for side in (first, last)])
    weights = [persona.weight for persona in people]
    changes = columns.changes(sides[1] - sides[0], weights)

    def difference(swapped: NDArray[np.bool_]) -> Array:
        of_ratings = swapped[:, columns.conversation]
        values = [
            _welfare(columns.utilities(np.where(of_ratings, b, a)), weights, function) for a, b in (sides, sides[::-1])
        ]
        noise = _noise(np.where(swapped, -changes, changes), pairs)
        ratio: Array = (values[1] - values[0]) / np.maximum(noise, 1e-12)
        return ratio

    draws = int(min(_MOST, max(_LEAST, _DRAWS / level)))
    return swap_test(difference, len(pairs), draws=draws, seed=seed)


def _final(outcomes: Sequence[Outcome], ratings: Ratings) -> Mapping[Key, float]:
    """Return the final ratings; the measured utility of an answer is a part of its own rating: they change together."""
    return {
        (rating.rater, outcome.task.id, outcome.persona.id, rating.kind): value
        for outcome in outcomes
        for rating in outcome.final
        if (value := _with_measured(rating, outcome.observed, ratings)) is not None
    }


def _with_measured(rating: FinalRating, observed: float | None, ratings: Ratings) -> float | None:
    """Return the value of a rating, of an own one as it is calibrated, with the share of the measured utility."""
    if rating.kind == "cross":
        return rating.value
    value = None if rating.value is None else ratings.calibrated(rating.value)
    if not ratings.measured_weight:
        return value
    low, high = ratings.scale
    measured = None if observed is None else low + observed * (high - low)
    of_own = (1 - ratings.measured_weight) * (1 - ratings.cross_weight)  # the weight of the own rating in a cell
    if not of_own:
        return measured
    if value is None or measured is None:
        return value
    share = of_own / (of_own + ratings.measured_weight)
    return share * value + (1 - share) * measured


def _of_both(ratings: Ratings) -> Ratings:
    """Return the weights for own ratings that contain the measured utility."""
    return ratings.model_copy(update={"cross_weight": (1 - ratings.measured_weight) * ratings.cross_weight})


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each rating, a column, belongs: its conversation, and its cell of person x task; the own ones come last."""

    conversation: Indices
    cross: int
    """The number of cross ratings."""
    starts: Indices
    """The first cross rating of each cell that has any."""
    counts: Indices
    cross_cell: Indices
    own_cell: Indices
    shape: tuple[int, int]
    ratings: Ratings

    @classmethod
    def of(
        cls,
        keys: Sequence[Key],
        pairs: Sequence[tuple[str, str]],
        people: Sequence[str],
        tasks: Sequence[str],
        ratings: Ratings,
    ) -> _Columns:
        """Find the place of each rating; `keys` are sorted by kind, rater and task."""
        import numpy as np

        number = {pair: n for n, pair in enumerate(pairs)}
        row, column = ({name: n for n, name in enumerate(names)} for names in (people, tasks))
        cells = np.array([row[rater] * len(tasks) + column[task] for rater, task, _, _ in keys])
        cross = sum(kind == "cross" for *_, kind in keys)
        cross_cell, starts, counts = np.unique(cells[:cross], return_index=True, return_counts=True)
        return cls(
            np.array([number[user, task] for _, task, user, _ in keys]),
            cross,
            np.sort(starts),
            counts[np.argsort(starts)],
            cross_cell[np.argsort(starts)],
            cells[cross:],
            (len(people), len(tasks)),
            ratings,
        )

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which cells of person x task have a utility."""
        import numpy as np

        cells = self.cross_cell if self.ratings.cross_weight == 1 else self.own_cell
        known: NDArray[np.bool_] = np.isin(np.arange(self.shape[0] * self.shape[1]), cells).reshape(self.shape)
        return known

    def changes(self, differences: Array, weights: Sequence[float]) -> Array:
        """Return what each conversation adds to the change of the mean utility, from its ratings' differences."""
        import numpy as np

        low, high = self.ratings.scale
        weight, known = self.ratings.cross_weight, self.known
        shares = np.where(known.any(axis=1), np.array(weights), 0.0)
        worth = known * (shares / shares.sum() / np.maximum(known.sum(axis=1), 1))[:, None]
        of_cross = np.repeat(weight * worth.ravel()[self.cross_cell] / self.counts, self.counts)
        has_cross = np.isin(np.arange(known.size), self.cross_cell)
        of_own = (np.where(has_cross, 1 - weight, 1.0) * worth.ravel())[self.own_cell]
        added = differences / (high - low) * np.concatenate([of_cross, of_own])
        return np.bincount(self.conversation, weights=added).astype(np.float64)

    def utilities(self, values: Array) -> Array:
        """Return draws x people from draws x ratings, as `utilities.epoch_utilities` computes them."""
        import numpy as np

        low, high = self.ratings.scale
        shares = (values - low) / (high - low)
        people, tasks = self.shape
        own, cross = (np.full((len(values), people * tasks), np.nan) for _ in range(2))
        own[:, self.own_cell] = shares[:, self.cross :]
        if self.cross:
            cross[:, self.cross_cell] = np.add.reduceat(shares[:, : self.cross], self.starts, axis=1) / self.counts
        weight = self.ratings.cross_weight
        mixed = cross if weight == 1 else np.where(np.isnan(cross), own, (1 - weight) * own + weight * cross)
        cells = mixed.reshape(-1, people, tasks)
        known = ~np.isnan(cells)
        total: Array = np.nansum(cells, axis=2) / np.maximum(known.sum(axis=2), 1)
        return np.where(known.any(axis=2), total, np.nan)


def _noise(changes: Array, pairs: Sequence[tuple[str, str]]) -> Array:
    """Return, for each draw, the spread of changes, draws x conversations, that users and tasks leave unexplained."""
    import numpy as np

    users, tasks = ({name: n for n, name in enumerate(dict.fromkeys(names))} for names in zip(*pairs, strict=True))
    table = np.zeros((len(changes), len(users), len(tasks)))
    table[:, [users[user] for user, _ in pairs], [tasks[task] for _, task in pairs]] = changes
    if min(table.shape[1:]) > 1:
        rows, grid = table.mean(axis=2, keepdims=True), table.mean(axis=(1, 2), keepdims=True)
        table = table - rows - table.mean(axis=1, keepdims=True) + grid
    spread: Array = np.sqrt((table**2).sum(axis=(1, 2)))
    return spread


def _welfare(utilities: Array, weights: Sequence[float], function: WelfareFunction) -> Array:
    """Return the welfare of each draw."""
    import numpy as np

    rated = ~np.isnan(utilities[0])
    present, shares = utilities[:, rated], np.array(weights)[rated]
    if function.is_mean:
        means: Array = present @ shares / shares.sum()
        return means
    return np.array([function(np.clip(row, 0, 1).tolist(), shares.tolist()) or 0.0 for row in present])
