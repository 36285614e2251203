"""Foreign text on its way to a terminal: no escapes, no markup, no text that runs backwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from rich.text import Text

from scai_cli.runs.events import Estimate
from scai_cli.stats.intervals import Interval

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BLOCKS = "▁▂▃▄▅▆▇█"


def plain(text: str) -> str:
    """The text with every control character made visible (`ESC` becomes `␛`) or replaced by `�`."""
    return _UNSAFE.sub(lambda match: _picture(match[0]), text.replace("\r\n", "\n"))


def one_line(text: str, width: int | None = None) -> str:
    """The text in one line, cut to a width with `…`."""
    line = " ".join(plain(text).split())
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def styled(text: str, style: str = "") -> Text:
    """The text for rich, taken literally: markup in it means nothing."""
    return Text(plain(text), style=style)


def sparkline(values: Sequence[float | None], low: float, high: float) -> str:
    """A bar per value between low and high; a missing one is `·`."""
    steps = len(_BLOCKS) - 1
    return "".join(
        "·" if value is None else _BLOCKS[round(max(0.0, min(1.0, (value - low) / (high - low))) * steps)]
        for value in values
    )


def thinned(values: Sequence[float | None], width: int) -> list[float | None]:
    """At most so many values: where there are more, the means of equal stretches, missing ones left out."""
    if len(values) <= width:
        return list(values)
    ends = [len(values) * n // width for n in range(width + 1)]
    stretches = ([v for v in values[a:b] if v is not None] for a, b in pairwise(ends))
    return [sum(known) / len(known) if known else None for known in stretches]


def change(value: float | None, digits: int = 2) -> str:
    """A change for people, with its sign; `–` where it is missing."""
    return "–" if value is None else f"{value:+.{digits}f}"


def counted(count: int, noun: str) -> str:
    """`1 task`, `3 tasks`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def number(value: float | None, digits: int = 2) -> str:
    """A number for people; `–` where it is missing."""
    return "–" if value is None else f"{value:.{digits}f}"


def estimate(value: Estimate | Interval | None, digits: int = 3) -> str:
    """A difference with its interval: `+0.120 [+0.031, +0.208]`; `–` where it is missing."""
    if value is None:
        return "–"
    open_ended = value.low is None or value.high is None
    between = "" if open_ended else f" [{value.low:+.{digits}f}, {value.high:+.{digits}f}]"
    return f"{value.estimate:+.{digits}f}{between}"


def _picture(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "�"
