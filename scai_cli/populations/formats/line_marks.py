"""The numbers and bullets of a list of lines, which belong to the list and not to its texts."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

_BULLET: Final = re.compile(r"\s*(?:[-*+•‣▪●○◦·–]\s+|[・●■□◆◇※]\s*)(?:\[[ xX]\]\s+)?(?=\S)")
_NUMBER: Final = re.compile(
    r"\s*(?:[(\[（【](?P<inner>\d{1,5}|[a-z])[)\]）】]|(?P<outer>\d{1,5})(?:[.)\]:]\)?|[．）、：])"
    r"|(?P<letter>[a-z])\)|(?P<circled>[①-⑳]))(?P<space>\s*)(?=\S)"
)
_WIDE: Final = "．）】、："


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark at the start of a line: its length, and its number, or None for a bullet."""

    length: int
    number: int | None


def mark(line: str) -> Mark | None:
    """Return the number or bullet at the start of a line, if there is one: `1.`, `(1)`, `a)`, `-`, `①`."""
    if bullet := _BULLET.match(line):
        return Mark(bullet.end(), None)
    found = _NUMBER.match(line)
    if found is None:
        return None
    if not found["space"] and not found["circled"] and line[found.end() - 1] not in _WIDE:
        return None  # 3.5 and 12:30 are no numbers of lines
    text = found["inner"] or found["outer"] or found["letter"] or found["circled"]
    if text.isalpha():
        return Mark(found.end(), ord(text) - ord("a") + 1)
    return Mark(found.end(), int(unicodedata.numeric(text)) if found["circled"] else int(text))


@dataclass(slots=True)
class Lists:
    """Which blocks of lines, between blank ones, are lists."""

    lines: int = 0
    """The number of lines in lists."""
    _fits: bytearray = field(default_factory=bytearray)
    """For each block: 0 no list, 1 a list of one line, 2 a list."""
    _last: int = 0

    @classmethod
    def of(cls, lines: Iterable[str]) -> "Lists":
        """Find the lists: every line of a block has a mark, and the numbers are in order.

        A block of one line is a list only where every line of the text is in one, as any line can begin with a dash.
        """
        lists = cls()
        ones = 0
        block = _Block()
        for line in chain(lines, [""]):
            if line.strip():
                block.add(mark(line))
            elif block.lines:
                if fit := block.is_list(lists._last):
                    lists._last = block.last or lists._last
                    lists.lines, ones = lists.lines + block.lines, ones + (block.lines == 1)
                lists._fits.append(fit and min(2, block.lines))
                block = _Block()
        if 0 in lists._fits:
            lists._fits = lists._fits.replace(b"\1", b"\0")
            lists.lines -= ones
        return lists

    def __contains__(self, block: int) -> bool:
        """Whether the block with this number, counted from 0, is a list."""
        return self._fits[block] > 0


@dataclass(slots=True)
class _Block:
    lines: int = 0
    marked: int = 0
    numbered: int = 0
    first: int = 0
    last: int = 0
    rises: bool = True
    same: bool = True

    def add(self, found: Mark | None) -> None:
        self.lines += 1
        if found is None:
            return
        self.marked += 1
        if found.number is None:
            return
        if not self.numbered:
            self.first = found.number
        else:
            self.rises &= found.number > self.last
            self.same &= found.number == self.last
        self.last = found.number
        self.numbered += 1

    def is_list(self, before: int) -> bool:
        """Whether all lines are marked, and numbers rise from 0 or 1, or from the number of the block before."""
        starts = self.first <= 1 or before < self.first <= before + 2
        in_order = self.rises or (self.same and self.first == 1)
        return self.marked == self.lines and (not self.numbered or (starts and in_order))
