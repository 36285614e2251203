"""A sweep of the quickstart on two workers of Ray, killed once in its middle, beside two plain processes.

    python -m benchmarks.sweep_on_ray --cells 200          # needs `pip install 'scai-cli[ray]'`

Of Ray's sweep the driver and one worker are killed; the same command continues it. Prints a line for each way.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart.yaml"


def finished(folder: Path) -> dict[str, tuple[int, ...]]:
    """The finished cells of a sweep, with the dates of their files."""
    log = folder / "runs" / "study" / "sweep.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    cells = [json.loads(line) for line in lines if line.endswith("\n")]
    names = [cell["run_id"] for cell in cells if cell["status"] == "finished"]
    return {name: tuple(f.stat().st_mtime_ns for f in sorted((folder / "runs" / name).rglob("*"))) for name in names}


def start(folder: Path, engine: str) -> subprocess.Popen[bytes]:
    options = ["study.yaml", "--engine", engine, "--at-once", "2", "--quiet", "--json"]
    return subprocess.Popen([sys.executable, "-m", "scai_cli", "sweep", *options], cwd=folder, stdout=subprocess.PIPE)


def measure(engine: str, cells: int, *, kill: bool) -> str:
    """Play a sweep in an empty folder; return its line."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as name:
        folder, kept = Path(name), {}
        grid = f"experiment: {QUICKSTART}\ngrid: {{seed: {list(range(cells))}}}\n"
        (folder / "study.yaml").write_text(grid, encoding="utf-8")
        began, driver = time.monotonic(), start(folder, engine)
        if kill:
            while len(kept := finished(folder)) < cells // 2:
                time.sleep(0.2)
            (locked, *_) = (f for f in folder.glob("runs/study-*/.lock") if f.parent.name not in kept)
            os.kill(int(locked.read_text()), signal.SIGKILL)
            driver.kill()
            driver.communicate()
            kept, driver = finished(folder), start(folder, engine)
        statuses = [cell["status"] for cell in json.loads(driver.communicate()[0])["cells"]]
        wall_s, ended = time.monotonic() - began, finished(folder)
        again = sum(ended[cell] != dates for cell, dates in kept.items())
        whole = f"{statuses.count('finished')} of {cells} finished"
        return f"{engine}{', killed' if kill else ''}: {wall_s:.0f} s, {whole}, {again} of {len(kept)} run again"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=200)
    cells = parser.parse_args().cells
    for engine, kill in (("local", False), ("ray", True), ("local", False), ("ray", False)):
        print(measure(engine, cells, kill=kill), flush=True)
