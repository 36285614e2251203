"""Scalars: what is written is what prompts show."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scai_cli.experiment.scalars import as_scalar, number, read_json, scalar, written

NUMBER_LIKE = st.from_regex(r"[-+]?[0-9]{0,18}(\.[0-9]{0,18})?([eE][-+]?[0-9]{1,3})?", fullmatch=True)


@given(st.text() | NUMBER_LIKE | st.integers().map(str) | st.floats().map(str))
@example("-0")
@example("1e-05")
@example("123456789012345678")
def test_a_scalar_prints_as_it_is_written(text: str):
    assert str(scalar(text)) == written(scalar(text)) == text


@given(st.integers(-(10**15) + 1, 10**15 - 1) | st.floats(0.0001, 99_999).map(lambda value: round(value, 4)))
def test_what_a_program_prints_is_a_number(value: int | float):
    assert scalar(str(value)) == number(str(value)) == value


@pytest.mark.parametrize("text", ["01234", "1.10", "12:30", "1e5", "1_000", "+5", ".5", "5.", "0x1F", "٣", " 3"])
def test_another_spelling_stays_text(text: str):
    assert scalar(text) is text


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?", fullmatch=True))
@example("-0")
@example("1.10")
@example("1E400")
def test_a_number_of_json_keeps_its_spelling(text: str):
    value = read_json(text)
    assert written(value) == text
    assert str(as_scalar(value)) == text
    assert value == json.loads(text)


def test_a_boolean_is_written_as_in_yaml_and_json():
    assert (as_scalar(True), as_scalar(False)) == ("true", "false")


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, float("nan"), float("inf")])
def test_anything_but_one_value_is_refused(value: object):
    assert written(value) is None
    with pytest.raises(ValueError, match="must be one value; join a list into one text"):
        as_scalar(value)


def test_arithmetic_reads_numbers_alone():
    assert [number(value) for value in (34, 1.5, "34", "1.10", "-2e3")] == [34, 1.5, 34, 1.1, -2000]
    assert {number(value) for value in ("01234", "65+", "10,000", "NO", "", "1e999", True, None, 10**400)} == {None}
