"""`scai view` in a real browser: live, by keyboard, on a phone, in the dark, for screen readers, with hostile texts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from changed_runs import EVIL, changed, hostile
from conftest import TINY, scai_process
from crash_commands import EXPERIMENT
from hostile_texts import EVERYTHING
from test_report_browser import CONTRAST, VIEWS

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
GOLDEN = Path(__file__).parents[1] / "golden" / "v0.13"
PAGES = (
    "/",
    "/runs/tiny",
    "/runs/tiny/details",
    "/runs/tiny/transcripts?epoch=2&text=pot",
    "/runs/tiny/calls?role=meta",
    "/runs/tiny/call?id=e2/ann/tea/m1",
    "/compare?run=tiny&run=second",
    "/runs/rows",
    "/runs/verdict",
    "/runs/study",
    "/runs/nothing",
)


class Window:
    """A window of the browser, with all that went wrong in it and all that it asked for."""

    def __init__(self, browser: Any, origin: str, **view: Any) -> None:
        self.origin = origin
        self.troubles: list[str] = []
        self.asked: set[str] = set()
        self.page = browser.new_context(**view).new_page()
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("dialog", lambda dialog: self.troubles.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.add(request.url))

    def open(self, address: str) -> Any:
        self.page.goto(self.origin + address)
        self.page.locator("[aria-busy]").wait_for(state="detached")
        return self.page

    def close(self) -> None:
        assert [line for line in self.troubles if "404" not in line] == []
        assert {url for url in self.asked if not url.startswith(("data:,", f"{self.origin}/"))} == set()
        self.page.context.close()


def served(runs: Path) -> Iterator[str]:
    """Serve a folder in a process of its own: the browser's driver has this one's event loop."""
    command = [sys.executable, "-m", "scai_cli", "view", "--port", "0", "--runs-dir", str(runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 130


def slow_society() -> Iterator[str]:
    """Serve the simulated society slowly, in a process of its own as well."""
    script = (
        "from crash import society; from loopback import Loopback\n"
        "with Loopback(latency=0.3, answer=society()) as server: print(server.base_url, flush=True); input()"
    )
    support = Path(__file__).parents[1] / "support"
    command = [sys.executable, "-c", script]
    path = os.pathsep.join((str(support), os.environ.get("PYTHONPATH", "")))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("\n", timeout=30)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs, a sweep, a generated set and an evaluation."""
    folder = tmp_path_factory.mktemp("viewed")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    grid = "{welfare: [utilitarian, nash]}"
    (folder / "study.yaml").write_text(f"experiment: tiny.yaml\neach: {{epochs: 1}}\ngrid: {grid}\n", encoding="utf-8")
    for command in ("run tiny.yaml -q", "run tiny.yaml -q --run-id second --seed 5", "sweep study.yaml -q"):
        assert scai_process(*command.split(), cwd=folder).code == 0
    for name in ("rows", "verdict"):
        shutil.copytree(GOLDEN / name, folder / "runs" / name)
    return folder


@pytest.fixture(scope="module")
def origin(place: Path) -> Iterator[str]:
    yield from served(place / "runs")


@pytest.mark.parametrize("name", VIEWS)
def test_every_page_can_be_read(browser: Any, origin: str, name: str) -> None:
    window = Window(browser, origin, **VIEWS[name])
    for address in PAGES:
        page = window.open(address)
        page.evaluate("[...document.querySelectorAll('details')].slice(0, 5).forEach((box) => { box.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[name]["viewport"]["width"], address
        assert page.evaluate(CONTRAST) == [], address
        found = axe.Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == [], address
    window.close()


def test_it_is_used_by_keys_alone(browser: Any, origin: str) -> None:
    window = Window(browser, origin, **VIEWS["light"])
    page = window.open("/")
    keys = page.keyboard

    def tab_to(selector: str) -> None:
        for _ in range(60):
            keys.press("Tab")
            if page.evaluate("(it) => document.activeElement.matches(it)", selector):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
                return
        pytest.fail(f"no way to {selector}")

    tab_to("input[value=tiny]")
    keys.press("Space")
    keys.press("Shift+Tab")
    tab_to("a[href='/runs/tiny']")
    keys.press("Enter")
    page.wait_for_url("**/runs/tiny")
    tab_to("a[href$='/transcripts']")
    keys.press("Enter")
    page.wait_for_url("**/transcripts")
    tab_to("select[name=persona]")
    keys.type("Bob")
    tab_to("input[name=text]")
    keys.type("POT of tea")
    keys.press("Enter")
    page.wait_for_url("**persona=bob**")
    assert page.locator(".talk").count() == 3
    tab_to("summary")
    keys.press("Enter")
    tab_to("a.call")
    keys.press("Enter")
    page.wait_for_url("**/call?id=e1%2Fbob%2Ftea%2Fm0")
    tab_to("a[href='/runs/tiny/calls']")
    keys.press("Enter")
    page.wait_for_url("**/calls")
    tab_to("input[name=id]")
    keys.type("e2/revision")
    keys.press("Enter")
    page.wait_for_url("**id=e2%2Frevision**")
    assert page.locator("tbody tr").count() == 1
    window.close()


def test_ticked_runs_are_compared(browser: Any, origin: str) -> None:
    window = Window(browser, origin, **VIEWS["phone"])
    page = window.open("/")
    page.locator("input[value=tiny]").check()
    page.locator("input[value=second]").check()
    page.get_by_role("button", name="Compare").click()
    assert page.locator("h1").text_content() == "2 runs compared"
    window.close()


def test_evidence_leads_to_the_message(browser: Any, place: Path, origin: str) -> None:
    settings = ("--set", "revision.strategy=grounded", "--set", "revision.quorum=0.3", "--set", "epochs=3")
    assert scai_process("run", "tiny.yaml", "-q", "--run-id", "grounded", *settings, cwd=place).code == 0
    window = Window(browser, origin, **VIEWS["light"])
    page = window.open("/runs/grounded")
    page.locator(".evidence a[href*='transcripts']").first.click()
    page.wait_for_url("**/transcripts?**")
    assert page.locator(".talk").count() == 1
    message = page.locator(".message:target")
    message.wait_for(state="visible")
    window.close()


def test_a_run_is_followed_while_it_goes_on(browser: Any, place: Path, origin: str) -> None:
    """A real run, slowed by its endpoint, first without an epoch; open details, focus and scroll stay."""
    command = [sys.executable, "-m", "scai_cli", "run", "live.yaml", "--run-id", "live", "--quiet"]
    window = Window(browser, origin, **VIEWS["light"])
    page = window.open("/")
    page.locator("input[value=tiny]").check()
    for url in slow_society():
        (place / "live.yaml").write_text(EXPERIMENT.replace("URL", url), encoding="utf-8")
        run = subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        page.locator("a[href='/runs/live']").wait_for(timeout=30_000)
        assert page.locator("input[value=tiny]").is_checked()
        assert (
            page.locator("tr", has=page.locator("a[href='/runs/live']")).locator(".status").text_content() == "running"
        )
        page = window.open("/runs/live/transcripts")
        page.locator(".talk").first.wait_for(timeout=30_000)
        page.locator(".talk summary").first.click()
        page.locator("input[name=text]").focus()
        page.keyboard.type("half a wo")
        count = page.locator(".talk").count()
        page.locator(".talk").nth(count).wait_for(timeout=30_000)
        assert page.locator(".talk").first.get_attribute("open") is not None
        assert page.evaluate("document.activeElement.name") == "text"
        assert page.locator("input[name=text]").input_value() == "half a wo"
        assert "updated" in page.locator("#said").text_content()
        page = window.open("/runs/live")
        page.locator("section#numbers").wait_for(timeout=60_000)
        page.evaluate("scrollTo(0, 600)")
        before = page.evaluate("scrollY")
        page.locator("h1 .status.finished").wait_for(timeout=60_000)
        assert page.evaluate("scrollY") == pytest.approx(before, abs=300)
        assert run.wait(timeout=30) == 0
    page.locator("section#people .panels").wait_for(timeout=30_000)
    window.close()


def test_pausing_stops_it(browser: Any, place: Path, origin: str) -> None:
    copy = place / "runs" / "paused"
    shutil.copytree(place / "runs" / "tiny", copy)
    window = Window(browser, origin, **VIEWS["light"])
    page = window.open("/")
    page.get_by_role("button", name="Pause").click()
    shutil.rmtree(copy)
    page.wait_for_timeout(3_000)
    assert page.locator("a[href='/runs/paused']").count() == 1
    page.get_by_role("button", name="Continue").click()
    page.locator("a[href='/runs/paused']").wait_for(state="detached", timeout=20_000)
    window.close()


def test_a_refresh_keeps_what_is_typed_and_says_what_is_gone(browser: Any, place: Path, origin: str) -> None:
    copy = place / "runs" / "gone"
    shutil.copytree(place / "runs" / "tiny", copy)
    window = Window(browser, origin, **VIEWS["light"])
    page = window.open("/runs/gone/calls")
    page.locator("input[name=id]").focus()  # a form's `id` is then this field
    page.keyboard.type("e1/an")
    for change in ((copy / "calls.jsonl").touch, lambda: shutil.rmtree(copy)):
        assert page.evaluate("document.activeElement.value") == "e1/an"
        change()
        page.evaluate("refresh()")
    assert "there is no run" in page.locator(".caution").text_content()
    assert page.title() == "This cannot be shown · scai view"
    shutil.copytree(place / "runs" / "tiny", copy)
    page.evaluate("refresh()")
    assert page.locator("input[name=id]").count() == 1
    shutil.rmtree(copy)
    window.close()


def test_hostile_texts_do_nothing(browser: Any, place: Path, tmp_path: Path) -> None:
    run = changed(place / "runs" / "tiny", tmp_path / "hostile", hostile)
    log = [json.loads(line) for line in (run / "calls.jsonl").read_text(encoding="utf-8").splitlines()]
    for call in log:
        call |= {"response": EVIL, "thoughts": EVIL, "finish_reason": EVIL}
        call["request"]["messages"] = [{"role": "user", "content": EVIL}]
    (run / "calls.jsonl").write_text("".join(json.dumps(call) + "\n" for call in log), encoding="utf-8")
    shutil.copytree(run, tmp_path / "other")
    asked = quote(EVERYTHING[:1500], safe="")
    addresses = [address.replace("tiny", "hostile").replace("second", "other") for address in PAGES[:7]]
    addresses += [f"/runs/hostile/transcripts?text={asked}", f"/runs/hostile/calls?id={asked}", f"/runs/{asked}"]
    for origin in served(tmp_path):
        for view in (VIEWS["light"], VIEWS["phone"]):
            window = Window(browser, origin, **view)
            for address in addresses:
                page = window.open(address)
                assert page.title().endswith(" · scai view"), address
                assert page.locator("img, iframe, object, embed").count() == 0
                assert page.locator("script").count() == 2
                assert page.evaluate("[...document.links].every((link) => link.origin === location.origin)")
                page.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
                assert page.evaluate("document.documentElement.scrollWidth") <= view["viewport"]["width"], address
            window.close()


def test_without_a_script_everything_is_there(browser: Any, origin: str) -> None:
    window = Window(browser, origin, **VIEWS["light"], java_script_enabled=False)
    page = window.page
    page.goto(f"{origin}/runs/tiny")
    page.get_by_role("link", name="People, charts").click()
    assert page.locator("section#people .panels").is_visible()
    assert not page.get_by_role("button", name="Pause").is_visible()
    window.close()
