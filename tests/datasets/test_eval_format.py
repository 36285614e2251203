"""`scai export --format eval`: the openings of a run for harnesses, without an answer."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import KNOWN_PEOPLE, TINY, events, scai

PATTERNS = ("=1+1 What is it?", "file://evil.js", " Package:evil:run", "a file: why?")


def rows_of(*arguments: object) -> list[dict[str, Any]]:
    called = scai("export", *arguments, "--format", "eval")
    assert called.code == 0, called.err
    return [json.loads(line) for line in called.out.splitlines()]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose conversations begin with the tasks as they are, and whose clauses are for single people."""
    folder = tmp_path_factory.mktemp("known")
    tasks = "\n".join(f"  - {{id: t{n}, prompt: {json.dumps(text)}}}" for n, text in enumerate(PATTERNS))
    text = TINY.partition("tasks:")[0].replace("name: tiny", "name: known") + f"tasks:\n{tasks}\n{KNOWN_PEOPLE}"
    clause = "constitution: {principles: [Be concise.], contract: [{text: Add an example., for: [ann]}]}\n"
    (folder / "known.yaml").write_text(f"{text}opening: task\n{clause}")
    assert scai("run", folder / "known.yaml", "-q", "--runs-dir", folder / "runs", "--set", "epochs=1").code == 0
    return folder / "runs" / "known"


def test_each_opening_is_a_row_under_the_product_for_everyone(known: Path) -> None:
    system = scai("export", known, "--format", "system").out.rstrip("\n")
    rows = rows_of(known)
    assert [row["input"][1]["content"] for row in rows] == [*PATTERNS]
    assert {row["id"].rpartition("/")[2] for row in rows} == {"t0", "t1", "t2", "t3"}
    assert rows[0]["id"] == "known/e1/ann/t0"
    for row in rows:
        assert [message["role"] for message in row["input"]] == ["system", "user"]
        assert row["input"][0]["content"] == system
        assert row["target"] == ""
        assert row.keys() == {"id", "input", "target"}


def test_no_answer_of_the_run_is_in_the_rows(finished: Path) -> None:
    said = [event for event in events(finished) if event["type"] == "message"]
    answers = {event["content"] for event in said if event["role"] == "assistant"}
    rows = rows_of(finished)
    inputs = [row["input"][1]["content"] for row in rows]
    assert set(inputs) <= {event["content"] for event in said if event["role"] == "user"}
    assert not [text for text in inputs if text in answers]
    assert len(inputs) == len({row["id"] for row in rows}) == len(set(inputs)) > 6


def test_the_filters_and_the_audience_are_those_of_runs(known: Path, finished: Path) -> None:
    members = scai("export", known, "--format", "system", "--for", "members").out.rstrip("\n")
    assert rows_of(known, "--for", "members")[0]["input"][0]["content"] == members
    ids = [row["id"] for row in rows_of(finished, "--epoch", 1, "--persona", "bob", "--task", "tea")]
    assert ids == ["tiny/e1/bob/tea"]
    for option in ("--split train=1", "--dedupe exact", "--system keep", "--min-rating 5"):
        called = scai("export", finished, "--format", "eval", *option.split())
        name = option.partition(" ")[0]
        assert called.err == f"scai: {name}: the format 'eval' exports whole runs and does not take it; leave it out\n"


def test_the_csv_file_has_the_variables_of_promptfoo(known: Path, tmp_path: Path) -> None:
    assert scai("export", known, "--format", "eval", "-o", tmp_path / "tests.csv").code == 0
    with (tmp_path / "tests.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    system = scai("export", known, "--format", "system").out.rstrip("\n")
    # promptfoo runs the code that a variable names, and a spreadsheet a formula: neither starts with its sign.
    assert [row["prompt"] for row in rows] == [*(f"'{prompt}" for prompt in PATTERNS[:3]), PATTERNS[3]]
    assert [{*row} for row in rows] == [{"system", "prompt"}] * 4
    assert {row["system"] for row in rows} == {system}
