"""Neither memory nor time per row grow with the number of rows (`python benchmarks/rows.py` measures more of them)."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # last: some have names of other modules

from rows import cut, measure


@pytest.mark.slow
def test_many_rows_and_their_resume_stay_small_and_keep_their_pace(tmp_path: Path) -> None:
    short = measure(500, tmp_path / "short")
    long = measure(2_000, tmp_path / "long")
    cut(tmp_path / "long", 2_000)
    resumed = measure(2_000, tmp_path / "long", again=True)
    assert long.peak_mb < short.peak_mb + 8  # 25,000 calls more
    assert resumed.peak_mb < short.peak_mb + 8
    # Time in proportion to the length would be 4.7; a busy machine alone has made 0.4 of it.
    assert long.slowdown < 1.5
