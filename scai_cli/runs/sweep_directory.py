"""The folder of a sweep: `sweep.yaml` as it was read, and `sweep.jsonl`, a line when a cell starts and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from scai_cli.errors import RunError
from scai_cli.experiment.sweep_file import SweepFile, read_sweep
from scai_cli.runs.file_names import SWEEP
from scai_cli.runs.find import is_sweep
from scai_cli.runs.jsonl import decoded
from scai_cli.runs.locked_folder import CreationFiles, LockedFolder
from scai_cli.runs.locks import is_locked
from scai_cli.runs.run_directory import now
from scai_cli.values import Value

CELLS: Final = "sweep.jsonl"

_FILES: Final = CreationFiles(earlier=(CELLS,), last=SWEEP)

CellStatus = Literal["waiting", "running", "finished", "stopped", "failed", "interrupted", "refused"]
"""`waiting`: not started; `stopped`: by a limit; `refused`: its folder has work of another experiment."""


class Gain(Value):
    """The welfare of the product minus that of the start, on the held-out personas and tasks, with its interval."""

    value: float
    low: float | None
    high: float | None


class CellRecord(Value):
    """A line about a cell: at its start `running`, at its end with its numbers; the last line counts."""

    run_id: str
    values: Mapping[str, Any]
    """Axis (a dotted key) -> value."""
    status: CellStatus
    problem: str | None = None
    """Why it is not finished, in one line."""
    welfare: Mapping[str, float | None] = {}
    """Welfare function -> value of the product: on the held-out if there are some, else of the last epoch."""
    measured_on: str | None = None
    """Where welfare was measured: `holdout`, or an epoch."""
    gain: Gain | None = None
    made: int | None = None
    """The number of rows of a generated set."""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    """None if a price is unknown."""
    wall_s: float = 0.0
    time: str = ""
    """In UTC; the folder sets it."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that may still run: a record for each cell in the order of the file."""

    name: str
    path: Path
    command: Literal["run", "generate"]
    axes: Sequence[str]
    cells: Sequence[CellRecord]
    is_running: bool

    @property
    def is_finished(self) -> bool:
        """Whether all cells are finished."""
        return all(cell.status == "finished" for cell in self.cells)

    @property
    def status(self) -> Literal["running", "finished", "failed", "stopped"]:
        """The status in a word: `failed` if a cell has, `stopped` if others are left."""
        left = {cell.status for cell in self.cells} - {"finished"}
        return "running" if self.is_running else "failed" if "failed" in left else "stopped" if left else "finished"

    def as_object(self) -> dict[str, Any]:
        """Return what `scai show SWEEP --json` prints."""
        return {
            "name": self.name,
            "path": str(self.path),
            "command": self.command,
            "running": self.is_running,
            "axes": list(self.axes),
            "cells": [cell.model_dump(mode="json") for cell in self.cells],
        }

    def folder_of(self, cell: CellRecord) -> Path:
        """Return the folder of a cell's run or set, which may not exist yet."""
        return self.path.parent / cell.run_id


def cell_folders(path: Path) -> list[Path]:
    """Return the folders of a sweep's cells in the order of its file; empty for a folder of another kind.

    Raises RunError for a cell that has not started.
    """
    if not is_sweep(path):
        return []
    sweep = read_sweep_directory(path)
    for cell in sweep.cells:
        if not sweep.folder_of(cell).is_dir():
            raise RunError(f"cell {cell.run_id!r} of sweep {sweep.name!r} has not started; continue the sweep first")
    return [sweep.folder_of(cell) for cell in sweep.cells]


def read_sweep_directory(path: Path) -> Sweep:
    """Read a sweep, finished or not; raises RunError or ConfigError for a damaged file.

    Cells that a killed sweep left `running` are `interrupted`; cells that the file no longer has are left out.
    """
    is_running = is_locked(path)
    file = read_sweep(path / SWEEP)
    last = {record.run_id: record for record in decoded(path / CELLS, CellRecord.model_validate_json)}
    new = (CellRecord(run_id=cell.run_id, values=cell.values, status="waiting") for cell in file.cells)
    cells = [last.get(cell.run_id, cell) for cell in new]
    if not is_running:
        cut = {"status": "interrupted", "problem": "the sweep was killed"}
        cells = [cell.model_copy(update=cut) if cell.status == "running" else cell for cell in cells]
    return Sweep(path.name, path, file.keys.command, file.axes, cells, is_running)


def refuse_running(path: Path) -> None:
    """Raise RunError if another process runs the sweep."""
    if is_locked(path):
        raise RunError(f"{path}: this sweep is in progress; `scai show {path.name}` has its table")


@dataclass(slots=True)
class SweepDirectory:
    """The folder of a sweep, locked by its driver, the only writer."""

    folder: LockedFolder
    clock: Callable[[], str] = now

    @classmethod
    def open(cls, runs: Path, file: SweepFile) -> SweepDirectory:
        """Create or reopen the folder `runs/NAME`, which keeps the text of the file.

        Raises RunError if it is in use, is not the folder of a sweep, or cannot be written.
        """
        path, text = runs / file.name, file.dump()
        folder = LockedFolder.open(path) if is_sweep(path) else LockedFolder.create(runs, file.name, "", _FILES)
        if folder is None:
            refuse_running(path)
            raise RunError(
                f"{path}: exists already and is not a sweep; give the sweep another `name:`, or give another --runs-dir"
            )
        with folder.closed_on_failure():
            if not is_sweep(path) or (path / SWEEP).read_text(encoding="utf-8") != text:
                folder.write_text(SWEEP, text, lasting=True)
            folder.open_logs(CELLS)
        return cls(folder)

    def append(self, record: CellRecord) -> CellRecord:
        """Write the record of a cell with the time, and return it."""
        record = record.model_copy(update={"time": self.clock()})
        self.folder.append(CELLS, record.model_dump_json().encode())
        return record
