"""Find the words that changed between two texts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

_MOST: Final = 2_000
"""The words up to which two texts are compared: the time grows with their square."""


def word_changes(old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """Yield (same, removed, added) in the order of the texts; either `same` is empty or the other two are.

    Two long texts that differ are yielded as one change.
    """
    before, after = re.findall(r"\S+\s*", old), re.findall(r"\S+\s*", new)
    if len(before) + len(after) > _MOST:
        yield ("", old.strip(), new.strip()) if old != new else (new, "", "")
        return
    for op, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if op == "equal":
            yield "".join(after[c:d]), "", ""
        else:
            yield "", "".join(before[a:b]).strip(), "".join(after[c:d]).strip()
