"""Describe a person by the texts of nested objects, in order of weight and whole, as far as a budget goes."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from scai_cli.populations.account import IDENTIFIER
from scai_cli.populations.clean_text import one_line, readable, sentence
from scai_cli.populations.identifiers import identifier
from scai_cli.populations.nested import leaves, readable_leaves
from scai_cli.populations.record import Record

BUDGET: Final = 10_000
"""The most characters of a description that is joined from the texts of an object: about 2,500 tokens of a prompt."""
BEYOND: Final = f"beyond {BUDGET:,} characters of description"
"""The reason for a text that does not fit; it is left out as a whole, and shorter ones after it may still fit."""
_MOST_DEPTH: Final = 12


class TitledTexts:
    """Collects texts under titles: `Beliefs: Thrift is a virtue; Printing is a public service.`

    A title is the keys in words, without `untitled` ones. What is left out is entered in the account of the row.
    """

    def __init__(self, untitled: Iterable[str] = ()) -> None:
        self._untitled = frozenset(untitled)
        self._groups: dict[str, list[str]] = {}
        self._left = BUDGET

    def say(self, text: str) -> None:
        """Add a sentence without a title."""
        if text:
            self._left -= len(text) + 1
            self._groups.setdefault(text, [])

    def add(self, row: Record, key: str, outer: tuple[str, ...] = ()) -> None:
        """Add all texts of a key: one for a value, one for each item of a list, and so on for a nested object."""
        found = row.find(key)
        if found is None:
            return
        keys = (*outer, found[0])
        if isinstance(found[1], Mapping) and found[1] and len(keys) < _MOST_DEPTH:
            inner = row.part(key)
            for inner_key in (one for one in found[1] if not inner.is_read(one)):
                self.add(inner, inner_key, keys)
            return
        value = row.take(key, "description")
        for item in value if isinstance(value, list | tuple) else (value,):
            self._add_item(row, key, self._title(keys), item)

    def joined(self) -> str:
        """Return the description."""
        shown = (f"{title}: {sentence('; '.join(texts))}" if texts else title for title, texts in self._groups.items())
        return " ".join(shown)

    def _add_item(self, row: Record, key: str, title: str, item: Any) -> None:
        count, text = leaves(item), _item_text(item)
        if lost := count - readable_leaves(item) if text.strip() else count:
            row.leave_out(key, "not text", lost)
        if not text.strip() or count == lost:
            return
        if row.is_unknown(key, text):
            row.unknown(key, text)
        elif kind := identifier(text, key):
            row.leave_out(key, IDENTIFIER + kind, count)
        elif (size := len(text) + 2 + (0 if title in self._groups else len(title) + 2)) > self._left:
            row.leave_out(key, BEYOND, count - lost)
        else:
            self._left -= size
            self._groups.setdefault(title, []).append(one_line(text).rstrip("."))

    def _title(self, keys: tuple[str, ...]) -> str:
        titled = [key for key in keys if key not in self._untitled] or [keys[0]]
        words = ", ".join(one_line(key[:80]).replace("_", " ").strip() for key in titled)
        return words[:1].upper() + words[1:] if words.strip(" ,") else "More"


def _item_text(item: Any) -> str:
    """Return an item as text: `{"trait": text}` as its text, `{"name": ..., "description": ...}` after the name."""
    if not isinstance(item, Mapping):
        return readable(item)
    known = {key: value for key, value in item.items() if readable(value)}
    if "name" in known and len(known) > 1 and isinstance(known["name"], str):
        others = {key: value for key, value in known.items() if key != "name"}
        return f"{known['name'].strip()}: {_item_text(others)}"
    first = next(iter(known.values()), None)
    return first if len(known) == 1 and isinstance(first, str) else readable(known)
