"""Nested values of a row: find one by its path, count them, take some out."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from scai_cli.populations.clean_text import readable

Trail = tuple[tuple[str, Any], ...]
"""The keys on a path with their values, from the outermost one."""

_MOST_DIGITS: Final = 9
"""The most digits of the number of an item."""


def lower_keys(values: Mapping[str, Any]) -> dict[str, str]:
    """Return key in small letters -> key; of several, the first one."""
    return {key.lower(): key for key in reversed(list(values))}


def trail(value: Any, path: str, lower: Mapping[str, str] | None = None) -> Trail | None:
    """Return the trail of a path (`a.b`, `messages.0.content`) in the spelling of the file; None if there is none.

    Keys can have dots themselves, and match whatever their case if none does exactly. `lower` are the `lower_keys`.
    """
    if isinstance(value, Mapping):
        lower = lower_keys(value) if lower is None else lower
        for at in (len(path), *(n for n, character in enumerate(path) if character == ".")):
            key = path[:at] if path[:at] in value else lower.get(path[:at].lower())
            if key is not None and at == len(path):
                return ((key, value[key]),)
            if key is not None and (inner := trail(value[key], path[at + 1 :])) is not None:
                return ((key, value[key]), *inner)
        return None
    first, dot, rest = path.partition(".")
    is_item = isinstance(value, list | tuple) and first.isdecimal() and len(first) <= _MOST_DIGITS
    if not is_item or int(first) >= len(value):
        return None
    item = value[int(first)]
    if not dot:
        return ((first, item),)
    inner = trail(item, rest)
    return None if inner is None else ((first, item), *inner)


def leaves(value: Any) -> int:
    """Return the number of values that are not blank in a cell, a list or a nested object."""
    if isinstance(value, str):
        return int(value != "" and not value.isspace())
    if isinstance(value, Mapping):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list | tuple) else int(value is not None)


def readable_leaves(value: Any) -> int:
    """Return how many of the `leaves` of a value can be written as text."""
    if isinstance(value, str):
        return leaves(value)
    if isinstance(value, Mapping | list | tuple):
        return sum(map(readable_leaves, value.values() if isinstance(value, Mapping) else value))
    return int(bool(readable(value)))


def without(value: Any, path: str, reason: Callable[[str, Any], str | None], left_out: Counter[str]) -> Any:
    """Return a value without the parts that have a reason to be left out, which are counted by reason.

    `reason` gets the path, in which the items of a list have that of the list, and the value, or None for a key alone.
    """
    if isinstance(value, Mapping):
        kept = {}
        for key, inner in value.items():
            if (why := reason(f"{path}.{key}", None)) is not None:
                left_out[why] += leaves(inner)
            else:
                kept[key] = without(inner, f"{path}.{key}", reason, left_out)
        return kept
    if isinstance(value, list | tuple):
        return [without(item, path, reason, left_out) for item in value]
    why = None if value is None else reason(path, value)
    if why is None:
        return value
    left_out[why] += leaves(value)
    return None
