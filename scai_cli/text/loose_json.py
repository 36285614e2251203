"""JSON objects in a text, with the faults that models make in them and with words around them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_TRIED: Final = 20
"""The number of faulty objects to look at, so that the time stays linear in the length of a text."""
_LONGEST: Final = 20_000
"""The number of characters of a faulty object that is repaired."""
_A_COMMENT: Final = r"(?>//[^\n]{0,300}|/\*.{0,300}?\*/|(?<=[\s,])#[^\n]{0,300})"
_KEY: Final = r"[\"'“„‘][^\"'“”„‘’{}:\n]{1,60}[\"'“”‘’]|[\w-]{1,60}"
_OPENING: Final = re.compile(rf"\{{(?:\s++|{_A_COMMENT}){{0,20}}+(?:{_KEY})\s*:", re.DOTALL)
_TEXT: Final = r"\"(?:[^\"\\]|\\.)*\"|“[^“”]*”|„[^„“]*“|'(?:[^'\\\n]|\\.)*'(?=\s*[,:}\]])"
_COMMENT: Final = re.compile(f"({_TEXT})|{_A_COMMENT}", re.DOTALL)
_TYPOGRAPHIC: Final = re.compile(r"(?<=[{\[,:])(\s*)[“”„]|[”“](?=\s*[,:}\]])")
_BARE_NUMBER: Final = re.compile(r"(?<=[\w\"'”]:)\s*([+-]?\d[^,{}\[\]\"\n]*)")
"""A number after a key with more than digits, such as `8/10` or `80 %`, to be read as a text."""
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf]|(.))", re.DOTALL)
_DECORATION: Final = re.compile(r"[\s{}\[\]()\"'“”„‘’:,*`\\]+")


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object at `start` to `end` of a text; `data` is None if it has faults that allow more than one reading."""

    data: dict[str, Any] | None
    start: int
    end: int
    repaired: bool = False


def find_objects(text: str, *, whole: bool = True) -> Iterator[FoundObject]:
    """Yield the outermost JSON objects of a text in order; complete an open one only at the end of a `whole` text."""
    end, tried = 0, 0
    while opening := _OPENING.search(text, end):
        at = opening.start()
        try:
            data, end = _STRICT.raw_decode(text, at)
            found = FoundObject(data, at, end)
        except (ValueError, RecursionError):
            tried += 1
            found = _faulty(text, at, whole=whole) if tried <= _TRIED else FoundObject(None, at, len(text))
        end = found.end
        yield found


def _faulty(text: str, at: int, *, whole: bool) -> FoundObject:
    try:
        data, end = _LENIENT.raw_decode(text, at)
        return FoundObject(data, at, end, repaired=True)
    except (ValueError, RecursionError):
        closing = _closing(text, at)
    source = text[at:closing].rstrip("` \n")
    # Open: only the last brace may be missing, as more would look like an answer that was cut off.
    readable = closing or (
        whole and source.count("{") - source.count("}") == 1 and source.count("[") == source.count("]")
    )
    in_text = text[at - 1 : at] in ('"', "'") if at else False  # then its quotes are escaped
    data = _repair(source) if readable and not in_text and len(source) <= _LONGEST else None
    return FoundObject(data, at, closing or len(text), repaired=True)


def _closing(text: str, at: int) -> int | None:
    """Return the end of an object by counting braces; None if it is open."""
    depth = 0
    for brace in re.finditer(r"[{}]", text[at:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return at + brace.end()
    return None


def _repair(source: str) -> dict[str, Any] | None:
    """Return the repaired object if it has each character of its source, in order: the library also guesses."""
    from json_repair import repair_json  # late: few answers need it

    bare = _COMMENT.sub(lambda match: match[1] or " ", source)
    if source[1:].lstrip()[:1] in ("“", "„"):
        source = bare = _TYPOGRAPHIC.sub(r'\1"', bare)
    for attempt in (source, bare, _BARE_NUMBER.sub(r' "\1"', bare)):
        try:
            data = repair_json(attempt, return_objects=True)
        except (ValueError, LookupError, TypeError, RuntimeError):
            continue
        if isinstance(data, dict) and _bare(_ESCAPE.sub(_character, attempt)) == _bare(" ".join(_words(data))):
            return data
    return None


def _bare(text: str) -> str:
    return _DECORATION.sub("", text).casefold().replace("none", "null")  # Python's None


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2] or " "


def _words(value: object) -> Iterator[str]:
    """Yield the keys and values of an object in order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    else:
        yield value if isinstance(value, str) else json.dumps(value)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object in which a repeated key with different values has the list of them, which fits no form."""
    data = dict(pairs)
    if len(data) < len(pairs):
        said: dict[str, list[Any]] = {}
        for name, value in pairs:
            said.setdefault(name, []).append(value)
        data = {name: values[0] if all(v == values[0] for v in values) else values for name, values in said.items()}
    return data


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_pairs)
_LENIENT: Final = json.JSONDecoder(object_pairs_hook=_pairs, strict=False)
"""Allows line ends in texts."""
