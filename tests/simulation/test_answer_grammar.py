"""The grammar of answers: seeded, complete, mostly clear, and strict enough to catch a careless reader."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from answer_grammar import Sample, answers, productions
from answer_values import KINDS, RATING_KINDS

SEEDS = (14, 2026)


@pytest.fixture(scope="module", params=SEEDS)
def samples(request: pytest.FixtureRequest) -> list[Sample]:
    return list(answers(request.param, 2000))


def test_a_seed_gives_the_same_samples_again() -> None:
    assert list(answers(5, 200)) == list(answers(5, 200)) != list(answers(6, 200))


def test_every_production_occurs(samples: list[Sample]) -> None:
    assert productions() <= {name for sample in samples for name in sample.recipe}
    assert {sample.kind for sample in samples} == set(KINDS)


def test_most_samples_are_clear(samples: list[Sample]) -> None:
    assert sum(sample.clear for sample in samples) >= 0.6 * len(samples)
    assert all(sample.truth is not None and len(sample.allowed) == 1 for sample in samples if sample.clear)
    assert all((sample.truth is None) == (not sample.allowed) for sample in samples)


def test_the_truth_and_a_missing_answer_are_accepted(samples: list[Sample]) -> None:
    assert all(sample.accepts(sample.truth) and sample.accepts(None) for sample in samples)


def test_ratings_are_on_the_scale(samples: list[Sample]) -> None:
    for sample in samples:
        if sample.kind in RATING_KINDS:
            assert all(sample.context.scale[0] <= value <= sample.context.scale[1] for value in sample.allowed), sample


def test_the_body_holds_the_text(samples: list[Sample]) -> None:
    contents = [(sample.body["choices"][0]["message"]["content"], sample.text) for sample in samples]
    assert all(text == content or (text is None and not isinstance(content, str)) for content, text in contents)
    assert {type(content) for content, _ in contents} == {str, list, type(None)}


def test_the_prompt_s_examples_can_be_given() -> None:
    example = '{"feedback": "<what you say>", "rating": <how good>}'
    given = [sample for sample in answers(1, 500, {"rating": example}) if sample.kind == "rating"]
    assert {sample.context.example for sample in given} == {example}
    assert any(example in (sample.text or "") for sample in given)


def _number(place: int) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        numbers = re.findall(r"\d+", text)
        return float(numbers[place]) if numbers else None

    return read


@pytest.mark.parametrize("read", [_number(0), _number(-1)], ids=["first number", "last number"])
def test_a_careless_reader_of_ratings_is_caught(samples: list[Sample], read: Callable[[str], float | None]) -> None:
    texts = [sample for sample in samples if sample.kind in RATING_KINDS and sample.text]
    assert sum(not sample.accepts(read(sample.text or "")) for sample in texts) > 100


@pytest.mark.parametrize("pattern", [r"\b([AB])\b", r".*\b([AB])\b"], ids=["first letter", "last letter"])
def test_a_careless_reader_of_letters_is_caught(samples: list[Sample], pattern: str) -> None:
    votes = [
        (sample, re.match(f"(?s).*?{pattern}", sample.text or "")) for sample in samples if sample.kind == "letter"
    ]
    assert sum(not sample.accepts(found and found[1]) for sample, found in votes) > 20
