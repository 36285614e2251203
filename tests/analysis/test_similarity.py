"""Similarity of constitutions: cosines of the vectors of an embedding model."""

from __future__ import annotations

import math

import pytest

from scai_cli.analysis.version_similarity import rules_text, vector_similarity
from scai_cli.experiment.constitution import Constitution, Principle


def test_vectors_by_cosine() -> None:
    found = vector_similarity([[1, 0], [1, 1], [0, 0], [-2, 0]])
    assert found[0][1] == pytest.approx(math.sqrt(0.5))
    assert found[0][3] == -1
    assert found[2] == [0, 0, 1, 0]


def test_a_constitution_is_compared_by_its_rules() -> None:
    made = Constitution(principles=(Principle(id="P1", text="Be\nbrief."), Principle(id="P2", text="Be warm.")))
    assert rules_text(made) == "Be brief.\nBe warm."
    assert rules_text(Constitution()) == ""
