"""The play of the product: after the last revision the new constitution is played and measured, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Called, events, scai
from scripted import script

from scai_cli.runs.history.fold import read_history

ROOT = Path(__file__).parents[2]
RUN = Path("runs/tiny")
KEPT = ("--set", "revision.acceptance=improves", "--set", "revision.margin=1")


def run(file: Path, *options: object) -> Called:
    return scai("run", file, "--json", "--quiet", *options)


def of(kind: str, path: Path = RUN) -> list[dict[str, Any]]:
    return [event for event in events(path) if event["type"] == kind]


def without_stamp(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("seq", "time", "run_id")}


def test_it_is_one_more_epoch_without_a_revision(tiny: Path) -> None:
    assert run(tiny).json["epochs"] == 2
    *planned, last = of("epoch_started")
    assert (last["id"], last["epoch"], last["product"]) == ("e3", 3, True)
    assert all("product" not in event for event in planned)
    assert last["version"] == of("welfare")[-1]["version"] == of("run_finished")[0]["version"]
    assert [event["id"] for event in of("revision")] == ["e1/revision", "e2/revision"]
    history = read_history(RUN)
    assert history.product_epoch is history.epochs[-1]
    assert (history.epochs_done, history.epochs[-1].system_message) == (2, history.product[1])
    assert "\ntiny · finished · 2 of 2 epochs · " in scai("show", "tiny").out
    assert scai("list", "--json").json[0]["epochs_done"] == 2
    assert "\nfinal play (version 2): mean satisfaction " in scai("show", "tiny", "--follow").out


def test_it_has_the_people_and_tasks_of_the_first_epoch() -> None:
    draws = ("personas.per_epoch=2", "tasks.per_epoch=1", "revision={strategy: rewrite, acceptance: always}")
    made = run(ROOT / "configs" / "quickstart.yaml", *(part for draw in draws for part in ("--set", draw))).json
    plays = [(tuple(e["personas"]), tuple(e["tasks"])) for e in of("epoch_started", Path(made["path"]))]
    assert plays[-1] == plays[0]
    assert len(set(plays)) > 1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_product_that_others_have_played_is_played_by_the_first_epochs_people(seed: int) -> None:
    settings = ("personas.per_epoch=3", "tasks.per_epoch=1", "epochs=4", "revision.best_so_far=true", f"seed={seed}")
    options = tuple(part for setting in settings for part in ("--set", setting))
    planned = scai("plan", ROOT / "configs" / "quickstart.yaml", "--json", *options).json
    made = run(ROOT / "configs" / "quickstart.yaml", *options).json
    assert made["calls"] == planned["calls"]["total"]
    shown = scai("show", made["path"], "--json").json
    started = of("epoch_started", Path(made["path"]))
    assert [epoch["constitution"]["version"] for epoch in shown["epochs"]] == [event["version"] for event in started]
    first, product = started[0], shown["headline"]["product"]["version"]
    plays = [(event["version"], event["personas"], event["tasks"]) for event in started]
    assert (product, first["personas"], first["tasks"]) in plays
    assert shown["headline"]["satisfaction"]["before"] is not None


def test_a_product_that_was_played_is_not_played_again(tiny: Path) -> None:
    run(tiny, *KEPT)
    assert [event["epoch"] for event in of("epoch_started")] == [1, 2]
    assert read_history(RUN).product_epoch is None
    planned = scai("plan", tiny, "--json", *KEPT).json["product"]
    assert planned == {"calls": 0, "certain": True}


def test_the_best_version_is_played_again_and_only_that_play_is_reported(tiny: Path) -> None:
    """It was chosen by its ratings, so that these are too high."""
    best = ("--set", "revision.best_so_far=true", "--set", "epochs=4")
    made = run(tiny, *best).json
    planned = scai("plan", tiny, "--json", *best).json
    assert (made["calls"], planned["product"]) == (planned["calls"]["total"], {"calls": 30, "certain": True})
    *played, last = of("epoch_started")
    assert (last["epoch"], last["product"]) == (5, True)
    assert last["version"] in [event["version"] for event in played]
    headline = scai("show", "tiny", "--json").json["headline"]
    assert headline["product"] == {"version": last["version"], "epochs": [5], "played": True}
    final = [event["value"] for event in of("rating") if event["epoch"] == 5 and event["kind"] == "own"]
    assert headline["satisfaction"]["after"] == pytest.approx(sum(final) / len(final))


def test_what_comes_at_the_end_is_about_the_product(tiny: Path) -> None:
    holdout = ("--set", "holdout.tasks=[tea]")
    planned = scai("plan", tiny, "--json", *holdout).json
    assert run(tiny, *holdout).json["calls"] == planned["calls"]["total"]
    assert of("holdout")[0]["last_version"] == of("run_finished")[0]["version"] == 2


@pytest.mark.parametrize("calls", [63, 75, 91])
def test_a_run_that_stops_within_it_resumes_to_equal_events(tiny: Path, calls: int) -> None:
    assert run(tiny, "--set", f"limits.calls={calls}").code == 3
    history = read_history(RUN)
    assert (history.epochs_done, history.epochs[-1].is_product, history.status) == (2, True, "stopped")
    assert history.product[0].version == 2
    assert scai("resume", "tiny", "-q", "--set", "limits.calls=null").code == 0
    assert run(tiny, "--run-id", "whole").code == 0
    assert [without_stamp(event) for event in events(RUN)] == [
        without_stamp(event) for event in events(Path("runs/whole"))
    ]


def test_a_run_that_fails_within_it_can_be_resumed(tiny: Path) -> None:
    closed = tiny.with_name("closed")
    closed.touch()
    assert run(tiny, *script({"at": "^e3/ann/", "fail": "out of office", "while_there": str(closed)})).code == 4
    assert not of("run_finished")
    assert read_history(RUN).status == "failed"
    closed.unlink()
    assert scai("resume", "tiny", "-q", "--trust").code == 0
    assert of("welfare")[-1]["missing"] == 0
    assert of("run_finished")[0]["version"] == 2


def test_the_count_is_a_condition_where_the_models_are_real(tiny: Path) -> None:
    said = scai("check", tiny, "--model", "openai:m").out
    assert "30 of the calls play the last version once more, if the last revision is adopted\n" in said
    assert "30 of the calls play the last version once more\n" in scai("check", tiny).out
    # Of an experiment that keeps its constitution in the rehearsal, too.
    assert scai("check", tiny, "--model", "openai:m", "--json", *KEPT).json["product"] == {
        "calls": 30,
        "certain": False,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dinner", "quickstart"])
def test_what_is_handed_out_is_what_was_measured(name: str) -> None:
    file = ROOT / "configs" / f"{name}.yaml"
    for seed in range(5):
        made = scai("run", file, "--seed", seed, "--run-id", f"s{seed}", "-q", "--json").json
        assert made["calls"] == scai("check", file, "--seed", seed, "--json").json["calls"]["total"]
        exported = scai("export", f"s{seed}", "--format", "system", "--as", "json").json
        assert exported["version"] in [measured["version"] for measured in made["welfare"]]
