"""Runs and sets that version 0.1 wrote (golden/v0/README.md): read and exported as by it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import scai
from recorded import without_fidelity, without_measures

V0 = Path(__file__).parents[1] / "golden" / "v0"
EXPECTED = V0 / "expected"
EXPORTS = sorted(path.stem for path in EXPECTED.glob("*.txt"))


def with_keys_of(now: Any, then: Any) -> Any:
    """The value of now without the keys that the value of then lacks."""
    if isinstance(then, dict):
        return {key: with_keys_of(now[key], value) for key, value in then.items()}
    if isinstance(then, list):
        return [with_keys_of(*pair) for pair in zip(now, then, strict=True)]
    return now


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return shutil.copytree(V0, tmp_path / "runs", ignore=shutil.ignore_patterns("expected", "README.md"))


@pytest.mark.parametrize("run", ["whole", "stopped"])
def test_a_run_is_shown_with_all_that_it_had_and_keys_may_be_more(runs: Path, run: str) -> None:
    then = without_measures(json.loads((EXPECTED / f"{run}.show.json").read_text(encoding="utf-8")))
    for key in ("base", "rounds", "satisfied", "rule", "candidates", "memory"):  # that went, or are read by others
        then["config"]["revision"].pop(key, None)
    without_fidelity(then)
    assert with_keys_of(scai("show", run, "--json").json, then) == then


def test_the_difference_of_a_holdout_says_for_whom_it_is_valid(runs: Path) -> None:
    found = scai("show", "whole", "--json").json["holdout"]
    assert (found["difference"]["estimand"], found["difference"]["people"]) == ("new people", 1)
    eve = found["people"]["eve"]
    assert (eve["before"], eve["after"], eve["verdict"]) == (0.7, 0.3, "cannot tell")


@pytest.mark.parametrize("name", EXPORTS)
def test_every_format_is_exported_to_the_byte(runs: Path, name: str) -> None:
    run, _, form = name.partition(".")
    audience = ("--for", "members") if form == "system" else ()  # older messages have the clauses for single people
    labels = ("--kto-threshold", "0.5") if form == "kto" else ()  # as versions before 0.10 labelled
    for file in (runs / run).glob("*.yaml"):  # in versions before 0.13, rows did not count people by their weights
        file.write_text(file.read_text(encoding="utf-8").replace("    weight: 2.0\n", ""), encoding="utf-8")
    exported = scai("export", run, "--format", form, "--system", "keep", *audience, *labels)
    assert exported.out == (EXPECTED / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["stopped", "stopped-rows"])
def test_stopped_work_without_the_forms_of_its_answers_is_refused_before_a_call(runs: Path, name: str) -> None:
    """Its ratings were asked for in a form that showed a number; others would not be comparable."""
    before = {path: path.read_bytes() for path in (runs / name).rglob("*") if path.is_file() and path.name != ".lock"}
    refused = scai("resume", name, "-q", "--set", "limits.calls=null")
    assert refused.code == 2
    assert "was started by scai 0.1" in refused.err
    assert "continue it with that version" in refused.err
    assert refused.err.count("\n") == 1
    assert {path: path.read_bytes() for path in before} == before


def test_what_the_rows_of_a_set_hold_cannot_be_changed_later(runs: Path) -> None:
    refused = scai("resume", "stopped-rows", "--set", "generate.raters=3")
    assert (refused.code, "started with another value of generate than" in refused.err) == (2, True)


@pytest.mark.parametrize("run", ["whole", "rows"])
def test_what_was_finished_is_left_as_it_is(runs: Path, run: str) -> None:
    before = {path: path.read_bytes() for path in (runs / run).rglob("*.jsonl")}
    assert scai("resume", run, "-q").code == 0
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("run", ["whole", "stopped"])
def test_every_page_and_screen_can_be_made_of_them(runs: Path, run: str) -> None:
    for call in (["show", run], ["show", run, "--epoch", 1], ["show", run, "--ratings"]):
        shown = scai(*call)
        assert shown.code == 0, shown.err
        assert shown.out
    assert scai("report", run, "-o", "page.html").code == 0
    assert {entry["run_id"] for entry in json.loads(scai("list", "--json").out)} == {"whole", "stopped"}
