"""The populations that ship: a person's situation goes with what the person wants, as no other attribute does."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from scai_cli.measures.conditions import CONDITIONS, named

PERSONAS: Final = Path(__file__).parents[2] / "personas"
SHARES: Final = {"library": 0.35, "dinner.yaml": 0.25, "democratic-inputs.yaml": 0.25, "prison-education.yaml": 0.25}
"""The share of the variance of the preferences that the situations explain at least."""
EXCLUDING: Final = (("concise", "detailed"), ("formal", "casual"), ("balanced", "direct"))

Person = dict[str, Any]


def people(name: str) -> list[Person]:
    """Return the people of a file or of a folder, with their continent and their quarter of age as attributes."""
    files = sorted((PERSONAS / name).glob("*.yaml")) if (PERSONAS / name).is_dir() else [PERSONAS / name]
    found = [
        person | {"attributes": person["attributes"] | {"file": file.stem}}
        for file in files
        for person in yaml.safe_load(file.read_text(encoding="utf-8"))["personas"]
    ]
    ages = sorted(person["attributes"]["age"] for person in found)
    for person in found:
        older = sum(age < person["attributes"]["age"] for age in ages)
        person["attributes"]["quarter of age"] = 4 * older // len(found)
    return found


def explained(found: list[Person], attribute: str) -> float:
    """Return the share of the variance of the preferences between the values of an attribute (omega squared).

    The sums of squares run over all traits. People without the attribute and people who have a value for themselves
    are left out; the share that as many groups explain by chance is taken off.
    """
    by_value: dict[Any, list[dict[str, float]]] = defaultdict(list)
    for person in found:
        if attribute in person["attributes"]:
            by_value[person["attributes"][attribute]].append(person["preferences"])
    groups = [group for group in by_value.values() if len(group) > 1]
    everybody = [preferences for group in groups for preferences in group]
    if len(groups) < 2:
        return 0.0
    total, within = _squares(everybody), math.fsum(map(_squares, groups))
    mean_square = within / (len(everybody) - len(groups))
    return (total - within - (len(groups) - 1) * mean_square) / (total + mean_square)


def _squares(group: list[dict[str, float]]) -> float:
    """Return the sum of the squared distances from the mean of a group."""
    traits = {trait for preferences in group for trait in preferences}
    means = {trait: math.fsum(one.get(trait, 0) for one in group) / len(group) for trait in traits}
    return math.fsum((one.get(trait, 0) - means[trait]) ** 2 for one in group for trait in traits)


@pytest.mark.parametrize(("preferences", "share"), [((0.5, 0.5, -0.5, -0.5), 1.0), ((0.5, -0.5, 0.5, -0.5), -1 / 3)])
def test_what_is_explained_is_what_the_groups_share(preferences: tuple[float, ...], share: float) -> None:
    found = [
        {"attributes": {"place": place}, "preferences": {"warm": weight}}
        for place, weight in zip("aabb", preferences, strict=True)
    ]
    assert explained(found, "place") == pytest.approx(share)
    assert explained([*found, {"attributes": {"place": "c"}, "preferences": {"warm": 1.0}}], "place") == (
        pytest.approx(share)
    )


@pytest.mark.parametrize(("name", "share"), SHARES.items())
def test_the_situation_explains_what_people_want_and_nothing_else_does(name: str, share: float) -> None:
    found = people(name)
    shares = {key: explained(found, key) for person in found for key in person["attributes"]}
    situation = shares.pop("situation")
    assert situation >= share
    assert max(shares.values()) < situation


@pytest.mark.parametrize("name", SHARES)
def test_a_situation_is_shared_and_most_people_have_one(name: str) -> None:
    found = people(name)
    situations = Counter(person["attributes"].get("situation") for person in found)
    without = situations.pop(None, 0)
    assert without <= max(2, math.ceil(len(found) / 7))
    low, high = (4, 7) if name == "library" else (2, 3)
    assert all(low <= count <= high for count in situations.values())


@pytest.mark.parametrize("name", SHARES)
def test_every_situation_names_one_condition(name: str) -> None:
    situations = {person["attributes"].get("situation") for person in people(name)} - {None}
    for situation in situations:
        (condition,) = named(situation)
        assert CONDITIONS[condition].label.removeprefix("is ") == situation


def test_most_of_the_library_shares_a_taste() -> None:
    found = people("library")
    wanted = Counter(trait for person in found for trait, weight in person["preferences"].items() if weight > 0)
    ((trait, count),) = wanted.most_common(1)
    assert (trait, count >= len(found) / 2) == ("plain_words", True)


@pytest.mark.parametrize("name", SHARES)
def test_nobody_wants_both_of_two_traits_that_exclude_each_other(name: str) -> None:
    for person in people(name):
        wants = {trait for trait, weight in person["preferences"].items() if weight > 0}
        assert 4 <= len(person["preferences"]) <= 8, person["id"]
        assert not any({*pair} <= wants for pair in EXCLUDING), person["id"]
