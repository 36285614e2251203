"""The folder of a sweep: what its driver writes, and what a reader finds at any moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from scai_cli.errors import RunError
from scai_cli.experiment.sweep_file import SweepFile, read_sweep
from scai_cli.runs.find import is_sweep
from scai_cli.runs.sweep_directory import CELLS, CellRecord, Gain, SweepDirectory, read_sweep_directory


def sweep_file(folder: Path, text: str = "grid: {seed: [1, 2, 3]}") -> SweepFile:
    path = folder / "study.yaml"
    path.write_text(f"experiment: a.yaml\n{text}", encoding="utf-8")
    return read_sweep(path)


def record(seed: int, status: str, **more: object) -> CellRecord:
    return CellRecord.model_validate(
        {"run_id": f"study-seed-{seed}", "values": {"seed": seed}, "status": status, **more}
    )


def statuses(path: Path) -> list[str]:
    return [cell.status for cell in read_sweep_directory(path).cells]


def test_the_last_line_of_a_cell_counts(tmp_path: Path) -> None:
    writer = SweepDirectory.open(tmp_path / "runs", sweep_file(tmp_path))
    path = writer.folder.path
    ended = {"welfare": {"nash": 0.5, "rawlsian": None}, "measured_on": "holdout", "usd": 0.25, "calls": 3}
    writer.append(record(2, "running"))
    writer.append(record(1, "running"))
    last = writer.append(record(2, "finished", gain={"value": 0.1, "low": None, "high": None}, **ended))
    assert statuses(path) == ["running", "finished", "waiting"]
    assert read_sweep_directory(path).is_running
    writer.folder.close()
    read = read_sweep_directory(path)
    assert [cell.status for cell in read.cells] == ["interrupted", "finished", "waiting"]
    assert read.cells[1] == last
    assert read.cells[1].gain == Gain(value=0.1, low=None, high=None)
    assert (read.name, read.command, read.axes, read.is_running) == ("study", "run", ("seed",), False)
    assert read.folder_of(read.cells[0]) == tmp_path / "runs" / "study-seed-1"


def test_a_longer_file_keeps_the_cells_and_a_torn_line_is_removed(tmp_path: Path) -> None:
    writer = SweepDirectory.open(tmp_path / "runs", sweep_file(tmp_path))
    writer.append(record(1, "finished"))
    writer.folder.close()
    path = writer.folder.path
    with (path / CELLS).open("ab") as log:
        log.write(b'{"run_id": "study-se')
    assert statuses(path) == ["finished", "waiting", "waiting"]
    writer = SweepDirectory.open(tmp_path / "runs", sweep_file(tmp_path, "grid: {seed: [2, 1, 4]}"))
    writer.append(record(2, "failed", problem="no route"))
    writer.folder.close()
    assert statuses(path) == ["failed", "finished", "waiting"]


def test_one_driver_writes_a_sweep(tmp_path: Path) -> None:
    file = sweep_file(tmp_path)
    writer = SweepDirectory.open(tmp_path / "runs", file)
    with pytest.raises(RunError, match="in use by process"):
        SweepDirectory.open(tmp_path / "runs", file)
    writer.folder.close()


def test_the_folder_of_other_work_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "runs" / "study"
    other.mkdir(parents=True)
    (other / "config.yaml").touch()
    with pytest.raises(RunError, match=r"exists already and is not a sweep; give the sweep another `name:`"):
        SweepDirectory.open(tmp_path / "runs", sweep_file(tmp_path))
    assert not is_sweep(other)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    writer = SweepDirectory.open(tmp_path / "runs", sweep_file(tmp_path))
    writer.folder.close()
    (writer.folder.path / CELLS).write_text('{"run_id": 3}\n')
    with pytest.raises(RunError, match=rf"{CELLS}:1: this line is damaged"):
        read_sweep_directory(writer.folder.path)
