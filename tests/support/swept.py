"""A sweep that a test plays in its own process."""

from __future__ import annotations

from pathlib import Path

from in_process import InProcess

from scai_cli.experiment.sweep_file import read_sweep
from scai_cli.jobs.sweep import SilentSweep, run_sweep


def swept(folder: Path, text: str, name: str = "study") -> Path:
    """Write the sweep file into a folder, play its cells and return the folder of the sweep."""
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return run_sweep(read_sweep(path), folder / "runs", InProcess, 1, SilentSweep(lambda _: None)).sweep.path
