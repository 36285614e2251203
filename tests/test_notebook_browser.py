"""The page of a run in a notebook's frame, in a real browser: a stranger's run reaches nothing outside of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from changed_runs import changed, hostile

import scai_cli as scai

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PARENT = "() => { try { return parent.document.title } catch (error) { return error.name } }"


def test_the_page_of_a_hostile_run_stays_in_its_frame(browser: Any, finished: Path, tmp_path: Path) -> None:
    run = scai.load(changed(finished, tmp_path / "runs" / "hostile", hostile))
    cells = "".join(part._repr_html_() for part in (run, run.people(), run.messages(), run.report()))
    book = tmp_path / "notebook.html"
    book.write_text(f"<!doctype html><meta charset='utf-8'><title>notebook</title>{cells}", encoding="utf-8")
    troubles, asked = [], []
    page = browser.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(book.as_uri())
    _, frame = page.frames
    assert frame.evaluate(PARENT) == "SecurityError"
    frame.click("nav a >> nth=2")  # a link scrolls within the page, which has the notebook's address for its base
    frame.wait_for_function("scrollY > 0")
    assert frame.url.startswith("about:srcdoc#r1/")
    assert (page.url, page.title()) == (book.as_uri(), "notebook")
    page.close()
    assert troubles == []
    assert {url.partition(",")[0] for url in asked} <= {book.as_uri(), "data:"}
