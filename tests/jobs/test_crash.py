"""Work of every kind that is killed at random moments comes out as if nothing had happened; no answer is paid twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from crash import crash_test
from crash_commands import COMMANDS

KILLS = int(os.environ.get("CRASH_KILLS", "12"))
SEED = int(os.environ.get("CRASH_SEED", "2"))


@pytest.mark.slow
@pytest.mark.rotating
@pytest.mark.parametrize("differing", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
def test_work_killed_at_random_moments(tmp_path: Path, command: str, differing: bool) -> None:
    result = crash_test(command, KILLS // 4 if differing else KILLS, SEED, tmp_path, differing=differing)
    print(f"seed {SEED}: {result}")
    assert result.faults == []
    assert differing or result.lost > 0  # few kills may all hit a moment without a call
