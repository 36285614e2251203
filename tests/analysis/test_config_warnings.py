"""Warnings at `check` and `run`: settings without effect, and people whose tastes are drawn from the seed."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import TINY, scai

from scai_cli.analysis.config_warnings import config_warnings, idle_settings, idle_stances, seed_dependence, self_rating
from scai_cli.experiment.load import Overrides, load_experiment, load_saved

ROOT = Path(__file__).parents[2]


def options(settings: str) -> list[str]:
    return [part for setting in settings.split() for part in ("--set", setting)]


@pytest.mark.parametrize(
    ("settings", "idle"),
    [
        ("welfare=rawlsian", "welfare"),
        ("welfare=rawlsian revision.acceptance=ratify", "welfare"),
        ("welfare=rawlsian revision.acceptance=improves", ""),
        ("welfare=rawlsian revision.best_so_far=true", ""),
        ("welfare=utilitarian", ""),
        ("revision.quorum=0.5", "revision.quorum"),
        ("revision.quorum=0.5 revision.strategy=grounded", ""),
        ("revision.quorum=0.5 revision.acceptance=ratify", ""),
        ("revision.candidates=5", ""),
        ("revision.memory=3", ""),
        ("revision.memory=3 revision.strategy=grounded", "revision.memory"),
        ("revision.margin=0.1 revision.acceptance=ratify", "revision.margin"),
        ("revision.margin=0.1 revision.acceptance=improves", ""),
        ("ratings.cross_raters=0 ratings.cross_weight=0.5", "ratings.cross_weight"),
        ("ratings.cross_raters=1", ""),
        ("ratings.cross_raters=2", "ratings.cross_raters"),
    ],
)
def test_a_setting_without_effect_is_named(tiny: Path, settings: str, idle: str) -> None:
    called = scai("check", tiny, "--json", *options(settings))
    assert called.code == 0, called.err
    assert [line.split(" ", 1)[0] for line in called.json["warnings"]] == idle.split()
    assert called.err == "".join(f"warning: {line}\n" for line in called.json["warnings"])


def test_each_line_has_the_condition_and_the_remedy(tiny: Path) -> None:
    called = scai("run", tiny, "--set", "welfare=rawlsian", "--set", "epochs=1")
    assert called.lines[0] == (
        "warning: welfare has no effect: it decides nothing under the acceptance rule `always`, nor under `ratify` "
        "with fewer than 12 people or clauses for people; remove it, or set revision.acceptance=improves, or "
        "revision.best_so_far=true"
    )
    assert called.out == "tiny\n"
    assert scai("run", tiny, "--set", "welfare=rawlsian", "--set", "epochs=1", "--quiet").err == ""


def test_a_saved_config_holds_every_key_and_warns_of_what_was_set_alone(tiny: Path) -> None:
    assert scai("run", tiny, "-q", "--set", "epochs=1", "--set", "revision.margin=0.1").code == 0
    (warning,) = config_warnings(load_saved(Path("runs/tiny/config.yaml")))
    assert warning.startswith("revision.margin has no effect: ")


@pytest.mark.slow
def test_more_than_there_are_take_part_in_each_epoch() -> None:
    draws = options("personas.per_epoch=8 tasks.per_epoch=3")
    warnings = scai("check", ROOT / "configs" / "quickstart.yaml", "--json", *draws).json["warnings"]
    assert [line.split(" ", 1)[0] for line in warnings] == ["personas.per_epoch", "tasks.per_epoch"]
    draws = options("personas.per_epoch=5 tasks.per_epoch=2")
    assert scai("check", ROOT / "configs" / "quickstart.yaml", "--json", *draws).json["warnings"] == []


def test_simulated_people_without_preferences_are_counted(tiny: Path) -> None:
    tiny.write_text(TINY.replace(", preferences: {names_source: 1.0}", ""), encoding="utf-8")
    (warning,) = seed_dependence(load_experiment(tiny))
    assert warning.startswith("what the descriptions of 1 of 3 simulated people leave open ")
    assert "several seeds" in warning
    assert scai("check", tiny).lines[0] == f"warning: {warning}"
    assert seed_dependence(load_experiment(tiny, Overrides(model="openai:m"))) == []


def test_foreign_code_may_read_every_key(tiny: Path) -> None:
    overrides = Overrides(["revision={acceptance: 'own:rule', margin: 0.1}", "welfare=rawlsian"])
    assert idle_settings(load_saved(tiny, overrides)) == []


def test_with_people_set_aside_the_welfare_decides_under_ratify(tiny: Path) -> None:
    for count, idle in ((12, 0), (11, 1)):
        people = ", ".join(f"{{id: p{n}, preferences: {{concise: 1}}}}" for n in range(count))
        settings = ["welfare=rawlsian", f"personas=[{people}]", "revision={}"]
        assert len(idle_settings(load_experiment(tiny, Overrides(settings)))) == idle


@pytest.mark.parametrize("config", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_shipped_experiment_has_a_warning_but_the_one_for_a_model_of_your_own(config: Path) -> None:
    experiment = load_experiment(config)
    expected = self_rating(experiment) if config.stem == "real-model" else []
    assert config_warnings(experiment) == expected
    assert len(expected) == (config.stem == "real-model")


def test_stances_that_reach_no_task_are_named(tiny: Path) -> None:
    stances = "{statement-0: It is fine., statement-1: It is not.}"
    people = f"[{{id: ann, preferences: {{concise: 1}}, stances: {stances}}}, {{id: bo, preferences: {{concise: 1}}}}]"
    (warning,) = idle_stances(load_experiment(tiny, Overrides([f"personas={people}"])))
    assert warning.startswith(
        "none of the 2 stances of 1 person reaches a prompt: no task has their keys (“statement-0”, "
    )
    by_topic = people.replace("statement-0", "tea")
    tasks = "tasks=[{id: t1, prompt: How do I make tea?, topic: tea}]"
    assert idle_stances(load_experiment(tiny, Overrides([f"personas={by_topic}", tasks]))) == []


def test_stances_are_judged_by_the_source_of_their_people(tiny: Path) -> None:
    people = [
        f"{{id: p{n}, preferences: {{concise: 1}}, stances: {{{key}: Yes.}}, source: {source}}}"
        for n, (key, source) in enumerate([("t1", "here"), ("t1", "here"), ("elsewhere", "there")])
    ]
    settings = [f"personas=[{', '.join(people)}]", "tasks=[{id: t1, prompt: How do I make tea?}]"]
    (warning,) = idle_stances(load_experiment(tiny, Overrides(settings)))
    assert warning.startswith("none of the 1 stance of 1 person ")


def test_an_axis_of_a_sweep_without_effect_or_that_changes_the_raters_is_said(tiny: Path) -> None:
    axes = "grid: {welfare: [utilitarian, nash], ratings.cross_weight: [0, 0.5], seed: [1, 2]}"
    Path("study.yaml").write_text(f"experiment: {tiny}\n{axes}\n", encoding="utf-8")
    called = scai("sweep", "study.yaml", "--dry-run", "--json")
    idle, rating = called.json["warnings"]
    assert idle.startswith("axis welfare has no effect: it decides nothing under the acceptance rule `always`")
    assert rating.startswith("axis ratings.cross_weight also changes who rates the answers, or how")
    assert f"warning: {idle}\nwarning: {rating}\n" in called.err
    deciding = "each: {revision.acceptance: improves}\n"
    Path("study.yaml").write_text(f"experiment: {tiny}\n{deciding}{axes}\n", encoding="utf-8")
    assert scai("sweep", "study.yaml", "--dry-run", "--json").json["warnings"] == [rating]
