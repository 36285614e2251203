"""Paths into nested values, found whatever the dots in keys."""

from __future__ import annotations

import pytest

from scai_cli.populations.nested import trail

ROW = {"a": {"b.c": {"D": 1}, "l": [5, {"x": None}]}, "a.l": 6, "..": 7}


@pytest.mark.parametrize(
    ("path", "spelt", "value"),
    [
        ("A.b.C.d", "a.b.c.D", 1),
        ("a.l", "a.l", 6),  # a key comes before a path
        ("a.l.0", "a.l.0", 5),
        ("a.l.1.X", "a.l.1.x", None),
        ("..", "..", 7),
    ],
)
def test_a_path_finds_a_value(path: str, spelt: str, value: object) -> None:
    found = trail(ROW, path)
    assert found is not None
    assert (".".join(key for key, _ in found), found[-1][1]) == (spelt, value)


NOWHERE = ["", "b", "a.", ".a", "a.l.2", "a.l.-1", "a.l.²", "a.l.0.x", "." * 4000, "a.l." + "9" * 5000]


@pytest.mark.parametrize("path", NOWHERE, ids=range(len(NOWHERE)))
def test_a_path_to_nothing_finds_nothing_at_once(path: str) -> None:
    assert trail(ROW, path) is None
