"""Similarity of texts: what it must be for any texts, and that it follows its formula."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.analysis.text_similarity import rules_text, text_similarity, vector_similarity
from scai_cli.experiment.constitution import Constitution, Principle


@given(st.lists(st.text(max_size=60), max_size=6))
def test_it_is_symmetric_bounded_and_one_with_itself(texts: list[str]) -> None:
    found = text_similarity(texts)
    assert len(found) == len(texts)
    for a, row in enumerate(found):
        assert row[a] == 1.0
        for b, value in enumerate(row):
            assert 0.0 <= value <= 1.0
            assert value == pytest.approx(found[b][a])


def test_it_follows_the_formula() -> None:
    """`a b` and `a c`: the word a is in both, b, c and the pairs in one."""
    common, rare = 1 + math.log(3 / 3), 1 + math.log(3 / 2)
    expected = common**2 / (common**2 + 2 * rare**2)
    assert text_similarity(["a b", "a c"])[0][1] == pytest.approx(expected)
    often = (1 + math.log(2)) * rare
    assert text_similarity(["b\nb a", "a"])[0][1] == pytest.approx(common / math.hypot(often, rare, common))


def test_more_shared_words_are_more_alike() -> None:
    first, near, far = "Be brief and warm.", "Be brief and formal.", "Name your sources always"
    row = text_similarity([first, near, far])[0]
    assert 1 > row[1] > row[2] == 0


def test_the_order_of_rules_and_case_do_not_count_but_that_of_words_does() -> None:
    assert text_similarity(["Be brief.\nBe warm.", "be WARM\nbe brief"])[0][1] == pytest.approx(1)
    assert text_similarity(["users before rules", "rules before users"])[0][1] < 0.9


def test_nothing_is_like_nothing_alone() -> None:
    assert text_similarity([]) == []
    assert text_similarity(["", "...", "word"]) == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_scripts_without_spaces_are_compared_by_their_characters() -> None:
    row = text_similarity(["短く答える", "短く書く", "長い"])[0]
    assert row[0] > row[1] > row[2] == 0


def test_more_terms_than_a_block_are_all_compared() -> None:
    many = " ".join(f"w{n}" for n in range(5000))
    assert text_similarity([many, f"{many} x"])[0][1] > 0.99


def test_vectors_by_cosine() -> None:
    found = vector_similarity([[1, 0], [1, 1], [0, 0], [-2, 0]])
    assert found[0][1] == pytest.approx(math.sqrt(0.5))
    assert found[0][3] == -1
    assert found[2] == [0, 0, 1, 0]


def test_a_constitution_is_compared_by_its_rules() -> None:
    made = Constitution(principles=(Principle(id="P1", text="Be\nbrief."), Principle(id="P2", text="Be warm.")))
    assert rules_text(made) == "Be brief.\nBe warm."
    assert rules_text(Constitution()) == ""
