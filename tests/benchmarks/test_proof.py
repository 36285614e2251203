"""The proof in small: its chain of commands ends with verdicts, and goes on where it was; too small for effects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_model

from benchmarks.proof.__main__ import RULES

ROOT = Path(__file__).parents[2]


@pytest.mark.integration
def test_the_chain_of_the_proof_ends_with_verdicts_and_repeats_no_step(tmp_path: Path) -> None:
    model = tiny_model.make(tmp_path / "model")
    small = ("--rows", "6", "--items", "2", "--max-tokens", "8")
    command = [sys.executable, "-m", "benchmarks.proof", model, "--out", tmp_path, *small]

    def proved() -> str:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    first = proved()
    for words in ("rules against empty", "opposite against empty", "rules against base", "measures: short answers"):
        assert words in first
    weights = [(tmp_path / name / "adapter_model.safetensors").read_bytes() for name in
               ("rules/sft", "rules/dpo", "opposite/sft", "empty/sft")]  # fmt: skip
    assert len({*weights}) == 4
    rows = {name: (tmp_path / f"{name}-answers" / "train.jsonl").read_text().count("\n") for name in RULES}
    assert rows == dict.fromkeys(RULES, 6)
    second = proved()
    assert "finetune.py" not in second
    assert second.splitlines()[-5:] == first.splitlines()[-5:]
