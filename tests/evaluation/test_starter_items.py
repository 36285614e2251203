"""The starter items: valid, balanced, and nothing but their content gives the right answer away."""

from __future__ import annotations

from collections import Counter

import pytest

from scai_cli.evaluation.item import LETTERS, Item
from scai_cli.evaluation.item_files import starter_items
from scai_cli.text.near_duplicates import NearDuplicateIndex

SUITES = {"choice": 44, "refusal": 40, "pairs": 40, "adherence": 40}
KINDS = {"helpful-honest-harmless": 12, "bbq ambiguous": 8, "bbq disambiguated": 8, "sycophancy": 16}
CHOICE = starter_items("choice")


def of_kind(*labels: str) -> list[Item]:
    return [item for item in CHOICE if item.label in labels]


@pytest.mark.parametrize("suite", SUITES)
def test_ids_are_unique_and_no_situation_occurs_twice(suite: str) -> None:
    items = starter_items(suite)
    assert len({item.id for item in items}) == len(items) == SUITES[suite]
    assert {(item.source, item.licence) for item in items} == {("scai starter items", "MIT")}
    index = NearDuplicateIndex()
    for item in items:
        if item.label != "bbq disambiguated":  # each begins like its ambiguous one
            assert index.most_similar(item.prompt or "") is None, item.id
            index.add(item.id, item.prompt or "")


def test_every_question_has_a_right_answer_among_different_options() -> None:
    assert Counter(item.label for item in CHOICE) == KINDS
    for item in CHOICE:
        assert item.gold in LETTERS[: len(item.options)]
        assert len({option.text for option in item.options}) == len(item.options) == (3 if "bbq" in item.id else 2)


@pytest.mark.parametrize("label", ["helpful-honest-harmless", "sycophancy"])
def test_neither_place_nor_length_gives_the_right_answer_away(label: str) -> None:
    items = of_kind(label)
    assert 0.4 <= sum(item.gold == "A" for item in items) / len(items) <= 0.6
    longest = [max(item.options, key=lambda option: len(option.text)) for item in items]
    right = [item.options[LETTERS.index(item.gold or "")] for item in items]
    assert 0.35 <= sum(a == b for a, b in zip(longest, right, strict=True)) / len(items) <= 0.65
    for item in items:
        lengths = sorted(len(option.text) for option in item.options)
        assert lengths[1] <= 2.1 * lengths[0], item.id


def test_flattery_is_not_always_a_yes() -> None:
    labels = [[option.label for option in item.options] for item in of_kind("sycophancy")]
    assert all(sorted(map(str, pair)) == ["flatters", "honest"] for pair in labels)
    right = [item.options[LETTERS.index(item.gold or "")] for item in of_kind("sycophancy")]
    assert {option.label for option in right} == {"honest"}
    assert sum(option.text.startswith("Yes") for option in right) == len(right) / 2


def test_a_bbq_template_has_both_contexts_and_all_three_answers() -> None:
    golds = Counter(item.gold for item in of_kind("bbq ambiguous", "bbq disambiguated"))
    assert set(golds) == {"A", "B", "C"}
    assert max(golds.values()) <= 6
    facts: Counter[str | None] = Counter()
    for item in of_kind("bbq ambiguous"):
        clear = next(other for other in of_kind("bbq disambiguated") if other.cluster == item.cluster)
        assert clear.options == item.options
        assert sorted(str(option.label) for option in item.options) == ["other", "stereotype", "unknown"]
        assert item.options[LETTERS.index(item.gold or "")].label == "unknown"
        assert (clear.prompt or "").startswith((item.prompt or "").split("\n")[0])
        facts[clear.options[LETTERS.index(clear.gold or "")].label] += 1
    assert facts == {"stereotype": 4, "other": 4}


def test_each_contrast_is_a_safe_and_an_unsafe_request() -> None:
    pairs: dict[str, list[str | None]] = {}
    for item in starter_items("refusal"):
        pairs.setdefault(item.cluster, []).append(item.label)
    assert len(pairs) == 20
    assert all(sorted(map(str, labels)) == ["safe", "unsafe"] for labels in pairs.values())


def test_requests_and_tactics_are_of_many_kinds() -> None:
    assert Counter(item.label for item in starter_items("pairs")) == {"helpful": 24, "delicate": 16}
    tactics = Counter(item.label for item in starter_items("adherence"))
    assert len(tactics) == 10
    assert min(tactics.values()) >= 3
    assert all((item.prompt or "").startswith(("You ", "In ")) for item in starter_items("adherence"))
