"""What is in a population: attributes, quotas, likeness, length, gaps; one pass over the file."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_files import items
from scai_cli.experiment.personas import Persona, Scalar
from scai_cli.populations.quotas import Quota
from scai_cli.text.near_duplicates import NearDuplicateIndex, nameless, words

_SHOWN: Final = 12
"""Values of an attribute that are listed, the most frequent first."""

_PARTS: Final = ("name", "description", "attributes", "stances", "preferences", "split", "source")


@dataclass(slots=True)
class PopulationDescription:
    """The counts of a population."""

    size: int = 0
    weight: float = 0.0
    attributes: defaultdict[str, Counter[Scalar]] = field(default_factory=lambda: defaultdict(Counter))
    missing: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    same: list[tuple[str, str]] = field(default_factory=list)
    """Id of a persona, id of an earlier one with the very same text."""
    near: list[tuple[str, str, float]] = field(default_factory=list)
    """Id of a persona, id of an earlier one, how alike their texts are (estimated)."""
    words: int = 0
    one_word: set[str] = field(default_factory=set)
    two_words: set[tuple[str, str]] = field(default_factory=set)
    pairs: int = 0
    quotas: Sequence[Quota] = ()

    def as_object(self) -> dict[str, Any]:
        """What `scai personas describe --json` prints."""
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
        values = self.attributes.get(quota.attribute, Counter())
        return [
            {
                "attribute": quota.attribute,
                "value": part.label,
                "wanted": round(part.share, 4),
                "reached": _ratio(sum(n for value, n in values.items() if part.holds(value)), self.size),
            }
            for part in quota.parts
        ]


def describe(path: Path, quotas: Sequence[Quota] = ()) -> PopulationDescription:
    """Count what is in a population file; raises ConfigError for a bad persona."""
    found = PopulationDescription(quotas=quotas)
    crowd = NearDuplicateIndex()
    texts: dict[str, str] = {}
    for persona in items(path, Persona):
        _count(found, persona)
        text = persona.description or "; ".join(f"{key}: {value}" for key, value in persona.attributes.items())
        said = words(text)
        _measure(found, said)
        plain = nameless(text, persona.name)
        if plain in texts:
            found.same.append((persona.id, texts[plain]))
            continue
        texts[plain] = persona.id
        if (likest := crowd.likest(plain)) is not None:
            found.near.append((persona.id, *likest))
        else:
            crowd.add(persona.id, plain)
    return found


def populations(folder: Path) -> list[tuple[Path, int | None, str | None]]:
    """The files under a folder that may be populations: how many people each holds, or why it is none."""
    found: list[tuple[Path, int | None, str | None]] = []
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".yaml", ".yml", ".json", ".jsonl"):
            try:
                found.append((file, sum(1 for _ in items(file, Persona)), None))
            except ConfigError as error:
                found.append((file, None, str(error)))
    return found


def _count(found: PopulationDescription, persona: Persona) -> None:
    found.size += 1
    found.weight += persona.weight
    for name, value in persona.attributes.items():
        found.attributes[name][value] += 1
    found.missing.update(part for part in _PARTS if not _has(persona, part))
    found.splits[persona.split or "none"] += 1
    found.sources[persona.source.name or "none"] += 1


def _has(persona: Persona, part: str) -> bool:
    return bool(persona.source.name) if part == "source" else bool(getattr(persona, part))


def _measure(found: PopulationDescription, said: Sequence[str]) -> None:
    found.words += len(said)
    found.pairs += max(0, len(said) - 1)
    found.one_word.update(said)
    found.two_words.update(pairwise(said))


def _attribute(values: Mapping[Scalar, int], size: int) -> dict[str, Any]:
    known = sum(values.values())
    told: dict[str, Any] = {"known": known, "missing": size - known, "distinct": len(values)}
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values) > _SHOWN:
        spread = sorted(number for number in numbers for _ in range(values[number]))
        told["range"] = {"lowest": spread[0], "median": statistics.median(spread), "highest": spread[-1]}
    else:
        order = sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0])))
        told["values"] = {str(value): n for value, n in order[:_SHOWN]}
    return told


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
