"""Experiments that earlier versions saved keep their defaults, and files stay as they are; old names are explained."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import calls, events, scai

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import (
    Overrides,
    changed_text,
    dump_experiment,
    load_experiment,
    load_resolved,
    load_saved,
)
from scai_cli.prompts.templates import TEMPLATES

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = ("whole/config.yaml", "rows/experiment.yaml")
SAVED = [GOLDEN / version / file for version in ("v0", "v0.4") for file in FILES]
BEFORE_BALLOTS = [*SAVED, *(GOLDEN / "v0.5" / file for file in FILES)]
PEOPLE_AND_TASKS = {"personas": [{"id": "ann"}, {"id": "bob"}], "tasks": [{"id": "tea", "prompt": "Tea?"}]}


@pytest.mark.parametrize("file", SAVED, ids=lambda file: "-".join(file.parts[-3:-1]))
def test_a_saved_experiment_of_an_earlier_version_has_the_text_of_the_task_for_all_who_read_it(file: Path) -> None:
    assert {read(file).opening for read in (load_saved, load_resolved)} == {"task"}
    assert load_saved(file, Overrides(settings=["opening=own_words"])).opening == "own_words"


@pytest.mark.parametrize("prompts", [{}, {"assistant": "Be kind."}, dict(TEMPLATES)])
def test_an_experiment_of_ones_own_has_own_words(prompts: dict[str, str]) -> None:
    Path("mine.yaml").write_text(yaml.safe_dump({**PEOPLE_AND_TASKS, "prompts": prompts}), encoding="utf-8")
    assert {read(Path("mine.yaml")).opening for read in (load_saved, load_resolved, load_experiment)} == {"own_words"}


@pytest.mark.parametrize("prompts", [{}, {"assistant": "Be kind."}, dict(TEMPLATES)])
@pytest.mark.parametrize("opening", ["task", "own_words"])
def test_the_opening_is_read_back_as_it_was_saved(opening: str, prompts: dict[str, str]) -> None:
    config = ExperimentConfig.model_validate({**PEOPLE_AND_TASKS, "opening": opening, "prompts": prompts})
    Path("saved.yaml").write_text(dump_experiment(config), encoding="utf-8")
    assert load_resolved(Path("saved.yaml")) == config
    assert {read(Path("saved.yaml")).opening for read in (load_saved, load_experiment)} == {opening}


# --- revisions before 0.6


def of(file: Path) -> str:
    return "-".join(file.parts[-3:-1])


@pytest.mark.parametrize("file", BEFORE_BALLOTS, ids=of)
def test_a_saved_experiment_keeps_the_meaning_of_its_revision(file: Path) -> None:
    written = yaml.safe_load(file.read_text(encoding="utf-8"))["revision"]
    for read in (load_saved, load_resolved):
        revision = read(file).revision
        assert (revision.strategy, revision.acceptance) == (written["strategy"], written["acceptance"])
        assert revision.quorum == written["quorum"]
        assert (revision.clauses, revision.candidates, revision.memory) == ("people", 1, 1)
        again = Path("again.yaml")
        again.write_text(dump_experiment(read(file)), encoding="utf-8")
        assert read(again) == read(file)
    assert changed_text(file, load_resolved(file)) is None
    changed = load_resolved(file, Overrides(settings=["limits.calls=7"]))
    assert "calls: 7" in (changed_text(file, changed) or "")


def earlier(**revision: object) -> Path:
    """A saved experiment of 0.5 with these keys."""
    data = yaml.safe_load((GOLDEN / "v0.5/whole/config.yaml").read_text(encoding="utf-8"))
    data["revision"] |= revision
    Path("saved.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return Path("saved.yaml")


def test_a_key_counts_where_it_was_read() -> None:
    several = load_saved(earlier(strategy="candidates", base=["rewrite", "edits"], candidates=4)).revision
    assert (several.strategy, several.candidates, several.memory) == ("candidates", 4, 1)
    reflecting = load_saved(earlier(strategy="reflect", memory=3)).revision
    assert (reflecting.candidates, reflecting.memory) == (1, 3)


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ({"strategy": "reflect"}, "revision.strategy: unknown strategy 'reflect'; `rewrite` with `revision.memory: 2`"),
        ({"acceptance": "vote"}, "revision.acceptance: unknown acceptance 'vote'; `ratify` replaced it in 0.6"),
    ],
)
def test_a_saved_experiment_that_needs_what_is_gone_is_read_but_not_run_again(
    revision: dict[str, object], said: str
) -> None:
    file = earlier(**revision)
    assert load_saved(file).revision.model_dump().items() >= revision.items()
    called = scai("run", file, "-q")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert said in called.err


@pytest.mark.parametrize("acceptance", ["vote", "both"])
def test_an_unfinished_run_that_needs_what_is_gone_names_the_version_that_can_continue_it(acceptance: str) -> None:
    run = Path(shutil.copytree(GOLDEN / "v0.5/whole", "runs/whole"))
    unfinished(run)
    file = run / "config.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("acceptance: always", f"acceptance: {acceptance}"))
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file() and path.name != ".lock"}
    called = scai("resume", "whole", "-q")
    assert called.code == 2
    assert called.err == (
        f"scai: run 'whole' revises by the acceptance {acceptance!r}, which this version does not have; "
        "continue it with scai 0.5, or start a new run\n"
    )
    assert {path: path.read_bytes() for path in before} == before
    for command in (
        ("show", "whole"),
        ("list",),
        ("export", "whole", "--format", "system"),
        ("report", "whole", "-o", "r.html"),
    ):
        assert scai(*command).code == 0


def unfinished(run: Path) -> None:
    """Take back what a run of two epochs has written since its first."""
    for name in ("events.jsonl", "calls.jsonl"):
        lines = (run / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not re.search(r'"id":"e[23]|"run_finished"', line)]
        (run / name).write_text("".join(kept), encoding="utf-8")
    (run / "outcome.json").unlink(missing_ok=True)


def test_an_unfinished_run_that_needs_nothing_else_is_continued_with_the_same_requests() -> None:
    run = Path(shutil.copytree(GOLDEN / "v0.5/whole", "runs/whole"))
    unfinished(run)
    before = {name: (run / name).read_bytes() for name in ("config.yaml", "events.jsonl", "calls.jsonl")}
    called = scai("resume", "whole", "-q")
    assert called.code == 0, called.err
    assert (run / "config.yaml").read_bytes() == before["config.yaml"]
    for name in ("events.jsonl", "calls.jsonl"):
        assert (run / name).read_bytes().startswith(before[name])
    first = [call["id"] for call in calls(run) if call["id"].startswith("e1/")]
    assert len(first) == len(set(first))  # none was made again
    assert scai("show", "whole", "--json").json["status"] == "finished"


# --- old names in an experiment of one's own


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            "revision: {acceptance: vote}",
            "revision.acceptance: unknown acceptance 'vote'; `ratify` replaced it in 0.6",
        ),
        (
            "revision: {acceptance: both}",
            "unknown acceptance 'both'; `ratify` replaced it in 0.6",
        ),
        (
            "revision: {strategy: edits}",
            "mine.yaml:4: revision.strategy: unknown strategy 'edits'; `grounded` replaced it",
        ),
        ("revision: {strategy: candidates}", "any strategy with `revision.candidates: 3` replaced it in 0.6"),
        ("revision:\n  rule: borda", "5: revision.rule: unknown key; it went in 0.6, with the votes; remove it"),
        (
            "revision: {satisfied: 0.5}",
            "revision.satisfied: unknown key; it went in 0.6, with the strategy `reflect`",
        ),
        ("revision: {base: [rewrite]}", "4: revision.base: unknown key; it went in 0.6; `strategy` names the one"),
        ("prompts: {vote: Vote.}", "4: prompts: unknown prompt 'vote'; `ballot` replaced it in 0.6"),
        ("prompts: {reflect: Think.}", "4: prompts: unknown prompt 'reflect'; `rewrite` replaced it in 0.6"),
        ("revision: {acceptance: vot}", "unknown acceptance 'vot'"),
    ],
)
def test_an_old_name_is_an_error_with_its_remedy(keys: str, said: str) -> None:
    text = f"name: mine\npersonas: [{{id: ann}}]\ntasks: [{{id: tea, prompt: Tea?}}]\n{keys}\n"
    Path("mine.yaml").write_text(text, encoding="utf-8")
    called = scai("check", "mine.yaml")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert said in called.err


def test_an_old_key_on_the_command_line_is_an_error_with_its_remedy() -> None:
    text = "personas: [{id: ann}]\ntasks: [{id: tea, prompt: Tea?}]\n"
    Path("mine.yaml").write_text(text, encoding="utf-8")
    called = scai("check", "mine.yaml", "--set", "revision.rule=borda")
    assert (
        called.err
        == "scai: --set revision.rule: revision.rule: unknown key; it went in 0.6, with the votes; remove it\n"
    )


# --- openings before 0.5


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
