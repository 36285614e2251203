"""The few styles of all screens, readable on light and on dark terminals; what they say, a sign or a word says, too."""

from collections.abc import Mapping
from typing import Final

HEADING: Final = "bold"
MUTED: Final = "dim"
"""Ids, notes and what matters least."""
GOOD: Final = "green"
BAD: Final = "red"
DOUBTFUL: Final = "magenta"
"""Warnings and unfinished work. Yellow and white cannot be read on a light terminal, nor blue on a dark one."""

_STYLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("gained", "gains", "better", "higher", "finished"), GOOD),
    **dict.fromkeys(("lost", "loses", "worse", "lower", "failed", "refused"), BAD),
    **dict.fromkeys(("cannot judge", "stopped", "interrupted"), DOUBTFUL),
    "waiting": MUTED,
}


def style_of(word: str) -> str:
    """Return the style of a status or of a verdict; none for other words. A change has the style of its verdict."""
    return _STYLES.get(word, "")
