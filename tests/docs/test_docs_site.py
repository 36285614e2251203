"""The documentation as a site: no page of the reference is stale, and the whole builds without a warning."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT

BUILDS = all(importlib.util.find_spec(name) for name in ("sphinx", "furo", "myst_parser"))


def test_the_reference_is_what_the_code_says():
    ended = subprocess.run([sys.executable, "docs/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_the_run_directory_is_told_in_full(finished: Path):
    page = (ROOT / "docs/reference/run-directory.md").read_text(encoding="utf-8")
    assert [file.name for file in finished.iterdir() if f"`{file.name}" not in page] == []


@pytest.mark.slow
@pytest.mark.skipif(not BUILDS, reason="needs `pip install -e '.[docs]'`")
def test_the_site_builds_without_a_warning(tmp_path: Path):
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", tmp_path / "trees"]
    ended = subprocess.run([*sphinx, "docs", tmp_path / "html"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    pages = [file.relative_to(ROOT / "docs").with_suffix(".html") for file in (ROOT / "docs").rglob("[!_]*.md")]
    assert [page for page in pages if not (tmp_path / "html" / page).exists()] == []
    assert "<h1>quickstart" in (tmp_path / "html/quickstart-report.html").read_text(encoding="utf-8")
    assert "https://" not in "".join(
        line for line in (tmp_path / "html/index.html").read_text(encoding="utf-8").splitlines() if "<script" in line
    )
