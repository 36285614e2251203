"""The scale of ratings: as a file states it, or the smallest usual one that has all values of a file."""

import re
from collections.abc import Sequence
from typing import Final

Scale = tuple[float, float]

_END: Final = r"\s*(-?\d+(?:[.,]\d+)?)\s*"
_STATED: Final = re.compile(f"{_END}(?:-|\u2013|to|\\.\\.\\.?|/|:){_END}", re.IGNORECASE)
_USUAL: Final[Sequence[Scale]] = ((0, 1), (1, 5), (1, 7), (1, 10), (0, 10), (1, 100), (0, 100), (-1, 1), (-3, 3))


def stated_scale(text: str) -> Scale | None:
    """Return the ends of a scale that is written as `1-5`, `0 to 100` or `-1..1`; None for another text."""
    found = _STATED.fullmatch(text)
    if found is None:
        return None
    low, high = (float(end.replace(",", ".")) for end in found.groups())
    return (low, high) if low < high else None


def recognised_scale(values: Sequence[float]) -> Scale | None:
    """Return the first usual scale that has all of two or more different values; None if no scale is certain."""
    lowest, highest = min(values), max(values)
    fitting = (scale for scale in _USUAL if scale[0] <= lowest and highest <= scale[1])
    return next(fitting, None) if lowest < highest else None


def share(value: float, scale: Scale) -> float:
    """Return where a value is between the ends of its scale, from 0 to 1."""
    return (value - scale[0]) / (scale[1] - scale[0])
