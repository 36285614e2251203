"""Resolve plain scalars as YAML 1.2 does: only true and false are booleans, and numbers are decimal."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import yaml

from scai_cli.experiment.scalars import Scalar, scalar

_TAG: Final = "tag:yaml.org,2002:"
MERGE: Final = f"{_TAG}merge"
_KINDS: Final = (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F]+)", "-+0123456789"),
    (
        "float",
        r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?|\.[0-9]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("merge", "<<", "<"),
)
"""Kind -> its plain scalars and their first characters.

Each is of this kind in YAML 1.1 too: the texts that PyYAML writes plain, e.g. the digest 12e45, are read as text.
"""


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A loader of nodes whose tags follow YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _kind, _pattern, _first in _KINDS:
    Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


def typed(kind: str, text: str) -> Any:
    """Return the null, boolean or number that a scalar of YAML gives; raises ValueError or KeyError."""
    if kind == "null":
        return None
    if kind == "bool":
        return {"true": True, "false": False}[text.lower()]
    if kind == "int":
        return int(text, 16 if "x" in text else 10)
    return float(re.sub(r"\.(?=[in])", "", text.lower()))


def as_written(kind: str, text: str) -> Scalar | None:
    """Return a scalar of YAML as it is written; None for `null`, `~` and for nothing."""
    if kind == "null" and text in ("", "~", "null"):
        return None
    return scalar(text)


def is_old_boolean(text: str, path: Sequence[str | int]) -> bool:
    """Return whether a plain scalar of options that scai passes on was a boolean in YAML 1.1, and would change."""
    return text.lower() in ("yes", "no", "on", "off") and any(str(key).endswith("options") for key in path[:-1])


def is_place(path: Iterable[str | int], places: Iterable[Sequence[str]]) -> bool:
    """Return whether a path of keys and list positions, without its merges, is one of the places (`*` is any key)."""
    keys: list[str] = []
    is_merge = False
    for key in path:
        if key != "<<" and not (is_merge and isinstance(key, int)):  # `<<: [*a, *b]` merges several mappings
            keys.append(str(key))
        is_merge = key == "<<"
    return any(
        len(place) == len(keys) and all(part in ("*", key) for part, key in zip(place, keys, strict=True))
        for place in places
    )
