"""Look over the columns of a file before it is imported: what only a whole column can show."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from scai_cli.experiment.scalars import number
from scai_cli.populations.identifiers import CODES, identifier, is_code

FIRST_ROWS: Final = 10_000
"""The rows of a file that are looked over."""
NOT_KNOWN: Final = frozenset(
    ("n/a", "#n/a", "nan", "null", "refused", "prefer not to say", "not applicable", "<na>", "no answer")
)
"""The words that count as "not known" unless a map lists others; `None` and `NA` are answers (religion, Namibia)."""
_NO_VALUE: Final = frozenset(("na", ".", "-", "--", "?", "n.a.", "missing", "unknown"))
_NO_NUMBER: Final = _NO_VALUE | {"none", "nil"}
"""Words that count as "not known" in a column in which every other cell is a number, these two only if they are few."""
_FEW: Final = 20
"""Fewer rows than this are few."""
_SHORT: Final = 4
"""The fewest characters of a code that identifies in a few rows."""
_ANSWERS: Final = frozenset((*range(-9, 21), 66, 77, 88, *range(94, 100)))
"""The numbers that questionnaires use as codes of answers, those for "don't know" included."""
_MOST_CODES: Final = 12
_DIGITS: Final = re.compile(r"\d+")
_KEY: Final = re.compile(
    r"(?i:(?:^|[\W_])[pu]?id$|uuid|guid|participant|respondent|worker|subject|(?:^|[\W_])key$)|[a-z]I[dD]$"
)
"""A name of a column with the keys of people."""
PERSON: Final = re.compile(
    r"(?:user|worker|participant|respondent|annotator|rater|person|prolific)(?:[ _-]?(?:id|pid|no|nr|number|code))?",
    re.IGNORECASE,
)
"""A name of a column that says which person a row is of."""
_NOT_CODES: Final = ("age", "year", "count", "number", "size", "children", "kids", "hours")


@dataclass(slots=True)
class ColumnProfile:
    """The cells of a column so far: how many are numbers, look like identifiers, are long; the different ones."""

    name: str
    cells: int = 0
    numbers: int = 0
    unlike: Counter[str] = field(default_factory=Counter)
    """Word that is perhaps not known -> cells."""
    codes: int = 0
    longest: int = 0
    shortest_code: int = sys.maxsize
    frames: set[str] = field(default_factory=set)
    """The codes without their digits, up to two different ones."""
    identifiers: Counter[str] = field(default_factory=Counter)
    distinct: set[int] = field(default_factory=set)
    """The hashes of the cells."""
    small: set[int] | None = field(default_factory=set)
    """The small whole numbers; None if there is another value."""

    def note(self, cell: str) -> None:
        """Note a cell that is not blank."""
        self.cells += 1
        if (word := cell.lower()) in _NO_NUMBER or word in NOT_KNOWN:
            self.unlike[cell] += 1
            return
        self.longest = max(self.longest, len(cell))
        self.distinct.add(hash(cell))
        as_number = number(cell)
        self.numbers += as_number is not None
        if (kind := identifier(cell, self.name)) is not None:
            self.identifiers[kind] += 1
        elif as_number is None and is_code(cell):
            self.codes += 1
            self.shortest_code = min(self.shortest_code, len(cell))
            if len(self.frames) < 2:
                self.frames.add(_DIGITS.sub("0", cell))
        if as_number is None or as_number not in _ANSWERS:
            self.small = None
        elif self.small is not None:
            self.small.add(int(as_number))

    @property
    def known(self) -> int:
        """The number of cells without a word for "not known"."""
        return self.cells - self.unlike.total()

    @property
    def identifies(self) -> str | None:
        """The kind of identifier that half of the cells are by their looks, or `codes` for a key; None if neither."""
        cells = self.known
        if self.identifiers and 2 * sum(self.identifiers.values()) >= cells:
            return self.identifiers.most_common(1)[0][0]
        # Grades and products (A1, C2, B2B) are short, and all differ in a table of a few rows; P1, P2, P3 are numbered.
        is_clear = cells >= _FEW or self.shortest_code >= _SHORT or len(self.frames) == 1
        is_key = len(self.distinct) == cells > 1 and is_clear
        are_codes = 10 * (self.codes + sum(self.identifiers.values())) >= 9 * cells > 0
        return CODES if are_codes and (is_key or _KEY.search(self.name)) else None

    @property
    def are_numbers(self) -> bool:
        """Whether all cells that are perhaps known are numbers."""
        return 0 < self.numbers == self.known

    @property
    def words_for_unknown(self) -> frozenset[str]:
        """The words that are not known in this column: `NA` among numbers, nothing elsewhere."""
        if not self.are_numbers:
            return frozenset()
        return _NO_NUMBER if self.numbers >= self.unlike.total() else _NO_VALUE

    @property
    def are_labelled(self) -> bool:
        """Whether all values are a few small whole numbers that are hardly counts, so perhaps codes for words."""
        is_count = any(word in self.name.lower() for word in _NOT_CODES)
        return bool(self.small) and len(self.small or ()) <= _MOST_CODES and not is_count

    @property
    def repeats_people(self) -> bool:
        """Whether the column says which person a row is of, and people have several rows."""
        return 1 < len(self.distinct) < self.known and PERSON.fullmatch(self.name) is not None
