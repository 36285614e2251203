"""Ratings in words of their scale: read as they are meant, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.text.scale_numbers import read_on_scale


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7), ("7.5", 7.5), ("7,5", 7.5), (" 7 ", 7), ("8.", 8), ("+8", 8), ("08", 8), ("**8**", 8), ("`8`", 8),
        ("8 (very good)", 8), ("8/10", 8), ("8 / 10", 8), ("8 out of 10", 8), ("**8**/10", 8), ("8/10 (good)", 8),
        ("８", 8), ("٨", 8), ("８．５", 8.5), ("８／１０", 8),
    ],
)  # fmt: skip
def test_a_number_on_the_scale_is_read(text: str, number: float) -> None:
    assert read_on_scale(text, 0, 10) == (number, False)


@pytest.mark.parametrize(
    ("text", "number"),
    [("9/100", 0.9), ("4 out of 5", 8), ("80 %", 8), ("80%", 8), ("80 percent", 8), ("3 of 4", 7.5), ("0/5", 0)],
)
def test_a_number_of_another_stated_scale_is_converted(text: str, number: float) -> None:
    read = read_on_scale(text, 0, 10)
    assert read is not None
    assert read.number == pytest.approx(number)
    assert read.converted


@pytest.mark.parametrize(
    "text",
    [
        "", "eight", "7-8", "7–8", "7 to 8", "7 or 8", "11", "-1", "12/10", "8/0", "0/0", "101 %", "8²", "8½", "½", "①",
        "7 of 10 people", "8 (of 100)", "7*8", "1,000", "1,500", "8.5.1", "~8", "8+", ">8", "nan", "inf", "1e1", "0x8",
        "8 stars", "8/10/2026", "9" * 400,
    ],
)  # fmt: skip
def test_anything_else_is_not_read(text: str) -> None:
    assert read_on_scale(text, 0, 10) is None


@pytest.mark.parametrize(
    ("text", "low", "high", "read"),
    [
        ("4 out of 5", 1, 5, (4, False)),
        ("8/10", 1, 5, None),  # the other scale may begin at 0 or at 1
        ("80 %", 1, 5, None),
        ("80 %", 0, 100, (80, False)),
        ("4/5", 0, 100, (80, True)),
        ("0/10", 1, 10, None),
        ("-3", -5, 5, (-3, False)),
        ("−3", -5, 5, (-3, False)),
        ("3/5", -5, 5, None),
        ("-3", -10, 0, (-3, False)),
    ],
)
def test_what_is_stated_decides_on_scales_that_do_not_begin_at_0(
    text: str, low: float, high: float, read: tuple[float, bool] | None
) -> None:
    assert read_on_scale(text, low, high) == read


@given(st.text(max_size=20) | st.from_regex(r"[-+*]?\d{1,3}([.,/ %-]|out of)\d{0,3}[%.]?", fullmatch=True))
def test_any_text_is_a_number_on_the_scale_or_none(text: str) -> None:
    read = read_on_scale(text, 0, 10)
    assert read is None or 0 <= read.number <= 10
