"""Fit the mapping of simulated ratings to people's, and test it on people who had no part in the fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from scai_cli.evaluation.human_items import FEWEST_PEOPLE
from scai_cli.evaluation.rating_agreement import Columns, Person
from scai_cli.experiment.rating_map import RatingMap
from scai_cli.stats.clustered import clustered_mean
from scai_cli.stats.monotone import Points, affine, interpolated, isotonic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Kind = Literal["affine", "isotonic"]
_FITS: Final[dict[Kind, Callable[[Array, Array, Array], Points]]] = {"affine": affine, "isotonic": isotonic}
"""The simpler one first: it is taken if both are as good."""
_FOLDS: Final = 10


@dataclass(frozen=True, slots=True)
class FittedMap:
    """The mappings' errors on other people, and the one to use, None if none is better.

    `errors` are roots of mean squared errors: by kind, of the ratings as they are ("none"), and of one rating for all
    ("constant"). `no_better_than` is which of those two the best mapping does not beat.
    """

    errors: dict[str, float]
    best: Kind | None
    points: Points
    no_better_than: str | None

    def as_map(self, measured_on: str, model: str, people: int, ratings: int) -> RatingMap | None:
        """Return the mapping to write; None if there is none to use."""
        if self.best is None:
            return None
        return RatingMap(
            kind=self.best,
            points=tuple((round(x, 4), round(y, 4)) for x, y in self.points),
            measured_on=measured_on,
            model=model,
            people=people,
            ratings=ratings,
            error=round(self.errors[self.best], 4),
            error_without=round(self.errors["none"], 4),
        )


def fitted_map(people: Sequence[Person]) -> FittedMap | None:
    """Fit both kinds to own ratings in ten folds of people; None for fewer than ten people.

    A mapping is used if its squared error on the people of the other folds is smaller beyond chance, by the 95 %
    interval of the difference clustered by person, than without one, and than that of people's mean: a mapping that
    gives all answers the same is worth nothing. Persons count by their weights.
    """
    import numpy as np

    if len(people) < FEWEST_PEOPLE:
        return None
    columns = Columns.of(people)
    x, y, person = columns.table[:, 1], columns.table[:, 0], columns.codes
    weights = columns.weights / columns.weights.mean()
    squares: dict[str, Array] = {"none": (x - y) ** 2}
    squares |= {kind: _out_of_fold(kind, x, y, weights, person % _FOLDS) for kind in _FITS}
    squares["constant"] = _out_of_fold("affine", np.zeros(len(x)), y, weights, person % _FOLDS)
    errors = {kind: math.sqrt(float(np.average(each, weights=weights))) for kind, each in squares.items()}
    best = min(_FITS, key=lambda kind: round(errors[kind], 4))
    gains = {
        name: clustered_mean((weights * (squares[name] - squares[best])).tolist(), person.tolist())
        for name in ("none", "constant")
    }
    equal = next((n for n, gain in gains.items() if gain is None or gain.low is None or gain.low <= 0), None)
    return FittedMap(errors, None if equal else best, _FITS[best](_rounded(x), y, weights), equal)


def _out_of_fold(kind: Kind, x: Array, y: Array, weights: Array, folds: NDArray[np.intp]) -> Array:
    import numpy as np

    squares = np.zeros(len(x))
    for fold in range(int(folds.max()) + 1):
        tested = folds == fold
        points = _FITS[kind](_rounded(x[~tested]), y[~tested], weights[~tested])
        mapped = np.array([interpolated(points, value) for value in x[tested].tolist()])
        squares[tested] = (mapped - y[tested]) ** 2
    return squares


def _rounded(x: Array) -> Array:
    """Return ratings in hundredths of the scale, so that a mapping has no more points than people can read."""
    import numpy as np

    return np.round(x, 2)
