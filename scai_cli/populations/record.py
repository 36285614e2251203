"""Rows whose reads are recorded, so that the account of an import is complete whatever a format reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scai_cli.experiment.scalars import Scalar, scalar
from scai_cli.populations.account import IDENTIFIER, NOT_USED, Account
from scai_cli.populations.clean_text import LONGEST_FACT, BadRow, one_line, readable, short_line, tidy
from scai_cli.populations.identifiers import identifier, mail
from scai_cli.populations.nested import (
    MOST_DEPTH,
    Trail,
    cells,
    fields,
    is_nested,
    leaves,
    lower_keys,
    readable_leaves,
    trail,
    without,
)
from scai_cli.populations.reading import Reading

OTHER_ITEMS: Final = "other items of the list"


@dataclass(slots=True)
class Reads:
    """The reads of one row: what went where."""

    into: dict[str, str] = field(default_factory=dict)
    """Path -> destination."""
    items: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)
    """Path of a list of which only items were read -> item -> destination and number of values."""
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
            kept = count - lost[path] if lost else count
            if path in self.items:
                others = max(0, count - sum(some for _, some in self.items[path].values()))
                one.left_out.update({OTHER_ITEMS: others} if others else {})
                kept -= others
                for destination, some in self.items[path].values():
                    one.into.update({destination: min(some, kept)} if kept > 0 else {})
                    kept -= some
            elif kept > 0:
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
        steps = self._trail(path)
        return None if steps is None else (".".join(key for key, _ in steps), steps[-1][1])

    def _trail(self, path: str) -> Trail | None:
        if path in self.values:
            return ((path, self.values[path]),)
        if self._lower is None:
            self._lower = lower_keys(self.values)
        return trail(self.values, path, self._lower)

    def take(self, path: str, into: str) -> Any:
        """Return the value as it is, None if there is none; all of it is entered as gone to the destination."""
        reads, is_item = self.reads, False
        if path in self.values:  # as in most tables
            value, spelt = self.values[path], self._outer + path
        elif (steps := self._trail(path)) is None:
            return None
        else:
            value, spelt = steps[-1][1], self._outer + _field(steps)
            is_item = any(isinstance(outer, list | tuple) for _, outer in steps[:-1])
        earlier = reads.into.get(spelt)
        if not earlier:
            reads.into[spelt] = into
        elif earlier != into and not set(into.split(", ")) <= set(earlier.split(", ")):
            reads.into[spelt] = f"{earlier}, {into}"
        if is_item:
            reads.items.setdefault(spelt, {})[path.lower()] = (into, leaves(value))
        elif reads.items:
            reads.items.pop(spelt, None)
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

    def rest(self, taken: Iterable[str] = ()) -> dict[str, Scalar]:
        """Return the known values of all keys that were not read and do not look like identifiers, as attributes.

        A name that another key has too, or that is `taken`, gets a number.
        """
        facts: dict[str, Scalar] = {}
        names = set(taken)
        for key in self._unread():
            name = _numbered(short_line(key) or "column", names)
            names.add(name)
            if (known := self._fact(key, self._unnamed(key, f"attributes.{name}"))) is not None:
                facts[name] = known
        return facts

    def long_rest(self) -> list[str]:
        """Return the texts of the keys that were not read and are too long for attributes, each after its key."""
        if not self.reading.long:
            return []
        long = [key for key in self._unread() if self._column(key) in self.reading.long]
        texts = ((key, self._text(key, self._unnamed(key, "description"))) for key in long)
        return [f"{one_line(key)}: {text}" for key, text in texts if text]

    def _unnamed(self, key: str, into: str) -> Any:
        """Take the value of a key that nobody named, without what looks like an identifier; None if it is all."""
        value, reading = self.values[key], self.reading
        kind = mail(key) or reading.identifiers.get(self._column(key))
        is_text = type(value) is str
        if kind is None and is_text and not reading.looking:
            kind = identifier(value, key)  # this cell alone
        if kind is not None:
            self.leave_out(key, IDENTIFIER + kind)
            return None
        if is_text or not is_nested(value):
            return self.take(key, into)
        if reading.looking:
            for path, text in cells(value, self._outer + key):
                if path != self._outer + key:  # a list of texts is judged as a whole
                    reading.look(path, text)
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
        kind = mail(path) or self.reading.identifiers.get(self._column(path))
        return kind or identifier(text, path.rpartition(".")[2])

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
        steps = self._trail(path)
        return self._outer + (_field(steps) if steps else path)

    def _column(self, path: str) -> str:
        return (self._outer + path).lower()

    def _named(self, path: str) -> str:
        return f"the column {self._spelt(path)!r}"


def _field(steps: Trail) -> str:
    """Return the path of a trail up to the first list, as the account has no items of lists."""
    lists = (n for n, (_, value) in enumerate(steps, 1) if isinstance(value, list | tuple))
    return ".".join(key for key, _ in steps[: next(lists, len(steps))])


def _numbered(name: str, taken: set[str]) -> str:
    """Return the name, with a number if it is taken."""
    number, numbered = 1, name
    while numbered in taken:
        number += 1
        numbered = f"{name} ({number})"
    return numbered
