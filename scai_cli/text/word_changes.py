"""Find the words that changed between two texts; in scripts without spaces, the characters."""

import difflib
import re
from collections.abc import Iterator
from functools import cache

from scai_cli.text.words import UNSPACED, marks

_MOST = 2_000  # words that are compared: the time grows with their square


def word_changes(old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """Yield (same, removed, added) in order; either `same` is empty or the other two are. Long texts are one change."""
    before, after = _word().findall(old), _word().findall(new)
    if len(before) + len(after) > _MOST:
        before, after = [old], [new]
    for op, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if op == "equal":
            yield "".join(after[c:d]), "", ""
        else:
            yield "", "".join(before[a:b]).strip(), "".join(after[c:d]).strip()


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"[{UNSPACED}][{marks()}]*\s*|[^\s{UNSPACED}]+\s*")
