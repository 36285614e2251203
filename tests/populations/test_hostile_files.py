"""A file from a stranger ends in one line, in bounded memory and time, and nothing is half written."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from conftest import scai
from hostile_files import FAST, SLOW

LARGEST_MB = 300

# A process is said to take at least the memory of the one that started it, so this small one starts the command.
STARTER = """
import resource, subprocess, sys
found = subprocess.run([sys.executable, "-m", "scai_cli", *sys.argv[1:]], stdout=subprocess.DEVNULL, timeout=300)
print(found.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.rotating
@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_a_hostile_file_ends_in_one_line_and_takes_little_memory(name: str) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    arguments = map(str, {**FAST, **SLOW}[name](random.Random(seed)))
    found = subprocess.run([sys.executable, "-c", STARTER, *arguments], capture_output=True, check=True)
    code, peak_mb = map(int, found.stdout.split())
    _refused(code, found.stderr.decode())
    assert peak_mb < LARGEST_MB


@pytest.mark.parametrize("name", FAST)
def test_a_small_hostile_file_ends_in_one_line(name: str) -> None:
    arguments = FAST[name](random.Random(7))
    signal.alarm(60)  # it ends the tests if a pipe is waited for
    called = scai(*arguments)
    signal.alarm(0)
    _refused(called.code, called.err)


def _refused(code: int, errors: str) -> None:
    assert code == 2, errors[-2000:]
    assert errors.startswith("scai: ")
    assert errors.count("\n") == 1
    assert len(errors) < 2_000
    assert not Path("out.jsonl").exists()
