"""JSON with the faults of real models: `write(form, fault)`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class Source(str):
    """A value that is written as it is, JSON or not."""


@dataclass(frozen=True)
class Fault:
    """How a form is written. `clear`: readers must repair it."""

    clear: bool = True
    quotes: str = '""'
    python: bool = False
    """Whether True, False and None are the words."""
    raw: str = ""
    """A control character in place of the first space of every text."""
    bare_keys: bool = False
    bold_keys: bool = False
    comma: str = ""
    """What follows the last item of objects and lists."""
    comment: str = ""
    """What follows the comma after the first item of the whole form."""
    before: str = ""
    after: str = ""
    cut: int = 0
    """Number of characters missing at the end."""


FAULTS: Mapping[str, Fault] = {
    "raw newline": Fault(raw="\n"),
    "raw tab": Fault(raw="\t"),
    "raw blank line": Fault(raw="\r\n\r\n"),
    "trailing comma": Fault(comma=","),
    "raw newline, trailing comma": Fault(raw="\n", comma=",\n"),
    "single quotes": Fault(quotes="''"),
    "single quotes, trailing comma": Fault(quotes="''", comma=","),
    "typographic quotes": Fault(quotes="“”"),
    "German quotes": Fault(quotes="„“", clear=False),
    "line comment": Fault(comment="  // from 1 to 3 it would be unfair\n"),
    "block comment": Fault(comment=" /* 2 of 3 points */ "),
    "hash comment": Fault(comment="  # a 1 would be unfair\n", clear=False),
    "commented draft": Fault(comment='\n// "rating": 1, "text": "Never.", "ballot": [{"rule": "Z"}],\n', clear=False),
    "Python": Fault(quotes="''", python=True),
    "Python words": Fault(python=True),
    "bare keys": Fault(bare_keys=True),
    "bold keys": Fault(bold_keys=True, clear=False),
    "doubled braces": Fault(before="{", after="}"),
    "byte order mark": Fault(before="\ufeff"),
    "missing brace": Fault(cut=1),
    "raw newline, bare keys, trailing comma": Fault(raw="\n", bare_keys=True, comma=",", clear=False),
    "backticks": Fault(before="`", after="`"),
    "semicolon": Fault(after=";"),
    "two closing braces": Fault(after="}", clear=False),
}


def faults(*, rare: bool) -> Mapping[str, Fault]:
    """Return the faults that readers must repair, or the others."""
    return {name: fault for name, fault in FAULTS.items() if fault.clear is not rare}


def is_clear(form: Any, fault: Fault) -> bool:
    """Return whether `fault` is clear in this form: no text has the quotes that delimit it."""
    quotes = "" if fault.quotes == '""' or (fault.python and fault.quotes == "''") else fault.quotes
    return fault.clear and not any(quote in text for text in _texts(form) for quote in quotes)


def _texts(form: Any) -> Iterable[str]:
    if isinstance(form, dict):
        form = [*form.values()]
    if isinstance(form, list):
        return [text for item in form for text in _texts(item)]
    return [form] if isinstance(form, str) and not isinstance(form, Source) else []


def write(form: Any, fault: Fault) -> str:
    """Return the whole form."""
    text = _value(form, fault, comment=fault.comment)
    return fault.before + text[: len(text) - fault.cut] + fault.after


def _value(value: Any, fault: Fault, comment: str = "") -> str:
    if isinstance(value, Source):
        return str(value)
    if isinstance(value, str):
        return _text(value, fault)
    if isinstance(value, dict):
        return _joined(
            "{}", [f"{_key(key, fault)}: {_value(item, fault)}" for key, item in value.items()], fault, comment
        )
    if isinstance(value, list):
        return _joined("[]", [_value(item, fault) for item in value], fault, "")
    return repr(value) if fault.python else json.dumps(value)


def _joined(ends: str, items: list[str], fault: Fault, comment: str) -> str:
    if not items:
        return ends
    first = items[0] + ("," if len(items) > 1 else "") + comment
    return ends[0] + " ".join([first, *([", ".join(items[1:])] if items[1:] else [])]) + fault.comma + ends[1]


def _key(key: str, fault: Fault) -> str:
    if fault.bare_keys:
        return key
    return f"**{_quoted(key, fault)}**" if fault.bold_keys else _quoted(key, fault)


def _text(text: str, fault: Fault) -> str:
    quoted = _quoted(text, fault)
    return quoted.replace(" ", fault.raw, 1) if fault.raw else quoted


def _quoted(text: str, fault: Fault) -> str:
    if fault.python and fault.quotes == "''":
        return repr(text)
    if fault.quotes == '""':
        return json.dumps(text, ensure_ascii=False)
    return fault.quotes[0] + text.replace("\\", "\\\\").replace("\n", "\\n") + fault.quotes[1]
