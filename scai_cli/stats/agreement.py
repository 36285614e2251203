"""Agreement between raters: Krippendorff's alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Scale = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(ratings: Sequence[Sequence[float | None]], scale: Scale = "ordinal") -> float | None:
    """Return 1 - observed / expected disagreement: 1 is perfect, 0 is chance, below 0 is opposition.

    `ratings` has one row for each rater and one column for each unit (an answer); None is missing, and a unit
    with fewer than two ratings does not count. Source: Krippendorff, Content Analysis (2004), chapter 11.
    None if it is undefined: nothing was rated twice, or all who were have the same value. ValueError if the
    rows are not of one length or the scale is unknown.
    """
    import numpy as np

    if scale not in ("nominal", "ordinal", "interval"):
        raise ValueError(f"unknown scale {scale!r} (known: nominal, ordinal, interval)")
    widths = {len(row) for row in ratings}
    if len(widths) > 1:
        raise ValueError("every rater needs a rating, or None, for every unit")
    table = np.array(ratings, dtype=float).reshape(len(ratings), max(widths, default=0))
    table = table[:, (~np.isnan(table)).sum(axis=0) >= 2]
    values = np.unique(table[~np.isnan(table)])
    if len(values) < 2:
        return None
    counts = (table[:, :, None] == values).sum(axis=0).astype(float)  # units x values
    per_unit = counts.sum(axis=1, keepdims=True)
    observed = counts.T @ (counts / (per_unit - 1)) - np.diag((counts / (per_unit - 1)).sum(axis=0))
    totals = counts.sum(axis=0)
    expected = (np.outer(totals, totals) - np.diag(totals)) / (totals.sum() - 1)
    distance = _distance(values, totals, scale)
    return float(1 - (observed * distance).sum() / (expected * distance).sum())


def _distance(values: NDArray[np.float64], totals: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """Return the squared difference between any two values: 0 or 1, in value, or in mid-ranks (ordinal)."""
    import numpy as np

    if scale == "nominal":
        return 1.0 - np.eye(len(values))
    position = values if scale == "interval" else np.cumsum(totals) - totals / 2
    return np.square(position[:, None] - position)
