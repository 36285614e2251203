"""The README tells the truth: its recorded output and its links; tests/docs/test_docs.py runs its commands."""

from __future__ import annotations

import re
from pathlib import Path

import readme

ROOT = Path(__file__).parents[2]


def test_the_recorded_quickstart_is_what_comes_out_today():
    assert readme.shown() == readme.recorded(), "run `python tests/support/readme.py`"


def test_every_file_and_heading_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", readme.README.read_text(encoding="utf-8"))
    assert links
    assert [link for link, _ in links if not (ROOT / link).exists()] == []
    assert [(link, anchor) for link, anchor in links if anchor and anchor[1:] not in anchors(ROOT / link)] == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = (readme.README if page.is_dir() else page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
