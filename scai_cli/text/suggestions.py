"""Suggest the nearest known word for a mistyped one."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

_LISTED: Final = 8
_LONGEST: Final = 40
"""Values in a list, and characters of a value."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known word, else the known words, to append to an error message.

    A known name that begins with the word is near, too.
    """
    known = list(known)
    begin = re.compile(rf"{re.escape(word)}\b", re.IGNORECASE)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6) or list(filter(begin.match, known))
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(sorted(known))}" if len(known) <= 16 else ""


def most_frequent(counts: Mapping[str, int]) -> str:
    """Return the most frequent values with their counts, to append to an error message: `'Peru' (12), 'Chad' (3)`."""
    order = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    listed = [
        f"{value if len(value) <= _LONGEST else f'{value[:_LONGEST]}…'!r} ({n:,})" for value, n in order[:_LISTED]
    ]
    return ", ".join(listed) + (f" and {len(order) - _LISTED:,} more" if len(order) > _LISTED else "")
