"""The recorded reason of a revision in plain words; runs of earlier versions have the same records."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = (
    (
        r"the vote elected it \((\S+), (\d+) of (\d+) ballots could be read(.*)\)",
        r"adopted by vote, \2 of \3 people voted (\1\4)",
    ),
    (
        r"the vote kept the status quo \((\S+), (\d+) of (\d+) ballots could be read\)",
        r"kept by vote, \2 of \3 people voted (\1)",
    ),
    (r"the rule `always` adopts every sound revision", "every sound revision is adopted (always)"),
    (r"(.*) welfare rose from (\S+) to (\S+), by (.*) on trial", r"\1 welfare on trial: \2 before, \3 after, \4"),
)


def plain_reason(reason: str) -> str:
    """Return a recorded reason in plain words with technical words in brackets; other texts unchanged."""
    for pattern, words in _PLAIN:
        if match := re.fullmatch(pattern, reason):
            return match.expand(words)
    return reason
