"""Ratings of simulated people beside those of the real ones: correlation, agreement, distance, the share explained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, compress
from typing import TYPE_CHECKING, Final

from scai_cli.evaluation.human_items import RATING, prompt_of
from scai_cli.evaluation.suite import ResultSource
from scai_cli.stats.clustered import ClusteredMean
from scai_cli.stats.explained import explained_share
from scai_cli.stats.intervals import spearman
from scai_cli.stats.jackknife import jackknife

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

OWN, NOBODY, SWAPPED, AGAIN = "own", "none", "swapped", "again"
CONDITIONS: Final = (OWN, NOBODY, SWAPPED, AGAIN)
"""Who rates: the own persona, a persona without a description, another person's, the real person once more."""
EXPLAINED: Final = "explained"
STATISTICS: Final = {
    "pooled": "rank correlation",
    "within": "the same within a person",
    "between": "the same of people's means",
    "agreement": "prefers the same of two",
    "distance": "mean distance, 0 to 1",
    EXPLAINED: "explains of what differs",
}
"""Name of a statistic -> its words."""
CONTRASTS: Final = (NOBODY, SWAPPED)
"""The controls that the own persona is compared with."""
_ENOUGH: Final = 3
"""The least ratings of a person for a rank correlation within it."""
_SHARED: Final = 0.5
"""The share of ratings of answers with several raters from which on only these answers count."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person's ratings in [0, 1]: a row of human, own, none, swapped, again for each answer; NaN is missing."""

    id: str
    weight: float
    table: Array
    items: tuple[str, ...]
    within: Mapping[str, Mapping[str, float | None]]
    """Statistic -> condition -> its value within the person."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The people with complete ratings, and how many answers lack one."""

    people: Sequence[Person]
    missing: int
    is_shared: bool
    """Whether people rated the same answers; if not, a rating of nobody stands for what an answer deserves."""

    def statistics(self, wanted: Sequence[tuple[str, str]]) -> Callable[[Sequence[int]], list[float | None]]:
        """Return a function of people: each (statistic, condition), and the own persona minus each control."""

        def values(numbers: Sequence[int]) -> list[float | None]:
            people = [self.people[n] for n in numbers]
            if not people:
                return [None] * (len(wanted) + len(list(_contrasts(wanted))))
            columns = Columns.of(people)
            found = {pair: self._value(people, columns, *pair) for pair in wanted}
            return [*found.values(), *(_minus(found, name, control) for name, control in _contrasts(wanted))]

        return values

    def estimates(
        self, wanted: Sequence[tuple[str, str]], numbers: Sequence[int], level: float = 0.95
    ) -> dict[tuple[str, str], ClusteredMean | None]:
        """Return (statistic, condition) -> estimate; the condition `-none` is the own persona minus nobody."""
        keys = [*wanted, *((name, f"-{control}") for name, control in _contrasts(wanted))]
        return dict(zip(keys, jackknife(self.statistics(wanted), numbers, level=level), strict=True))

    def asked_again(self) -> tuple[int, float | None]:
        """Return how many ratings people gave twice, and what the own persona explains of what differs in these."""
        import numpy as np

        kept = [(p, ~np.isnan(p.table[:, CONDITIONS.index(AGAIN) + 1])) for p in self.people]
        twice = [
            replace(p, table=p.table[known], items=tuple(compress(p.items, known))) for p, known in kept if known.any()
        ]
        count = sum(len(person.items) for person in twice)
        return count, self._value(twice, Columns.of(twice), EXPLAINED, OWN) if count else None

    def _value(self, people: Sequence[Person], columns: Columns, name: str, condition: str) -> float | None:
        import numpy as np

        if name in ("within", "agreement", "distance"):
            known = [(value, p.weight) for p in people if (value := p.within[name][condition]) is not None]
            return sum(v * w for v, w in known) / sum(w for _, w in known) if known else None
        table, codes, at = columns.table, columns.codes, CONDITIONS.index(condition) + 1
        kept = ~np.isnan(table[:, at])
        if not kept.any():
            return None
        human, predicted = table[kept, 0], table[kept, at]
        if name == "pooled":
            return _correlation(human, predicted)
        if name == "between":
            counts = np.bincount(codes[kept])
            sums = [np.bincount(codes[kept], column)[counts > 0] for column in (human, predicted)]
            return _correlation(*(each / counts[counts > 0] for each in sums)) if len(sums[0]) > 2 else None
        baseline = None if self.is_shared else table[kept, CONDITIONS.index(NOBODY) + 1]
        return explained_share(human, predicted, codes[kept], columns.items[kept], columns.weights[kept], baseline)


@dataclass(frozen=True, slots=True)
class Columns:
    """The ratings of several people below each other, with the numbers of their people and items."""

    table: Array
    codes: NDArray[np.intp]
    items: NDArray[np.intp]
    weights: Array

    @classmethod
    def of(cls, people: Sequence[Person]) -> Columns:
        """Return the columns of one or more people."""
        import numpy as np

        numbers: dict[str, int] = {}
        items = [numbers.setdefault(item, len(numbers)) for person in people for item in person.items]
        sizes = [len(person.items) for person in people]
        codes = np.repeat(np.arange(len(people)), sizes)
        weights = np.repeat([person.weight for person in people], sizes)
        return cls(np.concatenate([person.table for person in people]), codes, np.array(items, dtype=np.intp), weights)


def agreement_of(source: ResultSource) -> Agreement:
    """Return the ratings of the rows by person, those that every condition has; the person's second may be missing."""
    found: dict[str, list[tuple[str, tuple[tuple[str, str], ...], list[float | None]]]] = defaultdict(list)
    missing = 0
    for row in source.rows:
        item = source.items[row.item]
        answer = row.answers.get(source.reference)
        if item.label != RATING or answer is None:
            continue
        asked = [OWN, NOBODY, *([SWAPPED] if item.swapped else [])]
        if any(answer.scores.get(name) is None for name in asked):
            missing += 1
            continue
        again = item.human[1] if len(item.human) > 1 else None
        values = [item.human[0], *(answer.scores.get(name) for name in (OWN, NOBODY, SWAPPED)), again]
        found[item.cluster].append((item.task or item.id, prompt_of(item), values))
    people = [_person(source.people[name].weight, name, rows) for name, rows in found.items()]
    raters: dict[str, int] = defaultdict(int)
    for person in people:
        for item_id in person.items:
            raters[item_id] += 1
    shared = sum(count for count in raters.values() if count > 1)
    return Agreement(people, missing, shared >= _SHARED * max(1, sum(raters.values())))


def _person(
    weight: float, name: str, rows: Sequence[tuple[str, tuple[tuple[str, str], ...], Sequence[float | None]]]
) -> Person:
    import numpy as np

    table = np.array([values for _, _, values in rows], dtype=np.float64)
    prompts: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for n, (_, prompt, _) in enumerate(rows):
        prompts[prompt].append(n)
    pairs = [pair for members in prompts.values() for pair in combinations(members, 2)]
    within: dict[str, dict[str, float | None]] = {"within": {}, "agreement": {}, "distance": {}}
    for at, condition in enumerate(CONDITIONS, 1):
        known = ~np.isnan(table[:, at])
        human, predicted = table[known, 0], table[known, at]
        within["within"][condition] = _correlation(human, predicted) if len(human) >= _ENOUGH else None
        within["agreement"][condition] = _agreement(table[:, 0], table[:, at], pairs)
        within["distance"][condition] = float(abs(human - predicted).mean()) if len(human) else None
    return Person(name, weight, table, tuple(item for item, _, _ in rows), within)


def _correlation(human: Array, predicted: Array) -> float | None:
    """Return Spearman's rank correlation: 0 for equal predictions, which order nothing; None for equal ratings."""
    if len(human) < 2 or human.min() == human.max():
        return None
    return spearman(human.tolist(), predicted.tolist()) or 0.0


def _agreement(human: Array, predicted: Array, pairs: Sequence[tuple[int, int]]) -> float | None:
    """Return the share of pairs of answers to one prompt in the person's order, half for a tie of the predictions."""
    scores = []
    for first, second in pairs:
        wanted, found = human[first] - human[second], predicted[first] - predicted[second]
        if wanted and found == found:  # not NaN
            scores.append(0.5 if not found else float((wanted > 0) == (found > 0)))
    return sum(scores) / len(scores) if scores else None


def _contrasts(wanted: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, condition in wanted:
        if condition in CONTRASTS and (name, OWN) in wanted:
            yield name, condition


def _minus(found: Mapping[tuple[str, str], float | None], name: str, control: str) -> float | None:
    own, other = found[name, OWN], found[name, control]
    return None if own is None or other is None else own - other
