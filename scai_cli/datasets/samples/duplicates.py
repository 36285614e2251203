"""Find rows that repeat an earlier row, in the same split or in another: for `export --dedupe`, and `dataset describe`.

A row repeats another one if all its texts are equal, however their accents are encoded and their white space is set.
It nearly repeats another one if the texts of both are near-duplicates (`text.near_duplicates`) twice: the prompt and
all answers together, and the (chosen) answer alone. So neither different answers to one long prompt nor one short
answer to different prompts are repeats, nor are the two preferences of raters who disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.datasets.samples.splits import number
from scai_cli.text.near_duplicates import NEAR, lookup, sketch
from scai_cli.text.words import usual

Dedupe = Literal["exact", "near"]

REPEATED: Final = "duplicate"
NEARLY: Final = "near-duplicate"
ELSEWHERE: Final = "duplicate of a row in another split"


@dataclass
class DuplicateIndex:
    """The hashes of all rows so far; of equal rows the first one is kept.

    Without `dedupe` only a row that is also in another split is left out, because it leaks from train to test. `near`
    finds rows that nearly repeat one in any split, and keeps about 2 kB per row.
    """

    dedupe: Dedupe | None = None
    _seen: dict[int, str] = field(default_factory=dict)

    def reason_against(self, row: RowTexts, split: str) -> str | None:
        """Return the reason to leave out a row; None for a new row."""
        key = row_key(row)
        first = self._seen.get(key)
        if first is not None:
            if first != split:
                return ELSEWHERE
            return REPEATED if self.dedupe is not None else None
        self._seen[key] = split
        return NEARLY if self.dedupe == "near" and not self._near.add_new(RowSketch.of(row)) else None

    @cached_property
    def _near(self) -> NearRows:
        return NearRows()


def row_key(row: RowTexts) -> int:
    """Return a number below 2**64 that is the same for rows that repeat each other."""
    parts = (row.prompt, row.answer, row.rejected or "", str(row.label), row.rater)
    return number(usual("\0".join([" ".join(part.split()) for part in parts])))


@dataclass(frozen=True, slots=True)
class RowSketch:
    """What is compared of a row to find near-duplicates; about 1 kB, whatever the row's length."""

    whole: Any
    answer: Any
    rater: str

    @classmethod
    def of(cls, row: RowTexts) -> RowSketch:
        """Return the sketch of a row."""
        return cls(sketch(f"{row.prompt}\n{row.answer}\n{row.rejected or ''}"), sketch(row.answer), row.rater)

    def nearly_repeats(self, other: RowSketch) -> bool:
        """Return whether two rows are near-duplicates."""
        pairs = ((self.whole, other.whole), (self.answer, other.answer))
        return self.rater == other.rater and all(mine.jaccard(theirs) >= NEAR for mine, theirs in pairs)


class NearRows:
    """An index of rows, none of which nearly repeats another."""

    def __init__(self) -> None:
        self._lookup = lookup()
        self._rows: list[RowSketch] = []

    def add_new(self, row: RowSketch) -> bool:
        """Add a row unless it nearly repeats an earlier one; return whether it is new."""
        if any(row.nearly_repeats(self._rows[place]) for place in self._lookup.query(row.whole)):
            return False
        self._lookup.insert(len(self._rows), row.whole)
        self._rows.append(row)
        return True
