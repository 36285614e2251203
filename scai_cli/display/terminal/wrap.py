"""Wrap long texts to the screen, fast even for a megabyte (rich takes seconds)."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from rich.cells import cell_len, chop_cells

_WORD: Final = re.compile(r"[^ ]+| +")


def wrapped(text: str, width: int, first: int | None = None) -> list[str]:
    """Return the text in lines of at most `width` columns, the first one of at most `first`.

    Lines break at spaces, and inside words that are too long; newlines and indentation stay.
    """
    lines: list[str] = []
    for paragraph in text.expandtabs(4).split("\n"):
        narrow = width if first is None or lines else first
        lines.extend(_broken(paragraph, max(1, width), max(1, narrow)))
    return lines


def _broken(paragraph: str, width: int, first: int) -> Iterator[str]:
    size: Callable[[str], int] = len if paragraph.isascii() else cell_len
    if size(paragraph) <= first:
        yield paragraph
        return
    if paragraph.isspace():
        yield ""
        return
    line: list[str] = []
    room = first
    for word in _WORD.findall(paragraph):
        taken = size(word)
        if taken <= room:
            line.append(word)
            room -= taken
            continue
        if line:
            yield "".join(line).rstrip()
        line, room = [], width
        if word[0] == " ":
            continue
        *full, rest = [word] if taken <= width else _chopped(word, width)
        yield from full
        line, room = [rest], width - size(rest)
    if line:
        yield "".join(line).rstrip()


def _chopped(word: str, width: int) -> list[str]:
    if word.isascii():
        return [word[at : at + width] for at in range(0, len(word), width)]
    return chop_cells(word, width)
