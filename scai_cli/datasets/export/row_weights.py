"""The weight of an exported row: the number of people for whom it speaks."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scai_cli.datasets.samples.sample import Sample, identity, rater, whole
from scai_cli.datasets.samples.sources import SampleSource
from scai_cli.datasets.samples.splits import number

_KEYS: Final = 2**64
"""All keys are below it."""
_BELOW_1: Final = 1 - 2.0**-53


@dataclass(frozen=True, slots=True)
class RowWeights:
    """The weights of the people of an export, by run and persona; none if all are equal."""

    people: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, sources: Iterable[SampleSource]) -> RowWeights:
        """Return the weights of all people of the sources."""
        people = {(source.id, name): weight for source in sources for name, weight in source.weights.items()}
        return cls(people if len(set(people.values())) > 1 else {})

    def weight(self, sample: Sample) -> float | None:
        """Return the weight of the rater whose preference or rating it is, or else of its user; 1 without either.

        None if all people have the same weight.
        """
        if not self.people:
            return None
        origin = whole(sample).origin
        return self.people.get((origin.run, rater(sample) or origin.persona or ""), 1.0)

    def key(self, sample: Sample, seed: int) -> int:
        """Return a sample's number, drawn with the seed; samples with the lowest are a draw in proportion to weights.

        Without weights it is uniform. Else it orders as -log(1 - u) / weight with a uniform u (Efraimidis and Spirakis
        2006): the bits of positive floats order as they do.
        """
        key, weight = number(f"{seed}/row/{identity(sample)}"), self.weight(sample)
        if weight is None:
            return key
        exponential = -math.log1p(-min(key / _KEYS, _BELOW_1))
        return int.from_bytes(struct.pack(">d", exponential / weight), "big")
