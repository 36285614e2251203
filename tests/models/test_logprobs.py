"""Where the log-probabilities of an answer's letter are found."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest

from scai_cli.models.logprobs import answer_logprobs


def told(tokens: Iterable[str], at: int) -> dict[str, Any]:
    """Log-probabilities as OpenAI sends them; only the token `at` has A and B among its candidates."""

    def top(n: int, token: str) -> list[dict[str, Any]]:
        likely = [("A", 0.6), (" (B", 0.3)] if n == at else [(token, 0.9)]
        return [{"token": word, "logprob": math.log(p), "bytes": None} for word, p in likely]

    return {
        "content": [{"token": token, "logprob": -0.1, "top_logprobs": top(n, token)} for n, token in enumerate(tokens)]
    }


@pytest.mark.parametrize(
    ("tokens", "at", "raw", "start"),
    [
        (["A"], 0, "A", 0),
        (["\n\n", "(", "B", ")"], 2, "(B)", 0),
        (["**", "A", "**"], 1, "**A**", 0),
        (["Answer", ":", " A"], 2, "Answer: A", 0),
        (["Answer", ":", " C"], 2, "Answer: C", 0),  # of three options
        (["A", ": short. ", "Better", ": ", "B"], 4, "A: short. Better: B", 0),
        (['{"', "letter", '":', ' "', "B", '"}'], 4, '{"letter": "B"}', 0),
        (["<think>", "A", " is long", "</think>", "\n", "B"], 5, "<think>A is long</think>\nB", 25),
        (["A", " is long", "B"], 2, "B", 0),  # thoughts that the server sends in another key
        (["A", "<|im_end|>"], 0, "A", 0),
        (["Ġ(", "A", ")", "Ċ"], 1, "(A)", 0),
        (["A", " ", "bytes:\\xe2\\x80"], 0, "A \u2014", 0),
        (["\n", "A"], 1, "B", 0),  # not the tokens of the text: the first word
    ],
)
def test_the_candidates_are_those_at_the_letter(tokens: list[str], at: int, raw: str, start: int) -> None:
    found = answer_logprobs(told(tokens, at), raw, start)
    assert found == (("A", pytest.approx(math.log(0.6))), (" (B", pytest.approx(math.log(0.3))))


@pytest.mark.parametrize(
    ("logprobs", "raw", "start"),
    [
        (None, "A", 0),
        ("yes", "A", 0),
        ({"content": None}, "A", 0),
        ({"content": []}, "A", 0),
        ({"content": [{"token": "A"}]}, "A", 0),
        ({"content": [{"token": "A", "top_logprobs": 7}]}, "A", 0),
        ({"content": [{"token": "A", "top_logprobs": [None, {}, {"token": "A", "logprob": "0"}]}]}, "A", 0),
    ],
)
def test_without_candidates_there_are_none(logprobs: object, raw: str, start: int) -> None:
    assert answer_logprobs(logprobs, raw, start) is None


@pytest.mark.parametrize(
    ("tokens", "raw", "start"),
    [
        (["A", " is long"], "A is long</think>B", 17),  # the tokens of thoughts alone
        (["..."], "...", 0),
        ([""], "", 0),
    ],
)
def test_log_probabilities_of_other_tokens_are_not_the_answers(tokens: list[str], raw: str, start: int) -> None:
    assert answer_logprobs(told(tokens, 0), raw, start) == ()
