"""The recorded reason of a revision in plain words; runs of earlier versions have the same records."""

import re
from typing import Final

from scai_cli.text.data_files import read_data_file

_PLAIN: Final = read_data_file(__file__)["plain"]
"""Pattern of a recorded reason -> the plain words."""


def plain_reason(reason: str) -> str:
    """Return a recorded reason in plain words with technical words in brackets; other texts unchanged."""
    for pattern, words in _PLAIN.items():
        if match := re.fullmatch(pattern, reason):
            return str(match.expand(words))
    return reason
