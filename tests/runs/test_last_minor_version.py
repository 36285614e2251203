"""Folders of this minor version and the last one stay readable, and no key or row of theirs changes.

Each folder `tests/golden/v0.N/` is written by `tests/support/make_minor_version.py`, once.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import scai
from recorded import without_fidelity, without_measures

GOLDEN = Path(__file__).parents[1] / "golden"
VERSIONS = ("v0.12", "v0.13")
NAMES = sorted(path.stem for path in (GOLDEN / VERSIONS[-1] / "expected").glob("*.txt"))


@pytest.fixture(autouse=True, params=VERSIONS)
def expected(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder with what its version printed; its runs are copied to this folder."""
    folder = GOLDEN / request.param
    shutil.copytree(folder, tmp_path / "runs", ignore=shutil.ignore_patterns("expected"))
    shutil.copytree(folder / "whole", tmp_path / "runs" / "copy")
    return folder / "expected"


def kept(before: Any, now: Any) -> bool:
    """Whether everything that was printed is printed today; objects may have more keys."""
    if isinstance(before, dict):
        return isinstance(now, dict) and all(key in now and kept(value, now[key]) for key, value in before.items())
    if isinstance(before, list):
        return isinstance(now, list) and len(before) == len(now) and all(map(kept, before, now))
    if isinstance(before, float):  # a sum in another order has another last digit
        return isinstance(now, float) and now == pytest.approx(before, abs=1e-12)
    return type(before) is type(now) and before == now


def test_show_prints_each_key_as_it_did(expected: Path):
    before = json.loads((expected / "whole.show.json").read_text(encoding="utf-8"))
    now = scai("show", "whole", "--json").json
    assert before["epochs"]
    without_fidelity(before)
    for person in before["headline"].get("people", {}).values():
        person.pop("level", None)  # it was that of one interval, and is that of all together
    assert kept(without_measures(before), now)
    for name in ("satisfaction", "welfare"):  # the intervals are narrower or wider, and of the same change
        change = now["headline"][name]
        assert change["low"] < change["estimate"] < change["high"]
        assert change["verdict"] == before["headline"][name]["verdict"]
    assert {found["cross"] for found in now["honesty"].values()} == {None}


@pytest.mark.parametrize("name", NAMES)
def test_an_export_has_the_same_rows(name: str, expected: Path):
    run, _, form = name.partition(".")
    called = scai("export", run, "--format", form)
    before, now = (expected / f"{name}.txt").read_text(encoding="utf-8").splitlines(), called.out.splitlines()
    assert now == before


def test_a_verdict_is_shown_with_each_key_as_it_was(expected: Path):
    before = json.loads((expected / "verdict.show.json").read_text(encoding="utf-8"))
    assert kept(before, scai("show", "verdict", "--json").json)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "whole"),
        ("show", "whole", "--constitution"),
        ("show", "whole", "--ratings"),
        ("show", "whole", "--diff", 0, 1),
        ("list",),
        ("compare", "whole", "copy"),
        ("generate", "whole", "--n", 1, "--run-id", "more"),
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_a_reading_command_reads_it(words: tuple[object, ...]):
    called = scai(*words)
    assert (called.code, bool(called.out)) == (0, True), called.err


@pytest.mark.slow
def test_a_report_is_made_of_it():
    assert scai("report", "whole", "-o", "page.html").code == 0
