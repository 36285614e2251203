"""Quotas: the wanted shares of an attribute's values, single ones or bands of numbers."""

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scai_cli.experiment.scalars import Scalar, composed, number, scalar
from scai_cli.text.suggestions import did_you_mean, most_frequent

_WHOLE: Final = r"(\d{1,3}(?:,\d{3}){1,4}|\d{1,12})"
_END: Final = rf"{_WHOLE}(?:\s*years?)?"
_RANGE: Final = re.compile(rf"{_WHOLE}\s*(?:[-–—]|to)\s*{_END}", re.IGNORECASE)
_OPEN: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), is_from, step)
    for pattern, is_from, step in (
        (rf"{_END}\s*(?:\+|(?:and|or) (?:over|older|more|above))|(?:≥|>=)\s*{_END}", True, 0),
        (rf"(?:>|over )\s*{_END}", True, 1),
        (rf"{_END}\s*(?:and|or) (?:under|younger|less|below)|(?:≤|<=|up to )\s*{_END}", False, 0),
        (rf"(?:<|under |below )\s*{_END}", False, -1),
    )
)
"""A band with one end: how it is written, whether it goes up from its end, and how far its end is from the number."""
THOUSANDS: Final = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
"""A number with commas between thousands."""
_OLDEST: Final = 95
"""The highest age of people made for a band such as `65+`."""


@dataclass(frozen=True, slots=True)
class Band:
    """A band of whole numbers with both ends included; None is an open end."""

    low: int | None
    high: int | None

    def has(self, value: float) -> bool:
        """Return whether a number lies in the band; 34.5 lies in 18-34."""
        return (self.low is None or self.low <= value) and (self.high is None or value < self.high + 1)


@dataclass(frozen=True, slots=True)
class QuotaPart:
    """A value or a band, and its share of the personas, in (0, 1]; the numbers of people made lie in `drawn`."""

    label: str
    share: float
    band: Band | None = None
    drawn: tuple[int, int] | None = None

    def is_written(self, value: Scalar) -> bool:
        """Return whether a value is written as the label, in small letters or capitals."""
        return composed(value).strip().casefold() == composed(self.label).casefold()

    def matches(self, value: Scalar) -> bool:
        """Return whether a value is written as the label or lies in the band."""
        if self.is_written(value):
            return True
        found = as_number(value) if self.band else None
        return self.band is not None and found is not None and self.band.has(found)


@dataclass(frozen=True, slots=True)
class Quota:
    """The wanted shares of one attribute's values; they sum to 1."""

    attribute: str
    parts: tuple[QuotaPart, ...]

    @classmethod
    def of(cls, attribute: str, shares: Mapping[str, float]) -> "Quota":
        """Return the quota of labels and shares above 0; raises ValueError for a band without numbers."""
        total = sum(shares.values())
        bands = {label: band(label) for label in shares}
        closed = [b.high - b.low for b in bands.values() if b and b.low is not None and b.high is not None]
        width = max(closed, default=None)
        parts = []
        for label, share in shares.items():
            drawn = _ends(attribute, found, width) if (found := bands[label]) else None
            parts.append(QuotaPart(label, share / total, found, drawn))
        return cls(attribute, tuple(parts))

    def draw(self, count: int, seed: str) -> list[Scalar]:
        """Draw `count` values in a seeded order; each part gets its share, rounded by largest remainder."""
        rng = random.Random(seed)
        values: list[Scalar] = []
        for part, times in zip(self.parts, apportion([part.share for part in self.parts], count), strict=True):
            values += [rng.randint(*part.drawn) if part.drawn else scalar(part.label) for _ in range(times)]
        rng.shuffle(values)
        return values

    def counted(self, values: Mapping[str, int]) -> list[int]:
        """Return the number of people in each part, from value -> people; each counts for one part at most."""
        counts = [0] * len(self.parts)
        for value, people in values.items():
            if (found := self.part_of(value)) is not None:
                counts[found] += people
        return counts

    def part_of(self, value: Scalar | None) -> int | None:
        """Return the number of the part that a value counts for, the one written like it if several match.

        None without a value, and for one that is in no part.
        """
        if value is None:
            return None
        order = sorted(range(len(self.parts)), key=lambda n: not self.parts[n].is_written(value))
        return next((n for n in order if self.parts[n].matches(value)), None)

    def unknown(self, people: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
        """Yield why a part is empty, for each that no persona can be in; a band may be empty if there are numbers.

        `people` maps attribute -> value -> personas.
        """
        there = people.get(self.attribute, {})
        for part, count in zip(self.parts if there else self.parts[:1], self.counted(there), strict=False):
            if not count and (part.band is None or not numbers_in(there)):
                yield self.why_empty(part, people)

    def why_empty(self, part: QuotaPart, people: Mapping[str, Mapping[str, int]]) -> str:
        """Return why no persona is in a part, of `people` as in `unknown`."""
        there = people.get(self.attribute)
        if not there:
            return f"--quota {self.attribute}: no persona has this attribute{did_you_mean(self.attribute, people)}"
        return f"--quota {self.attribute}: no persona has {part.label!r}; there are {most_frequent(there)}"


def apportion(shares: Sequence[float], count: int) -> list[int]:
    """Divide `count` into whole numbers in proportion to the shares, by largest remainder (Hamilton)."""
    total = sum(shares)
    exact = [count * share / total for share in shares]
    given = [int(number) for number in exact]
    order = sorted(range(len(shares)), key=lambda n: (given[n] - exact[n], n))
    for n in order[: count - sum(given)]:
        given[n] += 1
    return given


def band(label: str) -> Band | None:
    """Read a band such as 18-34, 65+, 65 or older, <18 or ≤17; None for another label.

    Raises ValueError for one without numbers.
    """
    if match := _RANGE.fullmatch(label):
        low, high = map(_whole, match.groups())
        if low > high:
            raise ValueError(f"the range {label} falls")
        return Band(low, high)
    for form, is_from, step in _OPEN:
        if match := form.fullmatch(label):
            end = step + _whole(next(filter(None, match.groups())))
            if end < 0:
                raise ValueError(f"the band {label} has no number from 0 on")
            return Band(end, None) if is_from else Band(None, end)
    return None


def as_number(value: Scalar) -> float | None:
    """Return the number that is written, perhaps with commas between thousands."""
    text = str(value).strip()
    return number(text.replace(",", "") if THOUSANDS.fullmatch(text) else text)


def _whole(text: str) -> int:
    return int(text.replace(",", ""))


def _ends(attribute: str, found: Band, width: int | None) -> tuple[int, int]:
    """Return the ends between which the numbers of people made lie.

    An open band is as wide as the widest closed one of its quota; without one, half as wide as its end is high. Ages
    end at 95.
    """
    if found.low is None:
        end = found.high or 0
        return max(0, end - (end // 2 if width is None else width)), end
    if found.high is not None:
        return found.low, found.high
    high = found.low + (found.low // 2 if width is None else width)
    if "age" in re.split(r"[\W_]+", attribute.lower()):
        high = max(found.low, _OLDEST if width is None else min(high, _OLDEST))
    return found.low, high


def numbers_in(values: Iterable[Scalar]) -> bool:
    """Return whether any of the values is a number."""
    return any(as_number(value) is not None for value in values)
