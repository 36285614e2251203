"""A sweep that a test plays in its own process, cell by cell, as the workers of `scai sweep` do."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from scai_cli.experiment.sweep_file import read_sweep
from scai_cli.jobs.sweep_cell import run_cell
from scai_cli.jobs.sweep_jobs import load_cells
from scai_cli.runs.sweep_directory import SweepDirectory


def swept(folder: Path, text: str, name: str = "study") -> Path:
    """Write the sweep file into a folder, play its cells and return the folder of the sweep."""
    path, runs = folder / f"{name}.yaml", folder / "runs"
    path.write_text(text, encoding="utf-8")
    file = read_sweep(path)
    directory = SweepDirectory.open(runs, file)

    async def play() -> None:
        for order in load_cells(file, runs):
            directory.append((await run_cell(order)).record)

    with closing(directory.folder):
        asyncio.run(play())
    return directory.folder.path
