"""Pages in a real browser without an accessibility violation, and with what a hint, a tap and a sheet of paper need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TINY, scai, scai_process
from test_report_browser import Looked, swept
from waiting import until

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

__all__ = ["swept"]
VIEWS = [
    {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    for width in (1280, 390)
    for scheme in ("light", "dark")
]
OPEN_ALL = "document.querySelectorAll('details').forEach((box) => { box.open = true; })"
# The style follows a scroll timeline, which a browser brings up to date once a frame, and not when it is asked.
HINTED = """
() => [...document.querySelectorAll(".scroll")].map((box) => [
  box.scrollWidth > box.clientWidth,
  parseFloat(getComputedStyle(box, "::before").height) > 0,
  getComputedStyle(box).maskImage !== "none",
])
"""
CUT_OFF = """
() => [...document.querySelectorAll("main *")].filter(
  (box) => box.checkVisibility() && box.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map((box) => box.outerHTML.slice(0, 80))
"""
LONG_NAMES = [f"Wilhelmina Featherstonehaugh-Cholmondeley of Upper Bottlebrook {n}" for n in range(10)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, swept: Path) -> dict[str, Path]:
    """The kinds of pages by name."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    people = [{"id": f"p{n}", "name": name, "preferences": {"warm": 1.0}} for n, name in enumerate(LONG_NAMES)]
    tasks = [{"id": "tea", "prompt": "How do I make tea?"}]
    long = {"name": "long", "epochs": 1, "turns": 1, "personas": people, "tasks": tasks}
    (folder / "long.yaml").write_text(yaml.safe_dump(long), encoding="utf-8")

    def ran(name: str, *settings: str, file: str = "tiny.yaml") -> None:
        options = [part for setting in settings for part in ("--set", setting)]
        assert scai_process("run", file, "-q", "--run-id", name, *options, cwd=folder).code in (0, 3)

    ran("finished", "revision.strategy=grounded", "revision.quorum=0.3")
    ran("held", "holdout={personas: [cid]}")
    ran("other", "epochs=1", "seed=9")
    ran("long", file="long.yaml")
    ran("stopped", "limits.calls=40")
    ran("early", "limits.calls=3")
    verdict = scai_process("evaluate", "finished", "none", "-q", "--run-id", "verdict", "--allow-seen", cwd=folder)
    assert verdict.code == 0, verdict.err
    made = {name: [name] for name in ("finished", "held", "long", "stopped", "early", "verdict")}
    for name, runs in {**made, "several": ["finished", "other", "held"]}.items():
        paths = [folder / "runs" / run for run in runs]
        assert scai("report", *paths, "-o", folder / f"{name}.html").code == 0
    return {name: folder / f"{name}.html" for name in (*made, "several")} | {"sweep": swept}


@pytest.fixture
def open_page(browser: Any, pages: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    opened: list[Looked] = []

    def look(name: str, **view: Any) -> Any:
        opened.append(Looked(browser, pages[name], **view))
        return opened[-1].page

    yield look
    for looked in opened:
        looked.page.context.close()


@pytest.mark.parametrize("name", ["finished", "held", "long", "stopped", "early", "verdict", "several", "sweep"])
def test_axe_finds_no_violation(open_page: Callable[..., Any], name: str) -> None:
    for view in VIEWS:
        page = open_page(name, **view)
        page.evaluate(OPEN_ALL)
        if page.locator(".term").count():
            page.locator(".term").first.click()
        found = axe.Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= view["viewport"]["width"]


def test_what_is_wider_than_a_phone_says_that_it_scrolls(open_page: Callable[..., Any]) -> None:
    page = open_page("long", **VIEWS[2])
    page.evaluate(OPEN_ALL)
    until(lambda: all(wide == says == fades for wide, says, fades in page.evaluate(HINTED)))
    assert {wide for wide, _, _ in page.evaluate(HINTED)} == {True, False}


def test_a_term_is_explained_by_keyboard_and_without_a_script(open_page: Callable[..., Any]) -> None:
    page = open_page("held", **VIEWS[2], java_script_enabled=False)
    explained = page.locator("#term-likely")
    assert not explained.is_visible()
    page.locator("[popovertarget='term-likely']").first.focus()
    page.keyboard.press("Enter")
    assert explained.is_visible()
    assert "95 % interval" in explained.inner_text()
    page.keyboard.press("Escape")
    assert not explained.is_visible()
    page.emulate_media(media="print")
    assert explained.is_visible()
    assert not page.locator(".term").first.is_visible()


@pytest.mark.parametrize("name", ["held", "several", "sweep", "verdict"])
def test_paper_has_all_of_it(open_page: Callable[..., Any], name: str) -> None:
    page = open_page(name, viewport={"width": 680, "height": 960})  # A4 within its margins
    page.emulate_media(media="print")
    assert page.evaluate(CUT_OFF) == []
    tables = page.locator(".folded table")
    assert all(table.is_visible() for table in tables.all())
