"""Read quotas: `--quota age=18-64:70,65+:30`, or `--quota FILE` with attribute -> value -> share."""

import math
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.scalars import as_scalar, composed
from scai_cli.experiment.yaml_source import YamlSource, read_yaml
from scai_cli.populations.quotas import Quota, band

_HOW: Final = "write ATTRIBUTE=VALUE:SHARE,VALUE:SHARE,... or bands, e.g. age=18-64:70,65+:30"
_NO_QUOTAS: Final = (".csv", ".tsv", ".xlsx", ".txt", ".jsonl", ".parquet")
_QUOTED: Final = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?::([^,"]*))?(?=,|$)')
_BARE: Final = re.compile(r"[^,]*")
_HEAD: Final = re.compile(r"(?<![\d.])[1-9]\d{0,2}\s*$")
_TAIL: Final = re.compile(r"0\d\d(?!\d)")
"""The digits around a comma between thousands."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A value with its share, as text between two commas; None for no share."""

    text: str
    label: str
    share: str | None
    is_quoted: bool = False


def read_quotas(texts: Iterable[str]) -> list[Quota]:
    """Read quotas and quota files (.yaml, .yml, .json); raises ConfigError for two quotas of an attribute."""
    quotas: dict[str, Quota] = {}
    for text in texts:
        is_file = "=" not in text and text.endswith((".yaml", ".yml", ".json"))
        if "=" not in text and text.endswith(_NO_QUOTAS):
            raise ConfigError(f"--quota {text}: quotas are read from YAML, e.g. `age: {{18-64: 70, 65+: 30}}`")
        for quota in _file_quotas(Path(text)) if is_file else (parse_quota(text),):
            if quota.attribute in quotas:
                raise ConfigError(f"--quota {text}: the attribute {quota.attribute} has a quota already; remove one")
            quotas[quota.attribute] = quota
    return list(quotas.values())


def parse_quota(text: str) -> Quota:
    """Parse a quota; shares are any positive numbers, all equal if left out. Raises ConfigError.

    Values with commas or colons are in double quotes.
    """
    attribute, _, rest = text.partition("=")
    attribute = attribute.strip()
    pieces = list(_pieces(text, rest))
    if not attribute or not pieces:
        raise ConfigError(f"--quota {text}: {_HOW}")
    _refuse_torn(text, attribute, pieces)
    if len({composed(piece.label).casefold() for piece in pieces}) < len(pieces):
        raise ConfigError(f"--quota {text}: a value is given twice; remove one")
    try:
        if len(pieces) == 1 and pieces[0].share is None and band(pieces[0].label) is None:
            raise ConfigError(f"--quota {text}: one value without a share; {_HOW}")
        return Quota.of(attribute, {piece.label: _share(text, piece) for piece in pieces})
    except ValueError as error:
        raise ConfigError(f"--quota {text}: {error}") from None


def _pieces(text: str, rest: str) -> Iterator[_Piece]:
    at = 0
    while at <= len(rest):
        is_quoted = rest[at:].lstrip().startswith('"')
        match = (_QUOTED if is_quoted else _BARE).match(rest, at)
        if match is None:
            raise ConfigError(f'--quota {text}: write a value in quotes as "VALUE":SHARE')
        if is_quoted:
            yield _Piece(match[0], match[1].replace('""', '"').strip(), match[2], is_quoted=True)
        elif match[0].strip():
            label, colon, share = match[0].rpartition(":")
            if ":" in label:
                problem = (
                    f"{label.strip()!r} has a colon; put commas between values, and a value with a colon in quotes"
                )
                raise ConfigError(f"--quota {text}: {problem}")
            yield _Piece(match[0], (label if colon else share).strip(), share if colon else None)
        at = match.end() + 1


def _refuse_torn(text: str, attribute: str, pieces: list[_Piece]) -> None:
    """Raise ConfigError for a comma that is part of a value and not in quotes."""
    bare = [piece for piece in pieces if piece.share is None]
    torn = [
        after
        for before, after in pairwise(pieces)
        if not (before.is_quoted or after.is_quoted) and before.share is None
        if _HEAD.search(before.text) and _TAIL.match(after.text)
    ]
    quotes = "put a value with commas in quotes"
    if bare and len(bare) < len(pieces):
        problem = f"{bare[0].label!r} has no share; give each value one, or {quotes}"
    elif torn:
        problem = f"{torn[0].label!r} looks like the end of a number; {quotes}"
    else:
        return
    quoted = f"{attribute}={_joined(pieces)}"
    example = "" if quoted == text else f": --quota {shlex.quote(quoted)}"
    raise ConfigError(f"--quota {text}: {problem}{example}")


def _joined(pieces: Iterable[_Piece]) -> str:
    """Return the pieces with quotes around each run that ends with a share."""
    joined: list[str] = []
    run: list[str] = []
    for piece in pieces:
        run.append(piece.text)
        if piece.share is not None or piece.is_quoted:
            label, _, share = ",".join(run).rpartition(":")
            joined.append(piece.text if len(run) == 1 else f'"{label.strip()}":{share.strip()}')
            run = []
    last = ",".join(run).strip()
    return ",".join([*joined, *([f'"{last}"' if len(run) > 1 else last] if run else [])])


def _share(text: str, piece: _Piece) -> float:
    share = 1.0 if piece.share is None else _positive(piece.share)
    if share is None or not piece.label:
        problem = f"{piece.text.strip()!r} has no share above 0"
        raise ConfigError(f"--quota {text}: {problem}; {_HOW}; a value with ':' goes in quotes")
    return share


def _positive(share: object) -> float | None:
    """Return a share, perhaps in per cent."""
    try:
        found = float(str(share).strip().removesuffix("%"))
    except ValueError:
        return None
    return found if 0 < found < math.inf else None


def _file_quotas(path: Path) -> Iterator[Quota]:
    source = read_yaml(path, free=("*.*",))
    if not isinstance(source.data, dict) or not source.data:
        raise source.error((), "must be a mapping of attributes, e.g. `age: {18-64: 70, 65+: 30}`")
    for attribute, parts in source.data.items():
        if not attribute.strip():
            raise source.error((attribute,), "an attribute has a name; write it before the colon")
        if not isinstance(parts, dict | list) or not parts:
            raise source.error((attribute,), "must be value -> share, or a list of values with equal shares")
        try:
            yield Quota.of(attribute.strip(), _file_shares(source, attribute, parts))
        except ValueError as error:
            raise source.error((attribute,), str(error)) from None


def _file_shares(source: YamlSource, attribute: str, parts: Mapping[str, Any] | list[Any]) -> dict[str, float]:
    """Return label -> share, all equal in a list; raises ConfigError for the first that is not one."""
    shares: dict[str, float] = {}
    known: set[str] = set()
    listed = isinstance(parts, list)
    for key, part in enumerate(parts) if isinstance(parts, list) else parts.items():
        try:
            label = (str(as_scalar(part)) if listed else str(key)).strip()
        except ValueError:
            raise source.error((attribute, key), "must be one value") from None
        if (share := 1.0 if listed else _positive(part)) is None:
            raise source.error((attribute, key), "must be a share above 0")
        if not label:
            raise source.error((attribute, key), "has no value; leave it out")
        if (spelled := composed(label).casefold()) in known:
            raise source.error((attribute, key), "is given twice; remove one")
        known.add(spelled)
        shares[label] = share
    return shares
