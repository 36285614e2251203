"""Look into nested objects and lists: find a value by its path, their cells, and the value without some of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from scai_cli.populations.clean_text import readable

Trail = tuple[tuple[str, Any], ...]
"""The keys on a path with their values, from the outermost one."""

_MOST_DIGITS: Final = 9
"""The most digits of the number of an item."""
MOST_DEPTH: Final = 20
"""The depth below which an object counts as one cell."""
Judge = Callable[[str, str], str | None]
"""Returns the reason to leave a cell out, by the path of its keys and its text; None to keep it."""


def lower_keys(keys: Iterable[str]) -> dict[str, str]:
    """Return key in small letters -> key; of several, the first one."""
    return {key.lower(): key for key in reversed(list(keys))}


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


def is_nested(value: Any) -> bool:
    """Return whether a value is an object or a list."""
    return isinstance(value, Mapping | list | tuple)


def cells(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield each cell as the path of its keys, without positions in lists, and its text."""
    if isinstance(value, Mapping) and depth < MOST_DEPTH:
        for key, inner in value.items():
            yield from cells(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list | tuple) and depth < MOST_DEPTH:
        for inner in value:
            yield from cells(inner, path, depth + 1)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, str(value)


def fields(value: Any, path: str, depth: int = 0) -> Iterator[str]:
    """Yield the paths that the account has for a value: those of its inner objects, a list as one."""
    if isinstance(value, Mapping) and value and depth < MOST_DEPTH:
        for key, inner in value.items():
            yield from fields(inner, f"{path}.{key}", depth + 1)
    else:
        yield path


def without(
    value: Any, path: str, judge: Judge, lost: Counter[tuple[str, str]], field: str = "", depth: int = 0
) -> Any:
    """Return the value without the cells that are judged, None for one of them.

    They are counted in `lost` by field of the account and reason; the field of all that a list has is the list.
    """
    if isinstance(value, Mapping) and depth < MOST_DEPTH:
        inside = {key: without(inner, f"{path}.{key}", judge, lost, field, depth + 1) for key, inner in value.items()}
        return {key: kept for key, kept in inside.items() if kept is not None or value[key] is None}
    if isinstance(value, list | tuple) and depth < MOST_DEPTH:
        items = [without(item, path, judge, lost, field or path, depth + 1) for item in value]
        return [kept for kept, item in zip(items, value, strict=True) if kept is not None or item is None]
    for _, text in cells(value, path, MOST_DEPTH):
        if text.strip() and (reason := judge(path, text)) is not None:
            lost[field or path, reason] += 1
            return None
    return value


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
