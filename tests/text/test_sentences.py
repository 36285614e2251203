"""The ends of sentences in every script."""

from __future__ import annotations

import pytest

from scai_cli.populations.clean_text import sentence
from scai_cli.text.sentences import count_sentences, is_ended

FULL_STOPS = ".!?…。．！？｡।॥۔؟։።។။༎꓿᠃"


@pytest.mark.parametrize("mark", FULL_STOPS)
def test_no_second_full_stop(mark: str) -> None:
    for text in (f"Tea{mark}", f"茶{mark}", f"「茶{mark}」", f"『茶{mark}』 "):
        assert is_ended(text)
        assert sentence(text) == text
    assert is_ended(f"（茶{mark}）") == (mark not in ".!?…")  # "(green tea etc.)" goes on


@pytest.mark.parametrize("text", ["tea", "茶", "चाय", "(tea)", "tea,", "茶、", "3", "Hobbies: スキー", "the dogs’"])
def test_a_full_stop_where_there_is_none(text: str) -> None:
    assert sentence(text) == f"{text}."


@pytest.mark.parametrize("text", ["", 'She said "tea"', "“tea”", "「茶」", "«чай»"])
def test_none_after_a_quotation(text: str) -> None:
    assert sentence(text) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("One is here. Two is at 3.5 per cent, e.g. now. Three!", 3),
        ("她在长沙。她开书店！她想要什么？简短。", 4),
        ("वह दिल्ली में है। वह खुश है।", 2),
        ("Она пекарь. Она рада. да.", 2),
        ("빵집을 합니다. 행복해요.", 2),
        ("どう…！？はい。", 2),
        ("¿Qué? ¡Sí! «Bien», dice.", 3),
        ("no end", 0),
    ],
)
def test_sentences_are_counted(text: str, number: int) -> None:
    assert count_sentences(text) == number
