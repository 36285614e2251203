"""Quotas: the wanted shares of an attribute's values, as in `--quota age=18-34:30,35-90:70`."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.scalars import Scalar

_RANGE: Final = re.compile(r"(\d{1,6})\s*-\s*(\d{1,6})")
_HOW: Final = "write ATTRIBUTE=VALUE:SHARE,VALUE:SHARE,... or ranges, e.g. age=18-34:30,35-90:70"


@dataclass(frozen=True, slots=True)
class QuotaPart:
    """A value, or a range of whole numbers with both ends included, and its share of the personas, in (0, 1]."""

    label: str
    share: float
    span: tuple[int, int] | None = None

    def matches(self, value: Scalar | None) -> bool:
        """Return whether a value belongs to this part."""
        if self.span is None:
            return value is not None and str(value).strip().lower() == self.label.lower()
        low, high = self.span
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value < high + 1


@dataclass(frozen=True, slots=True)
class Quota:
    """The wanted shares of one attribute's values; they sum to 1."""

    attribute: str
    parts: tuple[QuotaPart, ...]

    def draw(self, count: int, seed: str) -> list[Scalar]:
        """Draw `count` values in a seeded order; each part gets its share, rounded by largest remainder."""
        rng = random.Random(seed)
        values: list[Scalar] = []
        for part, times in zip(self.parts, apportion([part.share for part in self.parts], count), strict=True):
            values += [rng.randint(*part.span) if part.span else _value(part.label) for _ in range(times)]
        rng.shuffle(values)
        return values


def parse_quota(text: str) -> Quota:
    """Parse a `--quota`; shares are any positive numbers, all equal if left out. Raises ConfigError."""
    attribute, _, rest = text.partition("=")
    attribute = attribute.strip()
    parts = [piece for piece in rest.split(",") if piece.strip()]
    if not attribute or not parts:
        raise ConfigError(f"--quota {text}: {_HOW}")
    shares = [_parse_part(text, piece) for piece in parts]
    labels = [label for label, _ in shares]
    if len(parts) == 1 and ":" not in parts[0] and not _RANGE.fullmatch(labels[0]):
        raise ConfigError(f"--quota {text}: one value without a share; {_HOW}")
    if len(set(labels)) < len(labels):
        raise ConfigError(f"--quota {text}: a value is given twice; remove one")
    total = sum(share for _, share in shares)
    return Quota(attribute, tuple(QuotaPart(label, share / total, _span(text, label)) for label, share in shares))


def apportion(shares: Sequence[float], count: int) -> list[int]:
    """Divide `count` into whole numbers in proportion to the shares, by largest remainder (Hamilton)."""
    total = sum(shares)
    exact = [count * share / total for share in shares]
    given = [int(number) for number in exact]
    order = sorted(range(len(shares)), key=lambda n: (given[n] - exact[n], n))
    for n in order[: count - sum(given)]:
        given[n] += 1
    return given


def _parse_part(text: str, piece: str) -> tuple[str, float]:
    label, colon, share = piece.rpartition(":")
    if not colon:
        return piece.strip(), 1.0
    try:
        number = float(share.strip().removesuffix("%"))
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf") or not label.strip():
        raise ConfigError(f"--quota {text}: {piece.strip()!r} has no share above 0; {_HOW}")
    return label.strip(), number


def _span(text: str, label: str) -> tuple[int, int] | None:
    match = _RANGE.fullmatch(label)
    if match is None:
        return None
    low, high = int(match[1]), int(match[2])
    if low > high:
        raise ConfigError(f"--quota {text}: the range {label} falls")
    return low, high


def _value(label: str) -> Scalar:
    return int(label) if label.isdigit() and (label == "0" or label[0] != "0") else label
