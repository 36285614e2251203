"""The share of what differs between people that predictions of their ratings explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.intp]

_FOLDS: Final = 10
_NO_SPREAD: Final = 1e-12


def explained_share(
    human: Array, predicted: Array, people: Codes, items: Codes, weights: Array, baseline: Array | None = None
) -> float | None:
    """Return the share of the variance of people's ratings of the same answer that the predictions explain, at most 1.

    What all people have in common is removed from both columns: the weighted mean of each item over its raters (items
    with one rater are left out); with a `baseline`, a prediction that knows the answer and not the person, the line on
    it. With h and m for the rests, the share is 1 - sum w (h - b m)^2 / sum w h^2, where the slope b, not below 0,
    is fitted on other people (ten folds), so that predictions without information have 0 or a little less. It is the
    Q^2 of Stone (1974) for the interaction of persons and items. None if people do not differ, or there are fewer than
    two of them.
    """
    import numpy as np

    if baseline is None:
        raters = np.bincount(items)
        kept = raters[items] > 1
        human, predicted, weights = human[kept], predicted[kept], weights[kept]
        people, items = people[kept], items[kept]
    folds = np.unique(people, return_inverse=True)[1]
    count = int(folds.max()) + 1 if len(folds) else 0
    if count < 2:
        return None
    h, m = (
        _around_items(column, items, weights) if baseline is None else _around_line(column, baseline, weights)
        for column in (human, predicted)
    )
    total = float((weights * h * h).sum())
    if total <= _NO_SPREAD * len(h):
        return None
    fold = folds % min(_FOLDS, count)
    both, own = np.bincount(fold, weights * h * m), np.bincount(fold, weights * m * m)
    rest = own.sum() - own
    slopes = np.maximum(0.0, np.divide(both.sum() - both, rest, out=np.zeros_like(rest), where=rest > _NO_SPREAD))
    return 1 - float((weights * (h - slopes[fold] * m) ** 2).sum()) / total


def _around_items(values: Array, items: Codes, weights: Array) -> Array:
    import numpy as np

    mass = np.bincount(items, weights)
    around: Array = values - (np.bincount(items, weights * values) / np.where(mass > 0, mass, 1.0))[items]
    return around


def _around_line(values: Array, baseline: Array, weights: Array) -> Array:
    import numpy as np

    x, y = (column - np.average(column, weights=weights) for column in (baseline, values))
    spread = float((weights * x * x).sum())
    slope = float((weights * x * y).sum()) / spread if spread > _NO_SPREAD else 0.0
    around: Array = y - slope * x
    return around
