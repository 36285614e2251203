"""`scai report` of a sweep: the page says what the runs of the sweep have, whatever they have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from changed_runs import EVIL
from conftest import TINY, scai
from swept import swept
from test_report import Page

from scai_cli.analysis.sweep_axes import axis_differences
from scai_cli.analysis.sweep_runs import read_runs
from scai_cli.display.numbers import number
from scai_cli.display.report.sweep import MOST_SENTENCES, make_sweep_page
from scai_cli.experiment.sweep_file import read_sweep
from scai_cli.runs.sweep_directory import CellRecord, SweepDirectory, read_sweep_directory

EACH = "experiment: tiny.yaml\neach: {epochs: 1}\n"


def paged(path: Path) -> Page:
    return Page(make_sweep_page(path))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    axes = "{welfare: [utilitarian, nash], ratings.cross_weight: [0, 0.5], seed: [1, 2, 3]}"
    return swept(folder, f"{EACH}grid: {axes}")


@pytest.mark.slow
def test_the_page_has_every_cell_and_the_differences_along_every_axis_but_the_seed(study: Path) -> None:
    sweep, text = read_sweep_directory(study), paged(study).text
    runs = read_runs(sweep)
    assert len(runs) == 12
    for cell in sweep.cells:
        assert number(cell.welfare["utilitarian"]) in text
    for axis in ("welfare", "ratings.cross_weight"):
        for row in axis_differences(sweep, runs, axis):
            assert (row[0].pairs, row[0].seeds) == (6, 3)
            assert f"{row[0].value} against {row[0].against}, the mean of all: no difference" in text
            assert all(each.words in text for each in row)
    assert "12 cells: 12 finished · welfare (2), ratings.cross_weight (2) and seed (3)" in text
    assert "Along seed" not in text
    assert "A seed is a repetition: nothing is compared along it." in text
    assert "How well 3 simulated people (a small program and no language model) are served, from 0 to 1" in text
    assert "Axis ratings.cross_weight also changes who rates the answers, or how" in text
    assert "Axis welfare has no effect: it decides nothing under the acceptance rule always" in text


@pytest.mark.slow
def test_welfare_functions_have_a_price_of_fairness_in_each_setting_of_the_other_axes(study: Path) -> None:
    text = paged(study).text
    assert paged(study).text == text
    assert "ratings.cross_weight = 0 " in text
    assert "nash: the same constitution as utilitarian with 3 of 3 seeds." in text
    assert "+0.0 %" in text
    assert "the lines are one standard deviation" in text


def test_unfinished_cells_are_left_out_and_say_why(tiny: Path) -> None:
    text = paged(swept(Path(), f"{EACH}list: [{{turns: 1}}, {{turns: 2, limits: {{calls: 3}}}}]")).text
    assert "2 cells: 1 finished, 1 stopped" in text
    assert "limits.calls: reached, 3 of 3 used" in text
    assert "no pair: no two runs differ in this key alone" in text
    text = paged(swept(Path(), f"{EACH}grid: {{turns: [1, 2], limits.calls: [3]}}", name="short")).text
    assert "no pair of finished runs yet" in text
    assert "1 not finished" in text


def test_many_values_are_counted_in_the_answer(tiny: Path) -> None:
    values = list(range(1, MOST_SENTENCES + 3))
    text = paged(swept(Path(), f"{EACH}grid: {{constitution.max_principles: {values}}}")).text
    assert f"constitution.max_principles Against {values[0]}, the mean of all: " in text


def test_only_seeds_are_summed_up(tiny: Path) -> None:
    text = paged(swept(Path(), f"{EACH}grid: {{seed: [1, 2]}}\n")).text
    assert "Satisfaction of 3 simulated people (a small program and no language model), mean over 2 runs that" in text
    assert re.search(r"How often It rose .* of 2 runs", text)
    assert "Who gains" in text
    assert "Mean and standard deviation over the runs of each setting" in text


def test_a_sweep_of_generated_sets_has_its_table_alone(tmp_path: Path) -> None:
    Path("made.yaml").write_text("command: generate\neach: {n: 4, source: a.md}\nshards: 2\n", encoding="utf-8")
    directory = SweepDirectory.open(Path("runs"), read_sweep(Path("made.yaml")))
    directory.append(CellRecord(run_id="made-rows-0-2", values={"rows": "0:2"}, status="finished", made=2, calls=7))
    directory.folder.close()
    text = paged(directory.folder.path).text
    assert "A sweep of generated sets, which have no welfare to compare." in text
    assert "rows status made calls 0:2 finished 2 7 2:4 waiting – 0" in text


def test_hostile_values_are_text(tiny: Path) -> None:
    path = swept(Path(), f"{EACH}list: [{{name: a}}, {{name: b}}]")
    log = path / "sweep.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace('"name":"b"', f'"name":{_json(EVIL)}'), encoding="utf-8")
    page = paged(path)
    assert not [name for name, _ in page.tags if name in ("img", "iframe")]
    assert "<script" in page.text


def _json(text: str) -> str:
    import json

    return json.dumps(text)


def test_a_sweep_has_a_page_of_its_own(tiny: Path) -> None:
    swept(Path(), f"{EACH}grid: {{turns: [1, 2]}}")
    called = scai("report", "study")
    assert (called.code, called.out) == (0, "study.html\n")
    assert "Along turns" in Page(Path("study.html").read_text(encoding="utf-8")).text
    refused = scai("report", "study", "study-turns-1")
    assert refused.code == 2
    assert refused.err == "scai: 'study' is a sweep, which has a page of its own; name it alone\n"
