"""Sample a population: by strata, by quotas, by weight, or for the greatest diversity; seeded."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_files import items
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.scalars import Scalar, composed, number
from scai_cli.populations.quota_panel import divide
from scai_cli.populations.quotas import Quota, apportion
from scai_cli.text.near_duplicates import hashes, nameless

if TYPE_CHECKING:
    import numpy as np

_BINS = 4
_MANY = 8
"""A numeric attribute with more distinct values is cut into quarters."""

Stratum = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Quotas that a sample must meet, each part within `slack` people of its share, rounded down or up."""

    quotas: tuple[Quota, ...]
    slack: int = 0


@dataclass(frozen=True, slots=True)
class PopulationSample:
    """The personas drawn, in the order of the file, and per stratum the numbers drawn and present.

    Of a panel, the strata are the parts of its quotas; `left_out` people are in no part of a quota, and `chances` are
    the lowest and the highest of the others, None where people with the same values have different ones.
    """

    people: tuple[Persona, ...]
    strata: dict[Stratum, tuple[int, int]]
    size: int
    left_out: int = 0
    chances: tuple[float, float] | None = None


def sample(
    path: Path,
    size: int,
    *,
    by: Sequence[str],
    weigh_by: str | None,
    diverse: bool,
    seed: int,
    panel: Panel | None = None,
) -> PopulationSample:
    """Draw without replacement; the file is read twice, and only the personas drawn are kept in memory.

    `by` are the attributes of the strata, and `weigh_by` is `weight` or an attribute. Each stratum gets its share (of
    personas, or of weights) by largest remainder, or of a `panel` what its quotas need. Within it the probability of a
    persona is proportional to its weight (Efraimidis and Spirakis 2006). With `diverse` the next persona is the least
    similar to those drawn so far (farthest first). People drawn by `weight` have the weight 1 afterwards: they stand
    for equally many. Raises ConfigError for an attribute that no persona has, for a bad weight, for `by` with a
    `panel`, and for quotas that cannot be met.
    """
    if by and panel:
        raise ConfigError("--by: quotas decide how many are drawn of each group; leave out --by or --quota")
    people = items(path, Persona)
    names = tuple(quota.attribute for quota in panel.quotas) if panel else by
    keys, weights, values, rows = [], [], [], []
    for persona in people:
        weight = _weight(persona, weigh_by)
        weights.append(weight)
        keys.append(_key(seed, persona.id, weight))
        values.append([persona.attributes.get(name) for name in names])
        if diverse:
            rows.append(hashes(nameless(persona.description or persona.portrait(), persona.name)))
    if size > len(keys):
        raise ConfigError(f"--n: {path} has {len(keys)} personas, fewer than {size}; lower it")
    groups = _cells(values, panel.quotas) if panel else _group(values, by)
    chances = None
    if panel:
        of_cells = {cell: [weights[n] for n in group] for cell, group in groups.items()}
        wanted, chances = divide(of_cells, panel.quotas, size, panel.slack, seed)
        if diverse or any(len(set(each)) > 1 for each in of_cells.values()):
            chances = None  # those of combinations of values, and not of each person with them
    else:
        wanted = _allocate(groups, weights, size)
    farthest = _FarthestFirst(rows, keys) if diverse else None
    chosen: set[int] = set()
    for stratum in sorted(groups, key=lambda s: (-wanted[s], s)):
        group, count = groups[stratum], wanted[stratum]
        chosen.update(farthest.choose(group, count) if farthest else sorted(group, key=lambda n: -keys[n])[:count])
    drawn = tuple(persona for n, persona in enumerate(people) if n in chosen)
    if weigh_by == "weight":  # their chances were in proportion to it: it would count twice
        drawn = tuple(persona.model_copy(update={"weight": 1.0}) for persona in drawn)
    strata = {stratum: (wanted[stratum], len(groups[stratum])) for stratum in sorted(groups)}
    if panel:
        strata = _by_part(strata, panel.quotas)
    return PopulationSample(drawn, strata, len(keys), len(keys) - sum(map(len, groups.values())), chances)


class _FarthestFirst:
    """Chooses the persona that is least similar to all chosen so far, in all groups; the first one by its key."""

    def __init__(self, rows: Sequence[np.ndarray], keys: Sequence[float]) -> None:
        import numpy as np

        self._rows = np.stack(rows)
        self._keys = np.asarray(keys)
        self._similarity = np.full(len(keys), -1.0)

    def choose(self, group: Sequence[int], count: int) -> list[int]:
        import numpy as np

        members = np.asarray(group)
        chosen: list[int] = []
        for _ in range(count):
            order = np.lexsort((-self._keys[members], self._similarity[members]))
            best = int(members[order[0]])
            chosen.append(best)
            members = members[members != best]
            similarity = (self._rows == self._rows[best]).mean(axis=1)
            self._similarity = np.maximum(self._similarity, similarity)
        return chosen


def _weight(persona: Persona, name: str | None) -> float:
    if name is None:
        return 1.0
    value = number(persona.weight if name == "weight" else persona.attributes.get(name))
    if value is None or value <= 0:
        raise ConfigError(f"--weights {name}: persona {persona.id!r} has no number above 0 in it; correct it")
    return value


def _key(seed: int, name: str, weight: float) -> float:
    """Return log(u) / w for a number u in (0, 1) that depends only on seed and id; the highest are drawn."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=7).digest()
    return math.log((int.from_bytes(digest) + 1) / (256**7 + 1)) / weight


def _group(values: Sequence[Sequence[Scalar | None]], by: Sequence[str]) -> dict[Stratum, list[int]]:
    """Return the members of each stratum."""
    columns = [_labels([row[n] for row in values], name) for n, name in enumerate(by)]
    groups: defaultdict[Stratum, list[int]] = defaultdict(list)
    for n in range(len(values)):
        groups[tuple(column[n] for column in columns)].append(n)
    return groups


def _cells(values: Sequence[Sequence[Scalar | None]], quotas: Sequence[Quota]) -> dict[Stratum, list[int]]:
    """Return the people with each combination of the quotas' parts; those who are in no part of a quota are left out.

    Raises ConfigError for a value that no persona has.
    """
    there = {
        quota.attribute: Counter(composed(value) for row in values if (value := row[n]) is not None)
        for n, quota in enumerate(quotas)
    }
    if why := next((why for quota in quotas for why in quota.unknown(there)), None):
        raise ConfigError(f"{why}; correct the value, or leave it out")
    groups: defaultdict[Stratum, list[int]] = defaultdict(list)
    for n, row in enumerate(values):
        places = [quota.part_of(value) for quota, value in zip(quotas, row, strict=True)]
        if None not in places:
            labels = (
                quota.parts[place].label for quota, place in zip(quotas, places, strict=True) if place is not None
            )
            groups[tuple(labels)].append(n)
    return groups


def _by_part(cells: dict[Stratum, tuple[int, int]], quotas: Sequence[Quota]) -> dict[Stratum, tuple[int, int]]:
    """Return the numbers drawn and present in each part of each quota."""
    of_parts: dict[Stratum, tuple[int, int]] = {}
    for place, quota in enumerate(quotas):
        for part in quota.parts:
            numbers = [found for cell, found in cells.items() if cell[place] == part.label]
            of_parts[f"{quota.attribute}={part.label}",] = (sum(n for n, _ in numbers), sum(n for _, n in numbers))
    return of_parts


def _labels(values: Sequence[Scalar | None], name: str) -> list[str]:
    """Return a column's values as texts; more than `_MANY` distinct numbers become quarters."""
    known = [value for value in values if value is not None]
    if not known:
        raise ConfigError(f"--by {name}: no persona has this attribute; `scai personas describe` lists the attributes")
    numbers = [number(value) for value in values]
    ordered = sorted(found for found in numbers if found is not None)
    if len(ordered) == len(known) and len(set(ordered)) > _MANY:
        cuts = [ordered[len(ordered) * n // _BINS] for n in range(1, _BINS)]
        return [_bin(found, cuts) for found in numbers]
    return ["?" if value is None else composed(value) for value in values]


def _bin(found: float | None, cuts: Iterable[float]) -> str:
    if found is None:
        return "?"
    below = [cut for cut in cuts if found >= cut]
    return f"from {below[-1]:g}" if below else "lowest"


def _allocate(groups: dict[Stratum, list[int]], weights: Sequence[float], count: int) -> dict[Stratum, int]:
    """Return the number to draw from each stratum; a stratum that is too small leaves its share to the others."""
    order = sorted(groups)
    given = dict.fromkeys(order, 0)
    while (left := count - sum(given.values())) > 0:
        room = [stratum for stratum in order if given[stratum] < len(groups[stratum])]
        shares = apportion([sum(weights[n] for n in groups[stratum]) for stratum in room], left)
        for stratum, share in zip(room, shares, strict=True):
            given[stratum] = min(len(groups[stratum]), given[stratum] + share)
    return given
