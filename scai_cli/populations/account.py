"""The account of an import: per field of the source where its values went, and which are not in the output."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scai_cli.text.counts import counted

IDENTIFIER: Final = "like identifiers: "
"""The beginning of the reason for a column whose cells look like identifiers; their kind follows."""
NOT_USED: Final = "not used"
MOST_FIELDS: Final = 50_000
"""The most fields of an account: a file whose rows all have other keys must not fill the memory."""
_MOST_WORDS: Final = 1_000
_NAMED: Final = 200
"""The most fields to name in one list of the terminal; the JSON names all."""
_LONGEST: Final = 300
"""The most characters of a field and its counts there."""
_ENOUGH: Final = 600
"""The characters after which a list of fields that are in the output ends."""
_MOST_SHOWN_WORDS: Final = 20


@dataclass(slots=True)
class FieldAccount:
    """What became of the values of one field; an item of a list and a value of a nested object count as values."""

    values: int = 0
    empty: int = 0
    """Rows in which it has no value."""
    into: Counter[str] = field(default_factory=Counter)
    """Destination (`name`, `attributes.age`, ...) -> values."""
    not_known: Counter[str] = field(default_factory=Counter)
    """Word that counts as "not known" -> values."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Reason -> values."""
    no_label: Counter[str] = field(default_factory=Counter)
    """Code without a label in a map with labels for this column -> values; they are kept."""

    @staticmethod
    def count(counter: Counter[str], word: str) -> None:
        """Count a value under its word, or under `...` if there are too many words already."""
        counter[word if word in counter or len(counter) < _MOST_WORDS else "..."] += 1

    def as_object(self) -> dict[str, Any]:
        """Return the counts that are not empty."""
        parts = {"into": self.into, "not_known": self.not_known, "left_out": self.left_out, "no_label": self.no_label}
        return {
            "values": self.values,
            "empty": self.empty,
            **{key: dict(counts) for key, counts in parts.items() if counts},
        }


@dataclass(slots=True)
class Account:
    """The account of a file: its rows and its fields, a nested field as `outer.inner`, the items of a list as one."""

    file: str
    format: str
    read: int = 0
    """Rows of the source, those left out included."""
    written: int = 0
    """Personas or tasks."""
    bad: int = 0
    rows_left_out: Counter[str] = field(default_factory=Counter)
    """Reason -> rows without an item of their own, other than bad ones."""
    merged: int = 0
    """Rows that were merged into a persona of an earlier row."""
    fields: dict[str, FieldAccount] = field(default_factory=dict)
    repeated_ids: int = 0
    """Rows whose id is that of an earlier row, and got a number after it."""
    codes: tuple[str, ...] = ()
    """Fields whose values are all small whole numbers, and have no labels."""
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    """Field -> words that it has as answers, and that are not known among the numbers of other fields."""
    person: str = ""
    """Field that perhaps says which rows are of one person, if rows were not merged; "" if none."""

    def of(self, name: str) -> FieldAccount:
        """Return the account of a field; beyond `MOST_FIELDS` the others share one."""
        if len(self.fields) >= MOST_FIELDS and name not in self.fields:
            name = "other fields"
        return self.fields.get(name) or self.fields.setdefault(name, FieldAccount())

    def withdraw(self, into: str, reason: str, most: int = sys.maxsize, name: str | None = None) -> None:
        """Enter values that had gone to a destination, of all fields or of one, as left out for a reason."""
        for one in self.fields.values() if name is None else [self.of(name)]:
            if moved := min(most, one.into[into]):
                one.into.subtract({into: moved})
                one.into += Counter()  # drops a zero
                one.left_out[reason] += moved
                most -= moved

    def as_object(self, kind: str) -> dict[str, Any]:
        """Return the object that `--json` prints; `kind` is `personas` or `tasks`."""
        rows = {"read": self.read, "bad": self.bad, "merged": self.merged, "left_out": dict(self.rows_left_out)}
        fields = {name: one.as_object() for name, one in self.fields.items()}
        words = {name: dict(counts) for name, counts in self.answers.items()}
        described = {"file": self.file, "format": self.format, kind: self.written, "rows": rows, "fields": fields}
        described |= {"repeated_ids": self.repeated_ids, "perhaps_not_known": words}
        return {**described, "perhaps_codes": list(self.codes), "perhaps_person": self.person}

    def lines(self) -> Iterator[str]:
        """Yield the lines for the terminal: destinations first, then all that is not in the output."""
        yield from _listed(f"{counted(len(self.fields), 'field')}: ", self._destinations(), "; ")
        yield from _listed("not known: ", self._not_known(), "; ")
        yield from _listed("codes without a label, kept: ", _cut(self._without_label()), "; ")
        reasons = dict.fromkeys(reason for one in self.fields.values() for reason in one.left_out)
        alike = {reason: reason.removeprefix(IDENTIFIER) for reason in reasons if reason.startswith(IDENTIFIER)}
        same = [f"{field} ({kind})" for reason, kind in alike.items() for field in self._left_out(reason)]
        yield from _listed("left out, like identifiers; a map (--map) that names them keeps them: ", _cut(same))
        for reason in (reason for reason in reasons if reason not in alike):
            yield from _listed(f"left out, {reason}: ", _cut(self._left_out(reason)))
        empty = [name for name, one in self.fields.items() if not one.values]
        yield from _listed("empty: ", list(_enough(empty)))
        for reason, rows in self.rows_left_out.items():
            yield f"left out, {reason}: {counted(rows, 'row')}"
        if self.merged:
            yield f"merged into earlier rows: {counted(self.merged, 'row')}"
        if self.repeated_ids:
            yield f"ids of earlier rows, with a number (-2, -3, ...) after each: {counted(self.repeated_ids, 'row')}"
        kept = [f"{name} ({_quoted(words)})" for name, words in self.answers.items()]
        yield from _listed("kept as answers, perhaps not known; a map can say so (`missing:`): ", kept, "; ")
        if self.person:
            yield f"perhaps several rows per person; a map with `person: {self.person}` makes one persona of them"
        codes = list(_enough(self.codes))
        yield from _listed("perhaps codes, as all are small whole numbers; a map can give labels (`values:`): ", codes)

    def _destinations(self) -> list[str]:
        """Return `story, hopes -> description`: fields with the same destination, or the same kind, together."""
        groups: dict[str, list[str]] = {}
        for name, one in self.fields.items():
            for into in one.into:
                kind, _, key = into.partition(".")
                groups.setdefault(kind if f".{name}".endswith(f".{key}") else into, []).append(name)
        return [f"{', '.join(_enough(names))} -> {into}" for into, names in groups.items()]

    def _not_known(self) -> list[str]:
        """Return `“NA” (party 2, age 1)` for each word, the most frequent first."""
        fields: dict[str, list[tuple[str, int]]] = {}
        for name, one in self.fields.items():
            for word, count in one.not_known.items():
                fields.setdefault(word, []).append((name, count))
        order = sorted(fields, key=lambda word: -sum(count for _, count in fields[word]))
        shown = [
            f"“{word[:40]}” ({', '.join(_cut([f'{name} {count:,}' for name, count in fields[word]]))})"
            for word in order[:_MOST_SHOWN_WORDS]
        ]
        more = len(order) - len(shown)
        return [*shown, f"and {counted(more, 'other word')} (--json)"] if more else shown

    def _without_label(self) -> list[str]:
        """Return `sex (“3” 2, “4” 1)` for each field with codes that have no label."""
        return [f"{name} ({_quoted(one.no_label)})" for name, one in self.fields.items() if one.no_label]

    def _left_out(self, reason: str) -> list[str]:
        """Return the fields with values that were left out for a reason, with numbers unless it was all of them."""
        found = ((name, one, one.left_out[reason]) for name, one in self.fields.items())
        return [
            name if count == one.values else f"{name} ({count:,} of {one.values:,})"
            for name, one, count in found
            if count
        ]


def _listed(title: str, parts: list[str], separator: str = ", ") -> Iterator[str]:
    if parts:
        yield title + separator.join(parts)


def _cut(names: list[str]) -> list[str]:
    more = len(names) - _NAMED
    shown = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in names[:_NAMED]]
    return [*shown, f"and {more:,} more (--json)"] if more > 0 else shown


def _enough(names: Sequence[str]) -> Iterator[str]:
    """Yield the names of fields that are in the output, until there are enough for a line."""
    room = _ENOUGH
    for n, name in enumerate(names):
        if room <= 0:
            yield f"and {len(names) - n:,} more (--json)"
            return
        room -= len(name)
        yield name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def _quoted(words: Counter[str]) -> str:
    shown = [f"“{word[:40]}” {count:,}" for word, count in words.most_common(5)]
    more = sum(words.values()) - sum(count for _, count in words.most_common(5))
    return ", ".join([*shown, f"others {more:,}"] if more else shown)
