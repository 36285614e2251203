"""Experiments that earlier versions saved keep the text of the task as the opening, and files stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from conftest import calls, events, scai

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, dump_experiment, load_experiment, load_resolved, load_saved
from scai_cli.prompts.templates import TEMPLATES

GOLDEN = Path(__file__).parents[1] / "golden"
SAVED = [
    GOLDEN / "v0/whole/config.yaml",
    GOLDEN / "v0.4/whole/config.yaml",
    GOLDEN / "v0/rows/experiment.yaml",
    GOLDEN / "v0.4/rows/experiment.yaml",
]
BEFORE = {name: text for name, text in TEMPLATES.items() if not name.startswith(("opening", "introduction"))}
PEOPLE_AND_TASKS = {"personas": [{"id": "ann"}, {"id": "bob"}], "tasks": [{"id": "tea", "prompt": "Tea?"}]}


@pytest.mark.parametrize("file", SAVED, ids=lambda file: f"{file.parts[-3]}-{file.parts[-2]}")
def test_a_saved_experiment_of_an_earlier_version_has_the_text_of_the_task_for_all_who_read_it(file: Path) -> None:
    assert {read(file).opening for read in (load_saved, load_resolved, load_experiment)} == {"task"}
    assert "opening" not in yaml.safe_load(dump_experiment(load_resolved(file)))
    assert load_saved(file, Overrides(settings=["opening=own_words"])).opening == "own_words"


@pytest.mark.parametrize("prompts", [{}, {"assistant": "Be kind."}, dict(TEMPLATES)])
def test_an_experiment_of_ones_own_has_own_words(prompts: dict[str, str]) -> None:
    Path("mine.yaml").write_text(yaml.safe_dump({**PEOPLE_AND_TASKS, "prompts": prompts}), encoding="utf-8")
    assert {read(Path("mine.yaml")).opening for read in (load_saved, load_resolved, load_experiment)} == {"own_words"}


@pytest.mark.parametrize("prompts", [{}, {"assistant": "Be kind."}, BEFORE, dict(TEMPLATES)])
@pytest.mark.parametrize("opening", ["task", "own_words"])
def test_the_opening_is_read_back_as_it_was_saved(opening: str, prompts: dict[str, str]) -> None:
    config = ExperimentConfig.model_validate({**PEOPLE_AND_TASKS, "opening": opening, "prompts": prompts})
    Path("saved.yaml").write_text(dump_experiment(config), encoding="utf-8")
    assert load_resolved(Path("saved.yaml")) == config
    assert {read(Path("saved.yaml")).opening for read in (load_saved, load_experiment)} == {opening}


def test_a_saved_experiment_of_0_4_that_is_run_again_opens_with_the_text_of_the_task() -> None:
    assert scai("run", GOLDEN / "v0.4/whole/config.yaml", "-q", "--run-id", "again").code == 0
    run = Path("runs/again")
    assert "opening" not in {call["purpose"] for call in calls(run)}
    said = {event["content"] for event in events(run) if event["type"] == "message" and event["id"].endswith("/m0")}
    assert said == {task.prompt for task in load_saved(run / "config.yaml").tasks.inline}
    assert yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["opening"] == "task"


def test_a_stopped_set_of_0_4_is_resumed_with_the_same_experiment() -> None:
    rows = shutil.copytree(GOLDEN / "v0.4/rows", "runs/rows")
    before = {name: (Path(rows) / name).read_bytes() for name in ("experiment.yaml", "rows.jsonl")}
    (Path(rows) / "rows.jsonl").write_bytes(b"".join(before["rows.jsonl"].splitlines(keepends=True)[:-1]))
    (Path(rows) / "outcome.json").unlink()
    called = scai("resume", "rows", "-q")
    assert called.code == 0, called.err
    assert {name: (Path(rows) / name).read_bytes() for name in before} == before
