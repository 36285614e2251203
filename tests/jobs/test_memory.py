"""Neither memory nor time per call grow with the length of a run (`make bench-memory` measures the whole size)."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # last: some have names of other modules

from memory import measure


@pytest.mark.slow
def test_a_long_run_and_its_resume_stay_small_and_keep_their_pace(tmp_path):
    short = measure(4_000, tmp_path / "short")
    long = measure(16_000, tmp_path / "long")
    resumed = measure(16_000, tmp_path / "long", again=True)
    assert long.peak_mb < short.peak_mb + 8  # 12,000 calls more
    assert resumed.peak_mb < short.peak_mb + 16
    # Time in proportion to the length would be 4.7; a busy machine alone has made 0.4 of it.
    assert long.slowdown < 1.5
