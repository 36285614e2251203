"""Show foreign text literally, and rows of numbers in few columns, on a terminal."""

from collections.abc import Sequence
from itertools import pairwise

from rich.text import Text

from scai_cli.text.characters import visible

_BLOCKS = "▁▂▃▄▅▆▇█"


def styled(text: str, style: str = "") -> Text:
    """Return the text for rich, without interpreting its markup."""
    return Text(visible(text), style=style)


def sparkline(values: Sequence[float | None], low: float, high: float) -> str:
    """Return a bar per value between low and high; a missing value is `·`."""
    steps = len(_BLOCKS) - 1
    return "".join(
        "·" if value is None else _BLOCKS[round(max(0.0, min(1.0, (value - low) / (high - low))) * steps)]
        for value in values
    )


def thinned(values: Sequence[float | None], width: int) -> list[float | None]:
    """Return at most `width` values; from more, the means of equal parts, without missing values."""
    if len(values) <= width:
        return list(values)
    ends = [len(values) * n // width for n in range(width + 1)]
    stretches = ([v for v in values[a:b] if v is not None] for a, b in pairwise(ends))
    return [sum(known) / len(known) if known else None for known in stretches]
