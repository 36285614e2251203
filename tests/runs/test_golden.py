"""A run that was written before and is kept: today's code reads it as it was read then (see make_golden.py)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import scai

from scai_cli.experiment.load import dump_experiment, load_saved
from scai_cli.runs.events import ANY_EVENT
from scai_cli.runs.history.fold import read_history
from scai_cli.simulation.prompts import Prompts

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return shutil.copytree(GOLDEN / "tiny", tmp_path / "runs" / "tiny")


def test_it_is_shown_as_it_was(run: Path) -> None:
    assert scai("show", run, "--json").json == json.loads((GOLDEN / "show.json").read_text(encoding="utf-8"))


def test_it_is_exported_as_it_was(run: Path) -> None:
    exported = scai("export", run, "--format", "sft-prompt-completion", "--system", "keep")
    assert exported.out == (GOLDEN / "sft.jsonl").read_text(encoding="utf-8")


def test_every_event_is_written_as_it_was_read(run: Path) -> None:
    with (run / "events.jsonl").open(encoding="utf-8") as file:
        for line in file:
            assert json.loads(ANY_EVENT.validate_json(line).model_dump_json(by_alias=True)) == json.loads(line)


def test_its_experiment_is_whole(run: Path) -> None:
    config = load_saved(run / "config.yaml")
    assert len(config.personas.inline) == 3
    assert dump_experiment(config) == (run / "config.yaml").read_text(encoding="utf-8")


def test_its_files_for_people_follow_from_its_events(run: Path) -> None:
    history = read_history(run)
    config = history.config
    prompts = Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)
    constitution, message = history.product
    assert prompts.system_message(constitution) == message
    assert (run / "system_message.txt").read_text(encoding="utf-8") == f"{message}\n"
    for epoch in history.epochs:
        file = run / "constitution" / f"e{epoch.number - 1}.md"
        assert file.read_text(encoding="utf-8") == f"{epoch.system_message}\n"


def test_a_finished_run_is_left_as_it_is(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.suffix in (".jsonl", ".yaml", ".md", ".txt")}
    assert scai("resume", run, "-q").code == 0
    assert {path: path.read_bytes() for path in before} == before
