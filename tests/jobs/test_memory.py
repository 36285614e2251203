"""Neither memory nor time per call grow with the length of a run (`make bench-memory` measures the whole size)."""

import runpy
import subprocess
import sys
from pathlib import Path

import peak
import pytest
import yaml

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # last: some have names of other modules

from memory import __file__ as memory
from memory import measure

experiment = runpy.run_path(str(Path(memory).with_name("growth.py")))["experiment"]  # tests have a module of this name


@pytest.mark.slow
def test_a_long_run_and_its_resume_stay_small_and_keep_their_pace(tmp_path):
    short = measure(4_000, tmp_path / "short")
    long = measure(16_000, tmp_path / "long")
    resumed = measure(16_000, tmp_path / "long", again=True)
    assert long.peak_mb < short.peak_mb + 8  # 12,000 calls more
    assert resumed.peak_mb < short.peak_mb + 16
    # Time in proportion to the length would be 4.7; a busy machine alone has made 0.4 of it.
    assert long.slowdown < 1.5


@pytest.mark.slow
def test_a_large_epoch_keeps_few_of_its_conversations(tmp_path):
    def peak_mb(tasks):
        config, found = tmp_path / f"{tasks}.yaml", tmp_path / f"{tasks}.txt"
        config.write_text(yaml.safe_dump(experiment({"people": 12, "tasks": tasks, "epochs": 1})))
        command = [sys.executable, peak.__file__, found, "run", config, "-q", "--runs-dir", tmp_path / str(tasks)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return float(found.read_text())

    small, large = peak_mb(80), peak_mb(240)
    assert large < small + 20  # 1,920 conversations more; whole ones of both epochs took 44 MB
