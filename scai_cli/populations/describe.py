"""Describe a population in one pass: attributes, quotas, duplicates, text lengths, missing values."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_files import item_files, items
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.scalars import composed, number
from scai_cli.populations.quotas import THOUSANDS, Quota
from scai_cli.text.near_duplicates import NearDuplicateIndex, nameless
from scai_cli.text.words import words

_SHOWN: Final = 12
"""The number of values listed per attribute, the most frequent first."""

_PARTS: Final = ("name", "description", "attributes", "stances", "preferences", "split", "source")


@dataclass(slots=True)
class PopulationDescription:
    """The counts of a population."""

    size: int = 0
    weight: float = 0.0
    attributes: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    missing: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    same: list[tuple[str, str]] = field(default_factory=list)
    """Id of a persona, and id of an earlier one with the same text."""
    near: list[tuple[str, str, float]] = field(default_factory=list)
    """Id of a persona, id of an earlier one, and the estimated similarity of their texts."""
    words: int = 0
    one_word: set[str] = field(default_factory=set)
    two_words: set[tuple[str, str]] = field(default_factory=set)
    pairs: int = 0
    quotas: Sequence[Quota] = ()
    weighted: defaultdict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))
    """Attribute of a quota, and number of a part -> the weight of its people."""

    def count(self, persona: Persona, description: Sequence[str]) -> None:
        """Count a persona and the words of its description."""
        self.size += 1
        self.weight += persona.weight
        for quota in self.quotas:
            if (place := quota.part_of(persona.attributes.get(quota.attribute))) is not None:
                self.weighted[quota.attribute, place] += persona.weight
        for name, value in persona.attributes.items():
            self.attributes[name][composed(value)] += 1
        present = {**dict(persona), "source": persona.source.name}
        self.missing.update(part for part in _PARTS if not present[part])
        self.splits[persona.split or "none"] += 1
        self.sources[persona.source.name or "none"] += 1
        self.words += len(description)
        self.pairs += max(0, len(description) - 1)
        self.one_word.update(description)
        self.two_words.update(pairwise(description))

    def as_object(self) -> dict[str, Any]:
        """Return the object that `scai personas describe --json` prints."""
        return {
            "personas": self.size,
            "weight": round(self.weight, 6),
            "attributes": {name: _attribute(values, self.size) for name, values in sorted(self.attributes.items())},
            "quotas": [row for quota in self.quotas for row in self._reached(quota)],
            "duplicates": [list(pair) for pair in self.same],
            "near_duplicates": [[one, other, round(alike, 2)] for one, other, alike in self.near],
            "distinct_1": _ratio(len(self.one_word), self.words),
            "distinct_2": _ratio(len(self.two_words), self.pairs),
            "mean_words": _ratio(self.words, self.size),
            "missing": {part: self.missing[part] for part in _PARTS},
            "splits": dict(sorted(self.splits.items())),
            "sources": dict(self.sources.most_common(_SHOWN)),
        }

    def _reached(self, quota: Quota) -> list[dict[str, Any]]:
        counts = quota.counted(self.attributes.get(quota.attribute, {}))
        return [
            {
                "attribute": quota.attribute,
                "value": part.label,
                "wanted": round(part.share, 4),
                "reached": _ratio(count, self.size),
                "weighted": _ratio(self.weighted[quota.attribute, place], self.weight),
            }
            for place, (part, count) in enumerate(zip(quota.parts, counts, strict=True))
        ]

    def warnings(self) -> Iterator[str]:
        """Yield a line for each value of a quota that no persona has; a band may be empty if there are numbers."""
        for quota in self.quotas:
            yield from quota.unknown(self.attributes)


def describe(path: Path, quotas: Sequence[Quota] = ()) -> PopulationDescription:
    """Describe a population file; raises ConfigError for an invalid persona."""
    described = PopulationDescription(quotas=quotas)
    index = NearDuplicateIndex()
    texts: dict[str, str] = {}
    for persona in items(path, Persona):
        text = persona.description or "; ".join(f"{key}: {value}" for key, value in persona.attributes.items())
        described.count(persona, words(text))
        plain = nameless(text, persona.name)
        if plain in texts:
            described.same.append((persona.id, texts[plain]))
            continue
        texts[plain] = persona.id
        if (nearest := index.most_similar(plain)) is not None:
            described.near.append((persona.id, *nearest))
        else:
            index.add(persona.id, plain)
    return described


def populations(folder: Path) -> list[tuple[Path, int | None, str | None]]:
    """Return the population files under a folder, each with its number of personas or its error."""
    files: list[tuple[Path, int | None, str | None]] = []
    for file in item_files(folder):
        try:
            files.append((file, sum(1 for _ in items(file, Persona)), None))
        except ConfigError as error:
            files.append((file, None, str(error)))
    return files


def _attribute(values: Mapping[str, int], size: int) -> dict[str, Any]:
    known = sum(values.values())
    described: dict[str, Any] = {"known": known, "missing": size - known, "distinct": len(values)}
    numbers = _numbers(values)
    if len(numbers) == len(values) > _SHOWN:
        ordered = sorted(found for value, found in numbers.items() for _ in range(values[value]))
        median = statistics.median(ordered)
        described["range"] = {"lowest": _plain(ordered[0]), "median": _plain(median), "highest": _plain(ordered[-1])}
    else:
        order = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
        described["values"] = dict(order[:_SHOWN])
    return described


def _numbers(values: Collection[str]) -> dict[str, float]:
    """Return the values that are numbers; `5,8` is one if no value has a point and commas do not part thousands."""
    texts = {value: value for value in values}
    if not any("." in value for value in values) and any("," in v and not THOUSANDS.fullmatch(v) for v in values):
        texts = {value: value.replace(",", ".") for value in values}
    return {value: found for value, text in texts.items() if (found := number(text)) is not None}


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
