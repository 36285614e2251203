"""The quickstart's output as the README shows it: `python tests/support/readme.py` writes it anew, a test compares."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- quickstart:begin -->\n", "<!-- quickstart:end -->"


def recorded() -> str:
    """What `make quickstart` shows on a terminal of 80 columns, after the installation."""
    with tempfile.TemporaryDirectory() as folder:
        scai = [sys.executable, "-m", "scai_cli"]
        env = {**os.environ, "SCAI_RUNS_DIR": folder, "COLUMNS": "80", "NO_COLOR": "1"}

        def call(*words: str) -> str:
            return subprocess.run([*scai, *words], env=env, cwd=ROOT, capture_output=True, text=True, check=True).stdout

        run = call("run", "configs/quickstart.yaml", "--quiet").strip()
        shown, message = call("show", run), call("export", run, "--format", "system")
    text = f"{shown}\nThe system message, to paste into any chatbot:\n\n{message}"
    return "```text\n" + "\n".join(line.rstrip() for line in text.splitlines()) + "\n```\n"


def shown() -> str:
    """What the README shows."""
    return README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(before + BEGIN + recorded() + END + rest.partition(END)[2], encoding="utf-8")
