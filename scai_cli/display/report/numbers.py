"""Numbers in words, alike everywhere on the page and as `scai show` prints them."""

from __future__ import annotations

from scai_cli.runs.events import Estimate
from scai_cli.stats.intervals import Interval

MINUS = "−"


def number(value: float | None, digits: int = 2) -> str:
    """A number, `–` where it is missing."""
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def change(value: float | None, digits: int = 2) -> str:
    """A difference with its sign, `–` where it is missing."""
    return "–" if value is None else f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", MINUS)


def interval(found: Estimate | Interval | None, digits: int = 2) -> str | None:
    """`95 % interval +0.03 to +0.21`; None where the data cannot tell."""
    if found is None or found.low is None or found.high is None:
        return None
    return f"{found.level * 100:g} % interval {change(found.low, digits)} to {change(found.high, digits)}"


def with_interval(found: Estimate | Interval | None, digits: int = 2) -> str:
    """`+0.12 (+0.03 to +0.21)`; `–` where it is missing."""
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return change(found.estimate, digits)
    return f"{change(found.estimate, digits)} ({change(found.low, digits)} to {change(found.high, digits)})"


def listed(words: list[str], most: int = 3) -> str:
    """`A, B and C`, of many `A, B, C and 4 more`."""
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 person`, `5 people`, `1,200 calls`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
