"""What every page has: where it is among the others, its style and its scripts, and the state of its refreshing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scai_cli.display.report.frame import badge
from scai_cli.display.report.html import Address, Child, Html, note, tag
from scai_cli.display.report.plain import glossary
from scai_cli.text.counts import counted

HOME: Final = Address.of()
COMPARISON: Final = Address.of("compare")
ALL: Final = "All runs"
"""The title of the first page."""
IDLE_S: Final = 10
"""The seconds between two looks for changes while no process works on what the page shows."""


@dataclass(frozen=True, slots=True)
class View:
    """A page of the server: its heading and its content, which may be a part of another page.

    `trail` are the pages above it, `every` the seconds between two looks for changes.
    """

    title: str
    heading: Html
    content: Html
    trail: Sequence[tuple[str, Address]] = ()
    every: int = IDLE_S
    status: int = 200


def page(view: View, state: str) -> str:
    """Return the whole page; `state` is what it shows, for a script that asks whether it has changed."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{view.title} · scai view"),
        (tag("link", rel="stylesheet", href=Address.of(name)) for name in ("style.css", "view.css")),
        (tag("script", src=Address.of(name), defer=True) for name in ("script.js", "view.js")),
    )
    body = tag(
        "body",
        tag("a", "To the content", href="#main", class_="skip"),
        tag("header", _trail(view), _refreshing(), class_="bar"),
        tag("main", view.heading, tag("div", view.content, id="content"), id="main"),
        tag("div", glossary(view.content), id="words"),
        tag("div", id="tip", role="status", hidden=True),
        data_state=state,
        data_every=view.every or None,
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en').text}\n"


def _trail(view: View) -> Html:
    if view.title == ALL:
        return tag("b", "scai view")
    links = (tag("li", tag("a", words, href=address)) for words, address in ((ALL, HOME), *view.trail))
    return tag("nav", tag("ol", links, tag("li", view.title, aria_current="page")), aria_label="Where you are")


def _refreshing() -> Html:
    """Return the state of the refreshing, which only the script shows."""
    said = tag("output", id="said", role="status", aria_live="polite")
    return tag("p", said, tag("button", "Pause", type="button", id="pause"), class_="live", hidden=True)


def heading(title: Child, status: str = "", below: Child = None) -> Html:
    """Return the title of a page with the status of its work as word and colour, and a line below."""
    return tag("div", tag("h1", title, [" ", badge(status)] if status else None), below and note(below))


def tabs(name: str, here: str, pages: Sequence[tuple[str, str]]) -> Html:
    """Return the links to the pages, (step of the address, words), of one folder."""
    links = (
        tag("li", tag("a", words, href=of(name, *filter(None, [step])), aria_current="page" if step == here else None))
        for step, words in pages
    )
    return tag("nav", tag("ul", links), class_="tabs", aria_label="Pages of this folder")


def pace(is_working: bool) -> int:
    """Return the seconds between two looks for changes; a process may work on what the page shows."""
    return 2 if is_working else IDLE_S


def of(name: str, *steps: str, anchor: str = "", **query: str | int | None) -> Address:
    """Return the address of a folder's page."""
    return Address.of("runs", name, *steps, anchor=anchor, **query)


@dataclass(frozen=True, slots=True)
class Part:
    """One page of a long list."""

    number: int
    size: int
    total: int

    @property
    def span(self) -> slice:
        """The items on it."""
        return slice((self.number - 1) * self.size, self.number * self.size)

    def words(self, one: str) -> str:
        """Return `51 to 100 of 344 conversations`."""
        first, last = self.span.start + 1, min(self.span.stop, self.total)
        whole = counted(self.total, one)
        return whole if last < first or last - first + 1 == self.total else f"{first:,} to {last:,} of {whole}"

    def links(self, name: str, *steps: str, **query: str) -> Html | None:
        """Return links to the pages before and after it, None if it is the only one."""
        last = max(1, -(-self.total // self.size))
        if last == 1 == self.number:
            return None

        def link(words: str, number: int) -> Html | None:
            there = of(name, *steps, **query, page=number)
            return tag("a", words, href=there) if 1 <= number <= last else None

        place = tag("span", f"page {self.number:,} of {last:,}", class_="when")
        before, after = link("‹ Previous", min(self.number - 1, last)), link("Next ›", self.number + 1)
        return tag("nav", before, place, after, class_="pages", aria_label="Pages of the list")


def form(action: Address, *fields: Child, label: str) -> Html:
    """Return a form that asks for another view of the page."""
    button = tag("button", "Show", type="submit", class_="all")
    return tag("form", fields, button, action=action, method="get", class_="filter", role="search", aria_label=label)


def compare_box(name: str) -> Html:
    """Return the box of a run in a form of runs to compare."""
    return tag("input", type="checkbox", name="run", value=name, aria_label=f"Compare {name}")


def compare_form(*children: Child) -> Html:
    """Return a form with the boxes of runs, which compares the ticked ones."""
    button = tag("button", "Compare the ticked runs", type="submit", class_="all")
    return tag("form", children, button, action=COMPARISON, method="get")
