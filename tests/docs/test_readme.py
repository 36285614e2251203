"""The README is short, uses no word that needs a definition, and shows what runs print; so do the pages of the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import readme
from documents import ROOT

TEXT = readme.README.read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```|<!-- recorded.*?/recorded -->|<!--.*?-->|`[^`]*`|\]\([^)]*\)", " ", TEXT, flags=re.DOTALL)


@pytest.fixture(scope="module")
def runs() -> Iterator[readme.Runs]:
    with readme.made() as runs:
        yield runs


@pytest.mark.slow
@pytest.mark.xdist_group("records")
@pytest.mark.parametrize(("page", "name"), readme.RECORDS, ids=lambda part: part)
def test_a_record_is_what_a_run_prints_today(page: str, name: str, runs: readme.Runs):
    assert readme.shown(page, name) == readme.RECORDS[page, name](runs), "run `python tests/support/readme.py`"


def test_every_record_is_on_its_page():
    assert [key for key in readme.RECORDS if not readme.shown(*key)] == []


def test_people_finish_it():
    assert len(TEXT.splitlines()) <= 90
    assert len(TEXT.split()) <= 700


def test_its_first_paragraph_links_to_the_results_and_the_limits():
    first = TEXT.split("\n\n")[1]
    assert "](docs/results.md)" in first
    assert "](docs/limits.md)" in first


def test_it_needs_no_definition():
    page = (ROOT / "docs/concepts.md").read_text(encoding="utf-8").partition("## The words\n")[2].partition("\n## ")[0]
    terms = [term for line in re.findall(r"^(.+)\n: ", page, re.MULTILINE) for term in line.split(", ")]
    assert len(terms) > 10
    assert [term for term in terms if re.search(rf"\b{term}s?\b", PROSE, re.IGNORECASE)] == []


def test_every_file_and_heading_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", TEXT)
    assert links
    assert [link for link, _ in links if not (ROOT / link).exists()] == []
    assert [(link, anchor) for link, anchor in links if anchor and anchor[1:] not in anchors(ROOT / link)] == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = (readme.README if page.is_dir() else page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
