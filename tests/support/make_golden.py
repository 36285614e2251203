"""Make `tests/golden/` anew: a run of the tiny experiment as today's code writes it, and what is read out of it.

    python tests/support/make_golden.py

Do so when events, the run directory, what `show --json` prints or the simulated society have changed on purpose, and
look at the difference before it is committed. Times are fixed, so that nothing else changes.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from conftest import TINY, scai

GOLDEN = Path(__file__).parents[1] / "golden"
TIMES = (
    (r'"time":"[^"]*"', '"time":"2026-01-31T12:00:00.000Z"'),
    (r'"latency_s":[\d.e-]+', '"latency_s":0.0'),
    (r'"wall_s": ?[\d.e-]+', '"wall_s": 0.0'),
)


def make() -> None:
    """Run, fix the times, and keep the run with what is read out of it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("tiny.yaml").write_text(TINY, encoding="utf-8")
        assert scai("run", "tiny.yaml", "--quiet").code == 0
        run = Path("runs/tiny")
        for name in ("events.jsonl", "calls.jsonl", "outcome.json"):
            text = (run / name).read_text(encoding="utf-8")
            for pattern, fixed in TIMES:
                text = re.sub(pattern, fixed, text)
            (run / name).write_text(text, encoding="utf-8")
        shutil.rmtree(GOLDEN / "tiny", ignore_errors=True)
        shutil.copytree(run, GOLDEN / "tiny", ignore=shutil.ignore_patterns(".lock"))
        (GOLDEN / "show.json").write_text(scai("show", run, "--json").out, encoding="utf-8")
        (GOLDEN / "sft.jsonl").write_text(
            scai("export", run, "--format", "sft-prompt-completion", "--system", "keep").out, encoding="utf-8"
        )
        os.chdir(GOLDEN)


if __name__ == "__main__":
    make()
