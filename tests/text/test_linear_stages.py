"""The time of each stage that handles a model's text grows with the length of the text alone."""

import json

import pytest
from growth import cpu_s, grows_linearly
from stages import SHAPES, STAGES, text_of

from scai_cli.text.loose_json import find_objects
from scai_cli.text.word_changes import word_changes


@pytest.mark.parametrize(
    ("stage", "shape"),
    [
        *(("thoughts", shape) for shape in ("granite", "struck", "details", "last tokens, then a word", "open answer")),
        *(("loose_json", shape) for shape in ("hashes", "lines of hashes", "open comments")),
        ("choice", "newlines"),
        ("logprobs", "one letter"),
        ("word_changes", "words"),
    ],
)
def test_a_text_that_was_hard(stage, shape):
    assert grows_linearly(lambda size: STAGES[stage](text_of(shape, size)), 3_000)


def test_an_object_with_many_keys_and_one_twice():
    def text(size: int) -> str:
        return "{" + ", ".join(f'"{n}": 1' for n in range(size)) + ', "0": 2}'

    assert next(find_objects(text(3))).data == {"0": [1, 2], "1": 1, "2": 1}
    assert json.loads(text(3))["0"] == 2
    assert grows_linearly(lambda size: list(find_objects(text(size))), 1_500)


def test_a_long_text_changes_as_a_whole():
    text = "word " * 5_000
    assert list(word_changes(text, text)) == [(text, "", "")]
    assert list(word_changes(text, f"{text}more")) == [("", text.strip(), f"{text}more")]
    assert list(word_changes("a b", "a c")) == [("a ", "", ""), ("", "b", "c")]


@pytest.mark.slow
@pytest.mark.rotating
@pytest.mark.parametrize("stage", STAGES)
def test_any_text_in_any_stage(stage):
    def is_linear(shape: str) -> bool:
        short, long = (cpu_s(lambda size=size: STAGES[stage](text_of(shape, size)), 1) for size in (25_000, 100_000))
        return long < 9 * max(short, 0.02)

    assert [shape for shape in SHAPES if not any(is_linear(shape) for _ in range(3))] == []
