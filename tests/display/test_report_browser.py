"""A report in a real browser: it runs nothing but its own script, asks for nothing, and can be read anywhere."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from changed_runs import EVIL, changed, hostile
from conftest import TINY, scai, scai_process
from waiting import until

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255)
      .map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255, 255];
  };
  const bad = [];
  for (const e of document.querySelectorAll("main *")) {
    const speaks = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!speaks || e.closest("svg") || !e.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) bad.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${e.textContent.slice(0, 30)}`);
  }
  return bad;
}
"""


LARGEST_NUMBERS = """
() => {
  const size = (e) => parseFloat(getComputedStyle(e).fontSize);
  const found = [...document.querySelectorAll("main *")].filter(
    (e) => [...e.childNodes].some((n) => n.nodeType === 3 && /\\d[.]\\d/.test(n.data)) && e.checkVisibility());
  const most = Math.max(...found.map(size));
  return found.filter((e) => size(e) === most).map((e) => e.textContent);
}
"""


class Looked:
    """A page that is open, with all that went wrong in it and all that it asked for."""

    def __init__(self, browser: Any, file: Path, **view: Any) -> None:
        self.troubles: list[str] = []
        self.asked: list[str] = []
        self.page = browser.new_context(**view).new_page()
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("dialog", lambda dialog: self.troubles.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.address = file.resolve().as_uri()
        self.page.goto(self.address)

    def close(self) -> None:
        self.page.wait_for_timeout(200)
        assert self.troubles == []
        assert {url.partition("#")[0] for url in self.asked if not url.startswith("data:,")} == {self.address}
        self.page.context.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tiny experiment, made in a process of its own: the browser's driver has this one's event loop."""
    return ran(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def grounded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run whose rules rest on messages."""
    folder = tmp_path_factory.mktemp("grounded")
    run = ran(folder, "revision.strategy=grounded", "revision.quorum=0.3", "epochs=4")
    assert scai("report", run, "-o", folder / "tiny.html").code == 0
    return folder / "tiny.html"


def ran(folder: Path, *settings: str) -> Path:
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    options = [part for setting in settings for part in ("--set", setting)]
    assert scai_process("run", "tiny.yaml", "-q", *options, cwd=folder).code == 0
    return folder / "runs" / "tiny"


def colours(png: bytes) -> int:
    """How many different pixels a screenshot (8 bits a channel, as Chromium writes it) has in its rows, unfiltered."""
    at, width, channels, data = 8, 0, 0, b""
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        if kind == b"IHDR":
            width = struct.unpack(">I", png[at + 8 : at + 12])[0]
            channels = {2: 3, 6: 4}[png[at + 17]]
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    raw, stride = zlib.decompress(data), width * channels + 1
    rows = {raw[start + 1 : start + stride] for start in range(0, len(raw), stride)}
    return len(rows)


@pytest.mark.parametrize("name", VIEWS)
def test_it_can_be_read(browser: Any, grounded: Path, name: str) -> None:
    looked = Looked(browser, grounded, **VIEWS[name])
    page = looked.page
    width = VIEWS[name]["viewport"]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == ("rgb(20, 23, 27)" if name == "dark" else "rgb(247, 246, 242)")
    assert page.locator(".wide").is_visible() is (name != "phone")
    assert page.locator(".narrow").is_visible() is (name == "phone")
    assert colours(page.locator(".panels figure").first.screenshot()) > 50
    assert colours(page.locator(".plane").screenshot()) > 50
    looked.close()


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a sweep over welfare functions and seeds, with a cell that a limit stopped."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    grid = "{welfare: [utilitarian, nash], seed: [1, 2, 3], limits.calls: [200, 3]}"
    (folder / "study.yaml").write_text(f"experiment: tiny.yaml\neach: {{epochs: 1}}\ngrid: {grid}\n", encoding="utf-8")
    assert scai_process("sweep", "study.yaml", "-q", cwd=folder).code == 3
    assert scai("report", folder / "runs" / "study", "-o", folder / "study.html").code == 0
    return folder / "study.html"


@pytest.mark.parametrize("name", VIEWS)
def test_a_sweep_can_be_read(browser: Any, swept: Path, name: str) -> None:
    looked = Looked(browser, swept, **VIEWS[name])
    page = looked.page
    assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[name]["viewport"]["width"]
    assert page.evaluate(CONTRAST) == []
    assert page.locator(".wide").first.is_visible() is (name != "phone")
    assert colours(page.locator(".plane").first.screenshot()) > 50
    looked.close()


def test_the_largest_number_stands_beside_the_word_simulated(browser: Any, grounded: Path) -> None:
    looked = Looked(browser, grounded, **VIEWS["phone"])
    numbers = looked.page.evaluate(LARGEST_NUMBERS)
    assert len(numbers) == 1
    assert "simulated people (a small program and no language model)" in numbers[0]
    looked.close()


def test_it_can_be_printed(browser: Any, grounded: Path) -> None:
    looked = Looked(browser, grounded, **VIEWS["dark"])
    page = looked.page
    page.locator(".talk summary").first.click()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CONTRAST) == []
    assert page.locator(".talk:visible").count() == 1
    assert not page.locator("nav").is_visible()
    assert not page.locator(".filter").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert colours(page.screenshot(full_page=True)) > 500
    looked.close()


def test_evidence_leads_to_the_message(browser: Any, grounded: Path) -> None:
    looked = Looked(browser, grounded, **VIEWS["light"])
    page = looked.page
    page.locator("select[name=persona]").select_option("cid")
    link = page.locator(".evidence a[href*='/ann/']").first
    wanted = link.get_attribute("href").removeprefix("#")
    message = page.locator(f"[id='{wanted}']")
    assert not message.is_visible()
    link.click()
    message.wait_for(state="visible")

    def is_on_screen() -> bool:
        return 0 <= message.bounding_box()["y"] < 900

    until(is_on_screen)
    page.evaluate("scrollTo(0, 0)")
    until(lambda: not is_on_screen())
    link.click()
    until(is_on_screen)
    looked.close()


def test_the_filter_leaves_what_was_asked_for(browser: Any, grounded: Path) -> None:
    looked = Looked(browser, grounded, **VIEWS["light"])
    page = looked.page
    talks, count = page.locator(".talk:visible"), page.locator(".count")
    assert (talks.count(), count.text_content()) == (20, "24 conversations")
    page.locator(".all").click()
    assert talks.count() == 24
    page.locator("select[name=epoch]").select_option("2")
    page.locator("select[name=task]").select_option("tea")
    assert (talks.count(), count.text_content()) == (3, "3 conversations")
    page.locator("select[name=persona]").select_option("bob")
    assert talks.all_text_contents()[0].startswith("epoch 2 (version 1)Bob Jonestea")
    page.locator("input[name=text]").fill("POT of tea")
    assert (talks.count(), count.text_content()) == (1, "1 conversation")
    page.locator("input[name=text]").fill("<no such words>")
    assert talks.count() == 0
    assert page.locator(".none").is_visible()
    looked.close()


def test_the_system_message_is_copied(browser: Any, grounded: Path) -> None:
    looked = Looked(browser, grounded, **VIEWS["light"], permissions=["clipboard-read", "clipboard-write"])
    page = looked.page
    page.locator(".copy").first.click()
    until(lambda: page.locator(".copy").first.text_content() == "Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == (grounded.parent / "runs" / "tiny" / "system_message.txt").read_text(encoding="utf-8").rstrip("\n")
    looked.close()


def test_a_mark_says_what_it_stands_for(browser: Any, grounded: Path) -> None:
    looked = Looked(browser, grounded, **VIEWS["light"])
    page = looked.page
    page.locator(".panels figure").nth(1).locator("[data-tip]").first.hover(force=True)
    assert re.fullmatch(r"epoch 1 \(version 0\): \d\.\d, tasks \d+ to \d+", page.locator("#tip").text_content())
    assert page.locator("#tip").is_visible()
    page.mouse.move(0, 0)
    assert not page.locator("#tip").is_visible()
    looked.close()


@pytest.mark.parametrize("name", VIEWS)
def test_hostile_text_is_harmless(browser: Any, plain: Path, tmp_path: Path, name: str) -> None:
    run = changed(plain, tmp_path / "r" / "hostile", hostile)
    assert scai("report", run, "-o", "hostile.html").code == 0
    looked = Looked(browser, Path("hostile.html"), **VIEWS[name])
    page = looked.page
    assert page.title() == "hostile · scai report"
    assert page.locator("img, iframe, object, embed, script").count() == 1
    assert page.evaluate("[...document.links].every((link) => link.getAttribute('href').startsWith('#'))")
    for talk in page.locator(".talk:visible summary").all():
        talk.click()
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[name]["viewport"]["width"]
    assert EVIL[:60] in page.locator(".text").first.text_content()
    page.locator("input[name=text]").fill("<script>")
    looked.close()


def test_the_policy_keeps_injected_code_from_running(browser: Any, plain: Path, tmp_path: Path) -> None:
    """Even if markup got through the escaping, it would do nothing: the second line of defence is there."""
    assert scai("report", plain, "-o", "x.html").code == 0
    text = Path("x.html").read_text(encoding="utf-8")
    bad = "document.title='pwned'"
    injected = f"<script>{bad}</script><img src='http://127.0.0.1:9/x.png' onerror=\"{bad}\">"
    Path("x.html").write_text(text.replace('<main id="main">', f'<main id="main">{injected}'), encoding="utf-8")
    looked = Looked(browser, Path("x.html"), **VIEWS["light"])
    looked.page.wait_for_timeout(300)
    assert looked.page.title() == "tiny · scai report"
    assert len([line for line in looked.troubles if "Content Security Policy" in line]) == 3
    looked.page.context.close()
