"""Make `tests/golden/v0.N/`: folders as this minor version writes them, which later versions have to read.

    python tests/support/make_minor_version.py

Run it once, at the release, and look at the difference; afterwards the folder never changes. The next minor version
gets a folder of its own. Times are fixed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from conftest import TINY, scai
from make_golden import TIMES

from scai_cli import __version__

VERSION: Final = ".".join(__version__.split(".")[:2])
FOLDER: Final = Path(__file__).parents[1] / "golden" / f"v{VERSION}"
EXPERIMENT: Final = TINY + "constitution: {locked: [Never promise a refund.]}\n"
EXPORTED: Final = {
    "whole": ("system", "sft", "dpo", "ratings"),
    "rows": ("sft", "dpo", "constitutional"),
    "verdict": ("scores",),
}
"""Folder -> the formats whose rows are kept."""


def make() -> None:
    """Run, generate rows, and keep both folders with what is read out of them."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("tiny.yaml").write_text(EXPERIMENT, encoding="utf-8")
        assert scai("run", "tiny.yaml", "--run-id", "whole", "--quiet").code == 0
        assert scai("generate", "whole", "--n", 3, "--run-id", "rows", "--quiet").code == 0
        verdict = ("--suite", "society,choice", "--n", 4, "--run-id", "verdict", "--quiet")
        assert scai("evaluate", "none", "whole", *verdict).code == 0
        for name in ("events.jsonl", "calls.jsonl", "rows.jsonl", "outcome.json"):
            for file in Path("runs").glob(f"*/{name}"):
                _fix_times(file)
        expected = Path("runs/expected")
        expected.mkdir()
        (expected / "whole.show.json").write_text(scai("show", "whole", "--json").out, encoding="utf-8")
        (expected / "verdict.show.json").write_text(scai("show", "verdict", "--json").out, encoding="utf-8")
        for run, formats in EXPORTED.items():
            for form in formats:
                (expected / f"{run}.{form}.txt").write_text(_exported(run, form), encoding="utf-8")
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree("runs", FOLDER, ignore=shutil.ignore_patterns(".lock"))
        os.chdir(FOLDER)


def _exported(run: str, form: str) -> str:
    exported = scai("export", run, "--format", form)
    assert exported.code == 0, exported.err
    return exported.out


def _fix_times(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for pattern, fixed in TIMES:
        text = re.sub(pattern, fixed, text)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    make()
