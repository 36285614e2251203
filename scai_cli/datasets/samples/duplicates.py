"""Find rows that repeat an earlier row, in the same split or in another."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from scai_cli.datasets.samples.splits import number
from scai_cli.text.near_duplicates import NearDuplicateIndex
from scai_cli.text.words import usual

Dedupe = Literal["exact", "near"]

REPEATED: Final = "duplicate"
NEARLY: Final = "near-duplicate"
ELSEWHERE: Final = "duplicate of a row in another split"


@dataclass
class DuplicateIndex:
    """The hashes of all rows so far; of equal rows (in any encoding of an accent) the first one is kept.

    Without `dedupe` only a row that is also in another split is left out, because it leaks from train to test. `near`
    finds near-duplicates (`text.near_duplicates`) in all splits, and keeps about 1 kB per row.
    """

    dedupe: Dedupe | None = None
    _seen: dict[int, str] = field(default_factory=dict)

    def reason_against(self, texts: tuple[str, ...], split: str) -> str | None:
        """Return the reason to leave out a row; None for a new row."""
        key = number(usual("\0".join(texts)))
        first = self._seen.get(key)
        if first is not None:
            if first != split:
                return ELSEWHERE
            return REPEATED if self.dedupe is not None else None
        self._seen[key] = split
        return NEARLY if self.dedupe == "near" and not self._index.add_new("\n".join(texts)) else None

    @cached_property
    def _index(self) -> NearDuplicateIndex:
        return NearDuplicateIndex()
