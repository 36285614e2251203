"""The README tells the truth: its recorded output, its links and its commands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import readme

ROOT = Path(__file__).parent.parent


def test_the_recorded_quickstart_is_what_comes_out_today():
    assert readme.shown() == readme.recorded(), "run `python tests/readme.py`"


def test_every_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", readme.README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def blocks() -> list[str]:
    found = re.findall(r"```sh\n(.*?)```", readme.README.read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in found if "make " not in block and "OPENAI_API_KEY" not in block]


@pytest.mark.parametrize("block", blocks())
def test_a_block_of_commands_runs(block: str, tmp_path: Path):
    scai = tmp_path / "scai"
    scai.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m scai_cli "$@"\n')
    scai.chmod(0o755)
    for name in ("configs", "personas"):
        (tmp_path / name).symlink_to(ROOT / name)
    path = f"{tmp_path}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    shell = ["bash", "-euo", "pipefail", "-c", block]
    ended = subprocess.run(shell, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_the_experiment_in_the_readme_is_right(tmp_path: Path):
    (text,) = re.findall(r"```yaml\n(.*?)```", readme.README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "scai_cli", "check", "my.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
