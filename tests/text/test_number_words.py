"""Numbers in digits and in English words."""

from __future__ import annotations

import pytest

from scai_cli.text.number_words import numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250", {250}),
        ("two hundred and fifty", {250}),
        ("Two Hundred Fifty", {250}),
        ("one thousand two hundred and fifty", {1250}),
        ("1,250 or 1.250", {1250}),
        ("twelve hundred", {1200}),
        ("two hundred thousand", {200_000}),
        ("one million two hundred fifty thousand", {1_250_000}),
        ("250 thousand", {250_000}),
        ("a thousand and one nights", {1001}),
        ("thirty-one, and one of us", {31}),
        ("a hundred and I", {100}),
        ("two hundred, fifty", {200, 50}),
        ("three and four", {3, 4}),
        ("two hundred 50", {200, 50}),
        ("zero hundred", {0, 100}),
        ("hundred thousand thousand", {100_000, 1000}),
        ("one of the thousands", set()),
        ("", set()),
    ],
)
def test_a_compound_is_one_number(text: str, expected: set[int]) -> None:
    assert numbers(text) == expected
