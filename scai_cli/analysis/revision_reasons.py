"""The recorded reason of a revision in plain words; runs of earlier versions have the same records."""

import re
from typing import Final

from scai_cli.text.data_files import read_data_file

_PLAIN: Final = read_data_file(__file__)["plain"]
"""Pattern of a recorded reason -> the plain words."""


_TEST: Final = re.compile(r"(, | \()p \S+ of at most [\d.e-]+\)?")
"""The p-value of a reason, with its bound."""


def plain_reason(reason: str, *, brief: bool = False) -> str:
    """Return a recorded reason in plain words with technical words in brackets; other texts unchanged.

    `brief` leaves out the p-value.
    """
    text = _TEST.sub("", reason) if brief else reason
    for pattern, words in _PLAIN.items():
        if match := re.fullmatch(pattern, text):
            text = str(match.expand(words))
    return text
