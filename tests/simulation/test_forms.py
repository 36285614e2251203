"""Answers that must have a form: found in whatever a model writes around them, or refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from growth import grows_linearly
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.simulation.answer_forms import CrossRating, Edits, Feedback, Ranking, Rewrite
from scai_cli.simulation.form_reader import read_form

SCALE = (0.0, 10.0)


def feedback(text: str) -> Feedback:
    return read_form(text, Feedback, SCALE)[0]


@pytest.mark.parametrize(
    "text",
    [
        '{"feedback": "fine", "rating": 7}',
        'Sure! Here it is:\n```json\n{"feedback": "fine", "rating": 7}\n```\nAnything else?',
        'I use {braces} and {"other": 1} before {"feedback": "fine", "rating": 7} and {after}',
        '{"rating": 7.0, "feedback": "fine", "mood": "sunny"}',
        '{"feedback": "fine", "rating": "7"}',
        '{"feedback": "fine", "rating": " 7/10 "}',
        '{"feedback": "fine", "rating": "7 out of 10"}',
        '{"feedback": "broken"} {"feedback": "fine", "rating": 7} {"feedback": "late", "rating": 1}',
        '\ufeff\u2028{"feedback":\n"fine",\r\n"rating":7}',
        "{" * 10 + '{"feedback": "fine", "rating": 7}' + "}" * 10,
    ],
)
def test_the_form_is_found(text: str) -> None:
    assert feedback(text) == Feedback(feedback="fine", rating=7.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON object"),
        ("7", "no JSON object"),
        ("I would say 7/10.", "no JSON object"),
        ('["feedback", "rating"]', "no JSON object"),
        ('{"feedback": "fine", "rating": 7', "no JSON object"),
        ('{"feedback": "fine"}', "Field required"),
        ('{"rating": 7}', "Field required"),
        ('{"feedback": "fine", "rating": 10.5}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": -1}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": NaN}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": Infinity}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": 1e999}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": true}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": null}', "number"),
        ('{"feedback": "fine", "rating": [7]}', "number"),
        ('{"feedback": "fine", "rating": "high"}', "number"),
        ('{"feedback": "fine", "rating": "7 of 10 people"}', "number"),
        ('{"feedback": "fine", "rating": ' + "9" * 400 + "}", "."),
        ('{"feedback": "fine", "rating": ' + "9" * 5000 + "}", "."),
        ('{"feedback": 7, "rating": 7}', "valid string"),
    ],
)
def test_what_lacks_the_form_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        feedback(text)


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "x" * n,
        lambda n: "{" * n,
        lambda n: '{"a":' * (n // 5),
        lambda n: "[" * n,
        lambda n: '{"feedback": "' + "x" * n,
        lambda n: '{"' * (n // 2),
        lambda n: '{"feedback": ' + "[" * (n // 10) + "]" * (n // 10) + ', "rating": 7}',
    ],
)
def test_nonsense_is_refused_in_no_longer_than_its_length_says(text: Callable[[int], str]) -> None:
    def read(size: int) -> None:
        with pytest.raises(ValueError, match=r"\S"):
            feedback(text(size))

    assert grows_linearly(read, 250_000)


def test_a_megabyte_of_feedback_is_read() -> None:
    assert len(feedback(json.dumps({"feedback": "x" * 1_000_000, "rating": 1})).feedback) == 1_000_000


@pytest.mark.parametrize("form", [Feedback, CrossRating, Rewrite, Edits])
@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda leaf: st.lists(leaf, max_size=3)
    | st.dictionaries(st.sampled_from(["rating", "feedback", "critique", "principles", "contract", "edits", "op", "id",
                                       "ids", "text", "for", "no_change"]), leaf, max_size=5),
    max_leaves=15,
))  # fmt: skip
def test_any_json_is_a_form_that_can_be_recorded_or_refused(form: Any, data: object) -> None:
    try:
        found = read_form(json.dumps(data), form, SCALE)[0]
    except ValueError:
        return
    assert found.model_dump_json().encode()


def test_lone_surrogates_are_cleaned_wherever_a_model_writes_them() -> None:
    bad = '"a\\ud800b"'
    rule = f'{{"id": {bad}, "text": {bad}, "for": [{bad}]}}'
    text = f'{{"critique": {bad}, "principles": [{rule}], "contract": [{rule}]}}'
    rewrite = read_form(text, Rewrite)[0]
    assert rewrite.critique == rewrite.principles[0].text == rewrite.contract[0].users[0] == "a\ufffdb"
    assert rewrite.model_dump_json()
    words = "".join(f', "{key}": {bad}' for key in ("id", "text", "reason"))
    lists = "".join(f', "{key}": [{bad}]' for key in ("ids", "for", "evidence"))
    edit = f'{{"op": "merge"{words}{lists}}}'
    text = f'{{"edits": [{edit}]}}'
    assert read_form(text, Edits)[0].model_dump_json()


@pytest.mark.parametrize(
    ("ranking", "fits"),
    [(["B", "A"], True), ([["A", "B"]], True), (["A"], True), (["A", "A"], False), (["C"], False), ([], False)],
)
def test_a_ranking_names_known_letters_once(ranking: list[Any], fits: bool) -> None:
    text = json.dumps({"ranking": ranking})
    if fits:
        assert read_form(text, Ranking, {"A", "B"})[0].ranking
    else:
        with pytest.raises(ValueError, match="each once"):
            read_form(text, Ranking, {"A", "B"})[0]
