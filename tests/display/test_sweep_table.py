"""The table of a sweep: foreign values are shown literally, and begin no formula in CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_texts import EVERYTHING, TEXTS, UNSEEN

from scai_cli.display.terminal.consoles import err
from scai_cli.display.terminal.listing import print_lists
from scai_cli.display.terminal.sweep import print_sweep, summary_line, sweep_csv
from scai_cli.display.terminal.sweep_progress import SweepProgress
from scai_cli.runs.sweep_directory import CellRecord, Gain, Sweep


def made(*cells: CellRecord) -> Sweep:
    axes = tuple(dict.fromkeys(axis for cell in cells for axis in cell.values))
    return Sweep("study", Path("runs/study"), "run", axes, cells, is_running=False)


def cell(run_id: str, value: object, **more: object) -> CellRecord:
    fields = {"run_id": run_id, "values": {"model.name": value}, "status": "finished", **more}
    return CellRecord.model_validate(fields)


def test_a_row_has_what_the_cell_came_to(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    gain = Gain(value=0.13, low=-0.05, high=0.3)
    welfare = {"nash": 0.61, "utilitarian": 0.7, "rawlsian": None}
    first = cell("study-name-a", "a", welfare=welfare, measured_on="holdout", gain=gain, calls=1200, usd=0.25)
    print_sweep(made(first, cell("study-name-b", "b", status="failed", problem="no route")))
    lines = capsys.readouterr().out.splitlines()
    heads = ("name", "status", "welfare", "mean", "worst off", "held-out gain", "95 % interval", "calls", "cost")
    assert lines[0].split() == " ".join(heads).split()
    assert lines[1].split() == [
        "a",
        "finished",
        "0.61",
        "0.70",
        "–",
        "+0.13",
        "-0.05",
        "to",
        "+0.30",
        "1,200",
        "$0.2500",
    ]
    assert lines[2].split() == ["b", "failed", "–", "–", "–", "–", "–", "0", "–"]
    assert "study-name-b: no route" in lines
    assert summary_line([first]) == "1 cell: 1 finished · 1,200 calls · $0.2500"


def test_an_end_that_rounds_to_0_has_no_sign(capsys: pytest.CaptureFixture[str]) -> None:
    print_sweep(made(cell("study-name-a", "a", gain=Gain(value=-0.03, low=-0.05, high=0.001))))
    assert "-0.05 to 0.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["finished", "finished"], "finished"),
        (["finished", "stopped"], "stopped"),
        (["waiting", "refused"], "stopped"),
        (["interrupted", "failed"], "failed"),
    ],
)
def test_a_sweep_has_one_status_in_lists_and_on_pages(statuses: list[str], expected: str) -> None:
    sweep = made(*(cell(f"s-{n}", n, status=status) for n, status in enumerate(statuses)))
    assert sweep.status == expected
    assert replace(sweep, is_running=True).status == "running"


def test_axes_with_equal_last_parts_have_whole_keys_as_titles(capsys: pytest.CaptureFixture[str]) -> None:
    print_sweep(made(CellRecord(run_id="s", values={"roles.user.name": "a", "roles.meta.name": "b"}, status="waiting")))
    assert capsys.readouterr().out.split()[:2] == ["roles.user.name", "roles.meta.name"]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_title_and_no_number_is_cut(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    welfare, gain = {"rawlsian": 0.61, "utilitarian": 0.7}, Gain(value=0.13, low=-0.05, high=0.3)
    axes = {"welfare": "rawlsian", "revision.strategy": "grounded", "seed": 10}
    print_sweep(made(cell("s", "a", values=axes, welfare=welfare, gain=gain, calls=1200, usd=0.25)))
    table, _, rest = capsys.readouterr().out.partition("1 cell")
    assert rest
    assert "…" not in table
    table = table.partition("no space")[0]
    assert max(map(len, table.splitlines())) <= width
    words = table.split()
    assert {"status", "finished", "own", "welfare", "0.61", "$0.2500"} <= {*words}
    assert ("1,200" in words) == (width > 80)


def test_an_axis_may_have_the_title_of_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    print_sweep(made(cell("s", "a", values={"limits.calls": 900}, calls=31, usd=0.0)))
    title, row, *_ = capsys.readouterr().out.splitlines()
    assert (title.split(), row.split()) == (["calls", "status", "welfare", "calls"], ["900", "finished", "–", "31"])


def test_foreign_texts_are_shown_literally(capsys: pytest.CaptureFixture[str]) -> None:
    print_sweep(
        made(*(cell(f"s-{n}", text, problem=EVERYTHING, status="failed") for n, text in enumerate(TEXTS.values())))
    )
    assert not UNSEEN.search(capsys.readouterr().out)


def test_no_cell_of_the_csv_begins_a_formula() -> None:
    texts = [text[:10_000] for text in TEXTS.values()]  # Python's reader takes no longer fields
    values = [*texts, ["=1"], {"=a": 1}, True, None, -2, 0.5]
    more = {"problem": EVERYTHING[:10_000], "welfare": {"=a": 0.5}}
    sweep = made(*(cell(f"s-{n}", value, **more) for n, value in enumerate(values)))
    text = sweep_csv(sweep)
    assert not UNSEEN.search(text)
    rows = [*csv.DictReader(io.StringIO(text, newline=""))]
    assert len(rows) == len(values)
    assert [row["model.name"] for row in rows[-4:]] == ["true", "", "-2", "0.5"]
    shown = [value for row in rows for value in (*row, *row.values()) if value not in ("", "-2")]
    assert not [value for value in shown if value.lstrip()[:1] in tuple("=+-@\t\r＝＋－＠")]


def test_the_progress_says_interrupted_once(capsys: pytest.CaptureFixture[str]) -> None:
    progress = SweepProgress(err())
    progress.see(cell("s-a", "a", status="interrupted", problem="interrupted by SIGTERM"))
    progress.see(cell("s-b", "b", status="failed", problem="no route"))
    assert capsys.readouterr().err.splitlines() == ["s-a: interrupted by SIGTERM", "s-b: failed: no route"]


@pytest.mark.parametrize("width", [40, 80])
def test_no_id_of_a_list_is_cut(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    run_id = "study-welfare-utilitarian-strategy-grounded-seed-10"
    began = "2026-11-30T10:09:31"
    run = {"run_id": run_id, "status": "finished", "health": [], "epochs_done": 2, "epochs": 2, "scale": [0, 10]}
    run |= {"model": "simulated", "started": began, "satisfaction": 7.25, "held_out_gain": None, "usd": 0.5}
    print_lists(Path("runs"), [run], [], [], [])
    shown = capsys.readouterr().out
    lines = shown[shown.index("\nstudy") + 1 :].partition("\nmean rating: ")[0].splitlines()
    assert "".join(line.split()[0] for line in lines if line.strip()) == run_id
    assert "finished" in lines[0]
    assert ("2026-11-30" in lines[0]) == (width == 80)
