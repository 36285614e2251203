"""The page about a run, or several, kept under its size."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from scai_cli.display.numbers import listed
from scai_cli.display.report.answer import subtitle
from scai_cli.display.report.charts import check_installed
from scai_cli.display.report.comparison import comparison
from scai_cli.display.report.html import TEXTS, Child, Html, inline, note, tag, together
from scai_cli.display.report.sections import BRIEF, Detail, Run, Section, read_run
from scai_cli.errors import RunError

LIMIT: Final = 1_500_000
"""The maximal bytes of a page."""
MOST_WHOLE: Final = 10
"""The maximal number of runs shown in full; more are shown in brief, side by side."""
_ROOM: Final = (700_000, 350_000, 120_000, 40_000, 0)
"""Bytes for the transcripts of all runs together, tried in turn until the page is under its limit."""


def make_page(paths: Sequence[Path]) -> str:
    """Return the page about some runs, the same bytes for the same runs.

    Raises RunError for a damaged line, for too many runs for a page, and if the extra is not installed.
    """
    check_installed()
    paths = list(dict.fromkeys(paths))
    runs = [read_run(path, f"r{n}/") for n, path in enumerate(paths, 1)]
    title = paths[0].name if len(runs) == 1 else f"{len(runs)} runs"
    side_by_side = _side_by_side(runs) if len(runs) > 1 else None
    for detail in _details(len(runs)):
        body = _alone(runs[0], detail) if side_by_side is None else _several(runs, side_by_side, detail)
        page = _page(title, body)
        if len(page.encode()) < LIMIT:
            return page
    raise RunError(f"{len(runs)} runs do not fit into one page of {LIMIT / 1e6:g} MB; report fewer at once")


def _details(runs: int) -> Iterator[Detail]:
    """Yield the levels of detail to try, the most first."""
    if runs <= MOST_WHOLE:
        yield from (Detail(room // runs) for room in _ROOM)
    yield BRIEF


def _page(title: str, body: Html) -> str:
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
        tag("main", body, tag("footer", TEXTS["footer"]), id="main"),
        tag("div", id="tip", role="status", hidden=True),
        inline("script", code),
    )
    return f"<!doctype html>\n{tag('html', head, content, lang='en').text}\n"


def _alone(run: Run, detail: Detail) -> Html:
    sections = list(run.sections(detail))
    return together(
        _header(tag("h1", *_name(run)), subtitle(run.figures), f"{run.prefix}top"),
        run.answer,
        _drawn(run, list(run.opening(detail)), "h2"),
        _nav([(run.prefix + section.anchor, section.title) for section in sections]),
        _drawn(run, sections, "h2"),
    )


def _several(runs: Sequence[Run], side_by_side: Html, detail: Detail) -> Html:
    names = [run.figures.history.run_id for run in runs]
    articles = (
        tag(
            "article",
            tag("h2", *_name(run)),
            note(subtitle(run.figures)),
            run.answer,
            _drawn(run, [*run.opening(detail), *run.sections(detail)], "h3"),
            id=f"{run.prefix}top",
        )
        for run in runs
    )
    return together(
        _header(tag("h1", f"{len(runs)} runs compared"), listed(names, 8), "top"),
        _nav([(f"{run.prefix}top", name) for run, name in zip(runs, names, strict=True)]),
        side_by_side,
        articles,
    )


def _side_by_side(runs: Sequence[Run]) -> Html:
    compared = comparison([run.figures for run in runs], [run.prefix for run in runs])
    return tag("section", tag("h2", "Side by side"), compared, id="comparison")


def _header(title: Html, below: str, anchor: str) -> Html:
    return tag("header", tag("p", "scai report", class_="top-line"), title, note(below), id=anchor)


def _name(run: Run) -> tuple[Child, ...]:
    status = run.figures.history.status
    return (run.figures.history.run_id, " ", tag("span", status, class_=f"status {status}"))


def _nav(links: Sequence[tuple[str, str]]) -> Html:
    items = (tag("li", tag("a", words, href=f"#{anchor}")) for anchor, words in links)
    return tag("nav", tag("ul", items), aria_label="On this page")


def _drawn(run: Run, sections: Sequence[Section], heading: str) -> Html:
    return together(
        tag("section", tag(heading, section.title), section.content, id=run.prefix + section.anchor)
        for section in sections
    )


def _file(name: str) -> str:
    return resources.files("scai_cli.display.report").joinpath(name).read_text(encoding="utf-8")


def _policy(code: str) -> str:
    """Return the content security policy: fetch nothing, run only the page's own script."""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
