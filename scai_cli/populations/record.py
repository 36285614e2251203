"""Rows whose reads are recorded, so that the account of an import is complete whatever a format reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scai_cli.experiment.scalars import Scalar, scalar
from scai_cli.populations.account import IDENTIFIER, MOST_FIELDS, NOT_USED, Account
from scai_cli.populations.clean_text import LONGEST_FACT, BadRow, one_line, readable, short_line, tidy
from scai_cli.populations.identifiers import identifier
from scai_cli.populations.nested import MOST_DEPTH, cells, fields, is_nested, leaves, readable_leaves, without
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


@dataclass(slots=True)
class Reads:
    """The reads of one row: what went where."""

    into: dict[str, str] = field(default_factory=dict)
    """Path -> destination."""
    lost: list[tuple[str, str, int]] = field(default_factory=list)
    """Path, reason and number of values that were read and are not in the output."""
    unknown: list[tuple[str, str]] = field(default_factory=list)
    """Path and word."""
    no_label: list[tuple[str, str]] = field(default_factory=list)

    def enter(self, account: Account, value: Any) -> None:
        """Enter the row with this value into an account."""
        lost: Counter[str] = Counter()
        for path, _, count in self.lost:
            lost[path] += count
        for path, _ in self.unknown:
            lost[path] += 1
        self._enter(account, value, "", lost, 0)  # first, so that the account has the order of the file
        for path, reason, count in self.lost:
            account.of(path).left_out[reason] += count
        for path, word in self.unknown:
            account.of(path).count(account.of(path).not_known, word)
        for path, code in self.no_label:
            account.of(path).count(account.of(path).no_label, code)

    def _enter(self, account: Account, values: Mapping[str, Any], outer: str, lost: Counter[str], depth: int) -> None:
        for key, value in values.items():
            path = f"{outer}{key}"
            into = self.into.get(path)
            if into is None and isinstance(value, Mapping) and value and depth < MOST_DEPTH:
                self._enter(account, value, f"{path}.", lost, depth + 1)
                continue
            count, one = leaves(value), account.of(path)
            one.values += count
            one.empty += not count
            if (kept := count - lost[path] if lost else count) > 0:
                (one.left_out if into is None else one.into)[NOT_USED if into is None else into] += kept


class Record:
    """An object of a row. Each read states the destination; what nobody reads, the account lists as left out.

    A path is a key, or keys of nested objects joined by dots (`location.country`, `messages.0.content`). A key matches
    whatever its case if no other does exactly.
    """

    __slots__ = ("_lower", "_outer", "reading", "reads", "values")

    def __init__(
        self, values: Mapping[str, Any], reading: Reading, reads: Reads | None = None, outer: str = ""
    ) -> None:
        self.values, self.reading = values, reading
        self.reads = Reads() if reads is None else reads
        self._outer = outer
        self._lower: dict[str, str] | None = None

    def find(self, path: str) -> tuple[str, Any] | None:
        """Return the path in the spelling of the file, and its value; None if there is none."""
        if path in self.values:
            return path, self.values[path]
        if self._lower is None:
            self._lower = {key.lower(): key for key in reversed(list(self.values))}
        if (key := self._lower.get(path.lower())) is not None:
            return key, self.values[key]
        for at in _dots(path):
            outer = self.find(path[:at])
            if outer is not None and (inner := self._inside(outer[1], path[at + 1 :])) is not None:
                return f"{outer[0]}.{inner[0]}", inner[1]
        return None

    def _inside(self, value: Any, path: str) -> tuple[str, Any] | None:
        if isinstance(value, Mapping):
            return Record(value, self.reading).find(path)
        first, _, rest = path.partition(".")
        if not isinstance(value, list | tuple) or not first.isdecimal() or int(first) >= len(value):
            return None
        item = value[int(first)]
        inner = self._inside(item, rest) if rest else None
        return (f"{first}.{inner[0]}", inner[1]) if inner else None if rest else (first, item)

    def take(self, path: str, into: str) -> Any:
        """Return the value as it is, None if there is none; all of it is entered as gone to the destination."""
        found = self.find(path)
        if found is None:
            return None
        spelt, value = found
        for at in _dots(spelt):
            outer = self.find(spelt[:at])
            if outer is not None and isinstance(outer[1], list | tuple):  # the account has no items of lists
                self.leave_out(spelt[:at], "other items of the list", leaves(outer[1]) - leaves(value))
                spelt = spelt[:at]
                break
        earlier = self.reads.into.get(self._outer + spelt)
        if not earlier:
            self.reads.into[self._outer + spelt] = into
        elif earlier != into and not set(into.split(", ")) <= set(earlier.split(", ")):
            self.reads.into[self._outer + spelt] = f"{earlier}, {into}"
        return value

    def first(self, paths: tuple[str, ...]) -> str | None:
        """Return the first of these paths with a value that is not blank."""
        return next((path for path in paths if (found := self.find(path)) is not None and leaves(found[1])), None)

    def text(self, path: str | None, into: str) -> str:
        """Return a text without control characters, lists and objects as readable text; "" if it is not known."""
        if path is None:
            return ""
        return self._text(path, self.take(path, into))

    def _text(self, path: str, value: Any) -> str:
        return self._known(path, tidy(value if isinstance(value, str) else readable(value), self._named(path)), value)

    def line(self, path: str | None, into: str) -> str:
        """Return a text in one line, likewise."""
        return " ".join(self.text(path, into).split())

    def fact(self, path: str, into: str) -> Scalar | None:
        """Return an attribute's value, None if it is not known; raises BadRow if it is too long."""
        return self._fact(path, self.take(path, into))

    def _fact(self, path: str, value: Any) -> Scalar | None:
        is_short = type(value) is str and len(value) <= LONGEST_FACT
        text = short_line(value) if is_short else one_line(readable(value), self._named(path))
        if text and self.reading.looking:
            self.reading.look(self._outer + path, text)
        text = self._known(path, text, value)
        if len(text) > LONGEST_FACT and not self.reading.looking:
            limit = f"at most {LONGEST_FACT} are allowed in an attribute; name it under `description:` in a map (--map)"
            raise BadRow(f"{self._named(path)} has {len(text):,} characters; {limit}")
        return scalar(text) if text else None

    def _known(self, path: str, text: str, value: Any) -> str:
        """Return the text, or the label that the map has for it; enter and return "" if it is not known."""
        if type(value) is float and not text:
            self.unknown(path, str(value))
        elif (not text or type(value) is not str) and (lost := leaves(value) - (readable_leaves(value) if text else 0)):
            self.leave_out(path, "not text", lost)
        if not text:
            return ""
        label, lacks_label = self.reading.known(self._column(path), text)
        if label is None:
            self.unknown(path, text)
        if lacks_label:
            self.reads.no_label.append((self._spelt(path), text))
        return label or ""

    def rest(self, into: str = "attributes") -> dict[str, Scalar]:
        """Return the known values of all keys that were not read and do not look like identifiers, as attributes."""
        facts: dict[str, Scalar] = {}
        reading, looking = self.reading, self.reading.looking
        for key in self._unread():
            kind = reading.identifiers.get(self._column(key))
            if kind is None and not looking and type(value := self.values[key]) is str:
                kind = identifier(value, key)  # this cell alone
            if kind is not None:
                self.leave_out(key, IDENTIFIER + kind)
            elif (known := self._fact(key, self._shown(key, f"{into}.{(name := short_line(key))}"))) is not None:
                facts[name or "column"] = known
        return facts

    def long_rest(self, into: str = "description") -> list[str]:
        """Return the texts of the keys that were not read and are too long for attributes, each after its key."""
        if not self.reading.long:
            return []
        long = [key for key in self._unread() if self._column(key) in self.reading.long]
        return [f"{one_line(key)}: {text}" for key in long if (text := self._text(key, self._shown(key, into)))]

    def _shown(self, key: str, into: str) -> Any:
        """Take the value of a key that nobody named, an object or a list without what looks like an identifier."""
        value = self.values[key]
        if not is_nested(value):
            return self.take(key, into)
        if self.reading.looking:
            for path, text in cells(value, self._outer + key):
                if path != self._outer + key:  # a list of texts is judged as a whole
                    self.reading.look(path, text)
        lost: Counter[tuple[str, str]] = Counter()
        shown = without(value, key, self._judge, lost)
        if not lost:
            return self.take(key, into)
        for path in fields(value, key):
            self.take(path, into)
        for (path, kind), count in lost.items():
            self.leave_out(path, IDENTIFIER + kind, count)
        return shown

    def _judge(self, path: str, text: str) -> str | None:
        if self.reading.looking:
            return None
        return self.reading.identifiers.get(self._column(path)) or identifier(text, path.rpartition(".")[2])

    def part(self, path: str) -> Record:
        """Return a nested object; an empty one if there is none."""
        found = self.find(path)
        is_object = found is not None and isinstance(found[1], Mapping)
        values, outer = (found[1], f"{self._outer}{found[0]}.") if is_object and found else ({}, "")
        return Record(values, self.reading, self.reads, outer)

    def leave_out(self, path: str, reason: str, count: int | None = None) -> None:
        """Enter values of a field as left out for a reason: all if `count` is None, the field then counts as read."""
        found = self.find(path)
        if found is None:
            return
        if count is None:
            self.reads.into.setdefault(self._outer + found[0], "")
        if lost := leaves(found[1]) if count is None else count:
            self.reads.lost.append((self._outer + found[0], reason, lost))

    def leave_out_all(self, reasons: Mapping[str, Iterable[str]]) -> None:
        """Enter the fields that were not read, by reason, as left out."""
        for reason, paths in reasons.items():
            for path in paths:
                if (found := self.find(path)) is not None and self._outer + found[0] not in self.reads.into:
                    self.leave_out(path, reason)

    def unknown(self, path: str, word: str) -> None:
        """Enter a value as not known, by its word."""
        self.reads.unknown.append((self._spelt(path), word))

    def is_read(self, key: str) -> bool:
        """Return whether a key was read, or left out for a reason."""
        return self._outer + key in self.reads.into

    def is_unknown(self, path: str, word: str) -> bool:
        """Return whether a word counts as "not known" in a field."""
        return self.reading.known(self._column(path), word)[0] is None

    def _unread(self) -> list[str]:
        taken = self.reads.into

        def is_partly(key: str) -> bool:
            inner = f"{self._outer}{key}."
            return isinstance(self.values[key], Mapping) and any(path.startswith(inner) for path in taken)

        return [key for key in self.values if self._outer + key not in taken and not is_partly(key)]

    def _spelt(self, path: str) -> str:
        found = self.find(path)
        return self._outer + (found[0] if found else path)

    def _column(self, path: str) -> str:
        return (self._outer + path).lower()

    def _named(self, path: str) -> str:
        return f"the column {self._spelt(path)!r}"


def _dots(path: str) -> list[int]:
    return [n for n, character in enumerate(path) if character == "."] if "." in path else []
