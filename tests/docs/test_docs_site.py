"""The documentation as a site: no page of the reference is stale, and the whole builds without a warning."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from documents import PAGES, ROOT

BUILDS = all(importlib.util.find_spec(name) for name in ("sphinx", "furo", "myst_parser"))


@pytest.mark.slow
def test_the_reference_is_what_the_code_says():
    ended = subprocess.run([sys.executable, "docs/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_a_page_begins_with_its_readers_and_what_they_have_at_its_end(page: str):
    text = re.sub(r"^<!--.*-->\n\n", "", (ROOT / page).read_text(encoding="utf-8"))
    assert re.match(r"# .+\n\n\*For [^*]+\. At the end you [^*]+\.\*\n", text), text[:200]
    assert text.split("\n\n")[1].count("\n") <= 1, "one or two lines"


def test_the_pages_of_results_and_limits_are_short():
    assert len((ROOT / "docs/results.md").read_text(encoding="utf-8").splitlines()) <= 40
    assert len((ROOT / "docs/limits.md").read_text(encoding="utf-8").splitlines()) <= 30


def test_every_figure_of_the_results_is_one_that_was_measured():
    page = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    pages = [ROOT / f"docs/{name}.md" for name in ("benchmarks", "evaluate", "science")]
    measured = "".join(page.read_text(encoding="utf-8") for page in pages)
    figures = set(re.findall(r"\d+\.\d+|\d+(?= %)|(?<= in )\d+(?= of)", page))
    assert [figure for figure in figures if not re.search(rf"(?<![\d.]){figure}(?![\d])", measured)] == []


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
