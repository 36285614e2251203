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
from scai_cli.runs.history.event_lines import read_events

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


@pytest.mark.parametrize("acceptance", ["vote", pytest.param("both", marks=pytest.mark.slow)])
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


# --- the users' fidelity before 0.7

FIDELITY = {
    "controls": "controls: true\n",
    "judge": "controls: false\njudge: {name: j}\n",
    "ratings.anchors": "controls: false\n",
}


def measuring(key: str, run: Path, name: str = "config.yaml") -> None:
    """Let a saved experiment of 0.6 have one of the keys."""
    text = (run / name).read_text(encoding="utf-8").replace("controls: false\n", FIDELITY[key])
    text = text.replace("anchors: 0\n", "anchors: 3\n") if key == "ratings.anchors" else text
    (run / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("key", FIDELITY)
def test_an_unfinished_run_that_measures_fidelity_names_the_version_that_can_continue_it(key: str) -> None:
    run = Path(shutil.copytree(GOLDEN / "v0.6/whole", "runs/whole"))
    unfinished(run)
    measuring(key, run)
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file() and path.name != ".lock"}
    called = scai("resume", "whole", "-q")
    assert (called.code, called.err) == (
        2,
        f"scai: run 'whole' measures the fidelity of its users ({key}), which is a suite of `scai evaluate` in this "
        "version; continue it with scai 0.6, or start a new run\n",
    )
    assert {path: path.read_bytes() for path in before} == before
    again = scai("run", run / "config.yaml", "-q")
    assert (again.code, f" {key}: unknown key; " in again.err) == (2, True)


@pytest.mark.parametrize("version", ["v0.5", "v0.6"])
def test_an_unfinished_run_without_it_is_continued(version: str) -> None:
    run = Path(shutil.copytree(GOLDEN / version / "whole", "runs/whole"))
    unfinished(run)
    before = {name: (run / name).read_bytes() for name in ("config.yaml", "events.jsonl", "calls.jsonl")}
    called = scai("resume", "whole", "-q")
    assert called.code == 0, called.err
    assert (run / "config.yaml").read_bytes() == before["config.yaml"]
    assert all((run / name).read_bytes().startswith(text) for name, text in before.items())
    first = [call["id"] for call in calls(run) if call["id"].startswith("e1/")]
    assert len(first) == len(set(first))  # none was made again
    assert {"drift" in event for event in events(run) if event["type"] == "welfare"} == {True, False}


@pytest.mark.parametrize("name", ["whole", "stopped"])
def test_the_events_of_fidelity_are_passed_over(name: str) -> None:
    run = Path(shutil.copytree(GOLDEN / "v0" / name, "runs/run"))
    told = events(run)
    gone = [e for e in told if e["type"] in ("control", "judged") or e.get("kind") == "anchor"]
    assert {"control", "judged", "rating"} == {event["type"] for event in gone} or name == "stopped"
    assert len(list(read_events(run))) == len(told) - len(gone) < len(told)
    for command in (("show", "run"), ("show", "run", "--follow"), ("export", "run", "--format", "ratings")):
        assert scai(*command).code == 0
    assert "anchor" not in scai("export", "run", "--format", "ratings").out


def judged_rows(judge: str, digest: str, model: str = "") -> Path:
    """A set of 0.6 with a judge of its own that lacks its last row; `model` is a key of the others' model."""
    rows = Path(shutil.copytree(GOLDEN / "v0.6/rows", "runs/rows"))
    written = (rows / "rows.jsonl").read_bytes().splitlines(keepends=True)
    (rows / "rows.jsonl").write_bytes(b"".join(written[:-1]))
    (rows / "outcome.json").unlink()
    for name, before, after in (
        ("experiment.yaml", "controls: false\n", f"controls: true\njudge: {judge}\n"),
        ("experiment.yaml", "  base_url: null\n", model or "  base_url: null\n"),
        ("generation.yaml", "\n  prompts: ", f"\n  controls: {CONTROLS}\n  judge: {digest}\n  prompts: "),
    ):
        text = (rows / name).read_text(encoding="utf-8")
        assert text.count(before) == 1
        (rows / name).write_text(text.replace(before, after), encoding="utf-8")
    return rows


CONTROLS, JUDGE = "f56975c80364f63f", "5e81d279c0feb084"
"""What earlier versions recorded for `controls: true` and `judge: {name: simulated-judge}`."""


def test_a_stopped_set_with_a_judge_of_its_own_is_continued_by_it() -> None:
    rows = judged_rows("{name: simulated-judge}", JUDGE)
    (rows / "calls.jsonl").write_bytes(b"")
    before = (rows / "experiment.yaml").read_bytes()
    changed = scai("resume", "rows", "-q", "--set", "roles.judge.name=other")
    assert (changed.code, "started with another value of judge than" in changed.err) == (2, True)
    called = scai("resume", "rows", "-q")
    assert called.code == 0, called.err
    assert (rows / "experiment.yaml").read_bytes() == before
    models = {(call["role"], call["model"]) for call in calls(rows) if call["purpose"] == "comparison"}
    assert models == {("meta", "simulated-judge")}


def test_a_stopped_set_with_a_judge_that_no_role_can_have_names_the_version_that_can_continue_it() -> None:
    rows = judged_rows("{name: simulated-judge}", JUDGE, model="  base_url: http://127.0.0.1:9\n")
    called = scai("resume", "rows", "-q")
    assert (called.code, called.err) == (
        2,
        "scai: generated set 'rows' has a judge without some keys that `model` has, which `roles.judge` cannot unset; "
        "continue it with scai 0.6, or start a new set\n",
    )
    dpo = ("--format", "dpo", "--system", "keep")
    assert '"role":"judge","model":"simulated-judge"' in scai("export", rows, *dpo).out.replace("\\", "")


def test_new_rows_from_an_older_run_are_not_judged_with_the_keys_of_others() -> None:
    shutil.copytree(GOLDEN / "v0/whole", "runs/old")  # its judge has no temperature, and the others have one
    assert scai("generate", "old", "--n", 1, "-q", "--run-id", "rows").code == 0
    assert "judge" not in yaml.safe_load(Path("runs/rows/experiment.yaml").read_text(encoding="utf-8"))["roles"]
    named = ("--set", "roles.judge={name: j}")
    assert scai("generate", "old", "--n", 1, "-q", "--run-id", "named", *named).code == 0
    assert {call["model"] for call in calls(Path("runs/named")) if call["purpose"] == "comparison"} == {"j"}


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
        (
            "controls: true",
            "mine.yaml:4: controls: unknown key; the suite `fidelity` replaced it in 0.7: `scai evaluate",
        ),
        ("controls: false", "4: controls: unknown key; the suite `fidelity` replaced it in 0.7"),
        ("judge: {name: j}", "4: judge: unknown key; `roles: {judge: ...}` replaced it in 0.7"),
        ("ratings:\n  anchors: 2", "5: ratings.anchors: unknown key; the suite `fidelity` replaced it in 0.7"),
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
