"""How the cells of a file are read: labels, words for "not known", and what its columns look like as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from scai_cli.populations.account import MOST_FIELDS
from scai_cli.populations.clean_text import LONGEST_FACT
from scai_cli.populations.profile import NOT_KNOWN, ColumnProfile

_REMEMBERED: Final = 50_000
"""The most cells whose reading is remembered."""


@dataclass(slots=True)
class Reading:
    """How the cells of a file are read: labels, words for "not known", and what its columns look like as a whole.

    Columns are in lower case here, nested ones as paths.
    """

    labels: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """Column -> code -> label; None for "not known"."""
    missing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Column -> words for "not known", in lower case; `*` for every column."""
    profiles: dict[str, ColumnProfile] = field(default_factory=dict)
    """Column -> its profile."""
    looking: bool = False
    """Whether the file is only looked over, to fill `profiles`."""
    identifiers: dict[str, str] = field(default_factory=dict)
    """Column that identifies -> the kind of its cells."""
    long: set[str] = field(default_factory=set)
    """Columns with texts that are too long for attributes."""
    _known: dict[tuple[str, str], tuple[str | None, bool]] = field(default_factory=dict)

    def look(self, column: str, cell: str) -> None:
        """Note a cell in the profile of its column."""
        low = column.lower()
        if len(self.profiles) < MOST_FIELDS or low in self.profiles:
            (self.profiles.get(low) or self.profiles.setdefault(low, ColumnProfile(column))).note(cell)

    def end_look(self) -> None:
        """Judge the columns by their profiles."""
        self.looking = False
        self._known.clear()
        kinds = ((column, profile.identifies) for column, profile in self.profiles.items())
        self.identifiers = {column: kind for column, kind in kinds if kind is not None}
        long = (column for column, profile in self.profiles.items() if profile.longest > LONGEST_FACT)
        self.long = {column for column in long if column not in self.identifiers}

    def known(self, column: str, text: str) -> tuple[str | None, bool]:
        """Return a cell's text or label, None if it is not known; and whether it lacks a label that others have."""
        found = self._known.get((column, text))
        if found is None:
            labels = self.labels.get(column)
            if labels is not None and text in labels:
                found = (labels[text], False)
            else:
                is_unknown = self._is_unknown(column, text.lower())
                found = (None if is_unknown else text, labels is not None and not is_unknown)
            if len(self._known) < _REMEMBERED and len(text) <= LONGEST_FACT:  # demographics repeat
                self._known[column, text] = found
        return found

    def _is_unknown(self, column: str, word: str) -> bool:
        if column in self.missing:
            return word in self.missing[column]
        is_no_number = column in self.profiles and word in self.profiles[column].words_for_unknown
        return is_no_number or word in self.missing.get("*", NOT_KNOWN)
