"""Raking: weights with which the people of a population have the shares of a survey's margins."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.scalars import composed
from scai_cli.populations.quotas import Quota
from scai_cli.text.counts import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scai_cli.experiment.personas import Persona

    Array = NDArray[Any]

TOLERANCE: Final = 1e-9
"""The largest difference between a share that is met and its target."""
_ROUNDS: Final = 5_000
"""Rounds after which margins count as contradictory; ten are usual, and with a limit of weights a few hundred."""


@dataclass(frozen=True, slots=True)
class Margin:
    """The part that each unit belongs to, and the lowest and highest share of each part, in [0, 1].

    Units with a part beyond the last are in none: the shares are then among the others, and `low` = `high`.
    """

    name: str
    parts: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True)
class Fit:
    """Shares of the units, in [0, 1], which sum to 1; `gap` is how far the worst part is from its bounds."""

    shares: Array
    gap: float


def fit(start: Array, margins: Sequence[Margin], most: Array | float = math.inf) -> Fit:
    """Scale the shares of units until each part of each margin has a share between its bounds.

    Iterative proportional fitting (Deming and Stephan 1940): the parts of one margin after another are scaled to the
    nearer bound. With `low` = `high` the limit is the solution nearest to `start` (in relative entropy), and the order
    of margins does not matter. No unit gets more than `most`: a larger share is cut off after every round, so that any
    solution within the limit is found, not the nearest one.
    """
    import numpy as np

    shares = start / start.sum()
    gap = math.inf
    for _ in range(_ROUNDS):
        for margin in margins:
            there, _ = _sums(margin, shares)
            wanted = np.clip(there, margin.low, margin.high)
            if (margin.parts == len(there)).any():
                # The nearest shares with these proportions: their sum is free, as the units in no part make up for it.
                wanted = margin.low * np.exp(margin.low @ np.log(there / margin.low))
            factors = np.divide(wanted, there, out=np.ones_like(there), where=there > 0)
            shares = shares * np.append(factors, 1.0)[margin.parts]
        shares = np.minimum(shares / shares.sum(), most)
        gap = max((_gap(shares, margin) for margin in margins), default=0.0)
        gap = max(gap, abs(shares.sum() - 1))
        if gap <= TOLERANCE:
            break
        shares = shares / shares.sum()
    return Fit(shares, float(gap))


def conflict(
    start: Array, margins: Sequence[Margin], most: Array | float = math.inf, tolerance: float = TOLERANCE
) -> list[Margin]:
    """Return margins that cannot be met together, without those that the contradiction does not need."""
    needed = list(margins)
    for margin in margins:
        others = [each for each in needed if each is not margin]
        if others and fit(start, others, most).gap > tolerance:
            needed = others
    return needed


def _gap(shares: Array, margin: Margin) -> float:
    import numpy as np

    there, known = _sums(margin, shares)
    there = there / known
    return float(np.abs(there - np.clip(there, margin.low, margin.high)).max())


def _sums(margin: Margin, shares: Array) -> tuple[Array, float]:
    """Return the share of each part, and what these are shares of: 1, or without the units in no part less."""
    import numpy as np

    there = np.bincount(margin.parts, shares, len(margin.low) + 1)
    return there[:-1], 1.0 - there[-1]


@dataclass(frozen=True, slots=True)
class MarginShare:
    """A part of a margin: its people, and its share by the weights before, as wanted, and by the weights after.

    Of the people who are in any part.
    """

    attribute: str
    value: str
    personas: int
    before: float
    wanted: float
    after: float


@dataclass(frozen=True, slots=True)
class Weighted:
    """People with their new weights, and the shares reached; `others`: attribute -> people in no part of its margin."""

    people: tuple[Persona, ...]
    shares: tuple[MarginShare, ...]
    others: dict[str, int]

    @property
    def effective_size(self) -> float:
        """Kish's effective sample size, (sum w)^2 / sum w^2: as many people of equal weight are as precise."""
        return effective_size([person.weight for person in self.people])

    @property
    def largest(self) -> float:
        """The largest weight, in means."""
        weights = [person.weight for person in self.people]
        return max(weights) * len(weights) / sum(weights)

    def lines(self) -> Iterator[str]:
        """Yield what screens show: the shares, the people who are in no part, the effective size."""
        for share in self.shares:
            label, people = f"{share.attribute}={share.value}", counted(share.personas, "persona")
            yield f"{label}: {share.before:.1%} to {share.after:.1%} of the weight ({people})"
        for attribute, others in self.others.items():
            yield f"{attribute}: without {counted(others, 'persona')} with no value in its quota"
        size = f"an effective size of {self.effective_size:.1f} (Kish), the largest weight is {self.largest:.2f} means"
        yield f"weighed {counted(len(self.people), 'persona')}: {size}"

    def as_object(self) -> dict[str, Any]:
        """Return the object that `scai personas weigh --json` prints."""
        return {
            "personas": len(self.people),
            "weight": round(sum(person.weight for person in self.people), 6),
            "effective_size": round(self.effective_size, 2),
            "largest_weight": round(self.largest, 4),
            "margins": [
                {
                    "attribute": share.attribute,
                    "value": share.value,
                    "personas": share.personas,
                    "before": round(share.before, 6),
                    "wanted": round(share.wanted, 6),
                    "after": round(share.after, 6),
                }
                for share in self.shares
            ],
            "others": self.others,
        }


def effective_size(weights: Sequence[float]) -> float:
    """Return Kish's effective sample size of people with these weights (Kish 1965)."""
    largest = max(weights)
    scaled = [weight / largest for weight in weights]
    return math.fsum(scaled) ** 2 / math.fsum(weight * weight for weight in scaled)


def rake(people: Sequence[Persona], quotas: Sequence[Quota], max_weight: float | None = None) -> Weighted:
    """Weigh people so that each quota's values have their shares of the weight, starting from their own weights.

    The sum of the weights stays the same, and no weight exceeds `max_weight` means. A quota is about the people with a
    value in one of its parts, whatever the others weigh. Raises ConfigError for a value that no persona has,
    and for shares that cannot be met together or within `max_weight`.
    """
    import numpy as np

    if max_weight is not None and not 1 < max_weight < math.inf:
        raise ConfigError(f"--max-weight {max_weight:g}: the largest weight is more than 1 mean; give a larger number")
    start = np.array([person.weight for person in people])
    start = start / start.max()  # a sum of the largest floats is infinite
    quotas = sorted(quotas, key=lambda quota: quota.attribute)  # with a limit, the order of margins matters
    margins = [_margin(quota, people) for quota in quotas]
    most = math.inf if max_weight is None else max_weight / len(people)
    found = fit(start, margins, most)
    if found.gap > TOLERANCE:
        raise ConfigError(_why_not(start, margins, max_weight))
    total = math.fsum(person.weight for person in people)
    weights = [float(f"{share * total:.12g}") for share in found.shares.tolist()]
    if not all(0 < weight < math.inf for weight in weights):
        raise ConfigError("--quota: the weights are too far apart for numbers; correct those in the file")
    return Weighted(
        tuple(person.model_copy(update={"weight": w}) for person, w in zip(people, weights, strict=True)),
        tuple(
            MarginShare(margin.name, part.label, *numbers)
            for quota, margin in zip(quotas, margins, strict=True)
            for part, *numbers in zip(quota.parts, *_reached(margin, start, found.shares), strict=False)
        ),
        {m.name: n for q, m in zip(quotas, margins, strict=True) if (n := int((m.parts == len(q.parts)).sum()))},
    )


def _margin(quota: Quota, people: Sequence[Persona]) -> Margin:
    """Return a quota as a margin; raises ConfigError for a value that no persona has."""
    import numpy as np

    places = [quota.part_of(person.attributes.get(quota.attribute)) for person in people]
    parts = np.array([len(quota.parts) if place is None else place for place in places])
    if empty := [part for n, part in enumerate(quota.parts) if n not in places]:
        raise ConfigError(f"{quota.why_empty(empty[0], _values(people))}; correct the value, or leave it out")
    shares = np.array([part.share for part in quota.parts])
    return Margin(quota.attribute, parts, shares, shares)


def _values(people: Sequence[Persona]) -> dict[str, Counter[str]]:
    """Return attribute -> value -> the number of people with it."""
    values: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for person in people:
        for name, value in person.attributes.items():
            values[name][composed(value)] += 1
    return values


def _reached(margin: Margin, start: Array, shares: Array) -> list[list[float]]:
    """Return for each part its people, its share before, as wanted and after."""
    import numpy as np

    (before, old), (after, new) = _sums(margin, start / start.sum()), _sums(margin, shares)
    people = np.bincount(margin.parts, minlength=len(margin.low))
    return [people.tolist(), (before / old).tolist(), margin.low.tolist(), (after / new).tolist()]


def _why_not(start: Array, margins: Sequence[Margin], max_weight: float | None) -> str:
    if max_weight is not None:
        free = fit(start, margins)
        if free.gap <= TOLERANCE:
            largest = float(free.shares.max() * len(start))
            return (
                f"--max-weight {max_weight:g}: within this limit the shares cannot be met; without it the largest "
                f"weight is {largest:.3g} means: raise it, or merge values with few people"
            )
    names = [margin.name for margin in conflict(start, margins)]
    return (
        f"--quota: the shares of {' and '.join(names)} cannot be met together, because too few people combine their "
        f"values; change shares, merge values or leave one out (stopped after {counted(_ROUNDS, 'round')})"
    )
