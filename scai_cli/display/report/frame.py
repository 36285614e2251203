"""What every page has: its head with the style, a header, a list of sections, and the script."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from scai_cli.display.report.html import TEXTS, Html, inline, note, tag
from scai_cli.display.report.plain import glossary


def page(title: str, body: Html) -> str:
    """Return a whole page."""
    code = _file("script.js")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(code)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content="scai report"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{title} · scai report"),
        inline("style", _file("style.css")),
    )
    content = tag(
        "body",
        tag("a", "To the answer", href="#main", class_="skip"),
        tag("main", body, glossary(body), tag("footer", TEXTS["footer"]), id="main"),
        tag("div", id="tip", role="status", hidden=True),
        inline("script", code),
    )
    return f"<!doctype html>\n{tag('html', head, content, lang='en').text}\n"


def header(title: Html, below: str, anchor: str) -> Html:
    """Return the header of a page."""
    return tag("header", tag("p", "scai report", class_="top-line"), title, note(below), id=anchor)


def badge(status: str) -> Html:
    """Return a status as word and colour."""
    return tag("span", status, class_=f"status {status}")


def nav(links: Sequence[tuple[str, str]]) -> Html:
    """Return the links, (anchor, words), to the sections of a page."""
    items = (tag("li", tag("a", words, href=f"#{anchor}")) for anchor, words in links)
    return tag("nav", tag("ul", items), aria_label="On this page")


def _file(name: str) -> str:
    return resources.files("scai_cli.display.report").joinpath(name).read_text(encoding="utf-8")


def _policy(code: str) -> str:
    """Return the content security policy: fetch nothing, run only the page's own script."""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
