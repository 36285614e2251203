"""A run, or several, as one page: read, put together, held under its size."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.history import read_history
from scai_cli.report import ending, headline
from scai_cli.report.cells import read_marks
from scai_cli.report.comparison import comparison
from scai_cli.report.constitution import likeness, rules, time_line
from scai_cli.report.drawing import check_installed
from scai_cli.report.excerpts import Excerpts, read_excerpts
from scai_cli.report.figures import Figures
from scai_cli.report.html import Child, Html, inline, tag, together
from scai_cli.report.numbers import listed
from scai_cli.report.people import panels_of, people, who_rated_whom
from scai_cli.report.plane import plane
from scai_cli.report.transcripts import transcripts

LIMIT: Final = 1_500_000
"""Bytes of a page."""
MOST_WHOLE: Final = 10
"""More runs than these are told in short, side by side."""
_ROOM: Final = (700_000, 350_000, 120_000, 40_000, 0)
"""Bytes for the transcripts of all runs together, less and less until the page is under its limit."""


@dataclass
class Run:
    """One run on the page; `prefix` keeps its anchors apart from the others'."""

    figures: Figures
    excerpts: Excerpts
    prefix: str
    level: int
    """Of its sections' headings."""

    def sections(self, room: int, brief: bool) -> Iterator[tuple[str, str, Html]]:
        """Anchor, title and content of each section; a brief run has neither charts nor transcripts."""
        figures, history = self.figures, self.figures.history
        if history.started is not None:
            yield "message", "Would you paste this?", self._message
        if brief:
            more = tag("code", f"scai report {history.run_id}")
            yield "more", "The rest", tag("p", "There is no room for it beside so many runs: ", more)
            return
        yield from self._measured
        if history.started is not None:
            texts = transcripts(figures, self.excerpts, self.prefix, room)
            yield "constitution", "How the constitution came to be", together(time_line(figures, texts), self._likeness)
            yield "transcripts", "Transcripts", texts.html
        yield "problems", "Problems", self._ending[0]
        yield "again", "How to reproduce", self._ending[1]

    @cached_property
    def opening(self) -> Html:
        """The answer in words and in numbers."""
        return together(headline.answer(self.figures), headline.cards(self.figures))

    @cached_property
    def _message(self) -> Html:
        constitution, _ = self.figures.history.product
        return together(
            headline.message(self.figures), tag("h3", "Its rules"), rules(self.figures, constitution, self.prefix)
        )

    @cached_property
    def _measured(self) -> list[tuple[str, str, Html]]:
        figures = self.figures
        if not figures.history.measured:
            return []
        versions = [f"v{point.version}" for point in figures.points.points]
        found = [
            ("people", "Who gained, who paid", together(people(figures))),
            ("welfare", "Welfare", tag("div", panels_of(figures), class_="panels")),
            (
                "trade-off",
                "The trade-off, version by version",
                together(plane(figures.points, versions, in_order=True)),
            ),
            ("ratings", "Who rated whom", together(who_rated_whom(figures))),
        ]
        if figures.history.proof is not None:
            found.insert(1, ("holdout", "For people and tasks it has not seen", together(headline.held_out(figures))))
        return found

    @cached_property
    def _likeness(self) -> Html:
        return together(likeness(self.figures))

    @cached_property
    def _ending(self) -> tuple[Html, Html]:
        return together(ending.problems(self.figures)), together(ending.reproduce(self.figures))


def make_page(paths: Sequence[Path]) -> str:
    """The page about some runs, the same bytes for the same runs.

    Raises RunError for a damaged line, for runs that are too many for a page, and where the extra is not installed.
    """
    check_installed()
    runs = []
    for n, path in enumerate(dict.fromkeys(paths), 1):
        history, marks = read_history(path, messages=False, ratings=False), read_marks(path)
        runs.append(Run(Figures(history, marks), read_excerpts(history, marks), f"r{n}/", 2 if len(paths) == 1 else 3))
    for room in _ROOM if len(runs) <= MOST_WHOLE else ():
        page = _page(runs, room // len(runs), brief=False)
        if len(page.encode()) < LIMIT:
            return page
    page = _page(runs, 0, brief=True)
    if len(page.encode()) >= LIMIT:
        raise RunError(f"{len(runs)} runs do not fit into one page of {LIMIT / 1e6:g} MB; report fewer at once")
    return page


def _page(runs: Sequence[Run], room: int, *, brief: bool) -> str:
    single = len(runs) == 1
    body = _alone(runs[0], room) if single else _several(runs, room, brief)
    title = runs[0].figures.history.run_id if single else f"{len(runs)} runs"
    code = _file("script.js")
    return (
        "<!doctype html>\n"
        + tag(
            "html",
            tag(
                "head",
                tag("meta", charset="utf-8"),
                tag("meta", http_equiv="Content-Security-Policy", content=_policy(code)),
                tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
                tag("meta", name="generator", content="scai report"),
                tag("link", rel="icon", href="data:,"),
                tag("title", f"{title} · scai report"),
                inline("style", _file("style.css")),
            ),
            tag(
                "body",
                tag("a", "To the answer", href="#main", class_="skip"),
                tag("main", body, tag("footer", _FOOTER), id="main"),
                tag("div", id="tip", role="status", hidden=True),
                inline("script", code),
            ),
            lang="en",
        ).text
        + "\n"
    )


_FOOTER: Final = (
    "Made by scai report. Everything is in this file; it asks for nothing from the network. "
    "What models said is shown as text."
)


def _alone(run: Run, room: int) -> Html:
    sections = list(run.sections(room, brief=False))
    return together(
        tag(
            "header",
            tag("p", "scai report", class_="top-line"),
            tag("h1", *_name(run)),
            tag("p", headline.subtitle(run.figures), class_="note"),
            id=f"{run.prefix}top",
        ),
        run.opening,
        _nav([(run.prefix + anchor, title) for anchor, title, _ in sections]),
        _drawn(run, sections),
    )


def _several(runs: Sequence[Run], room: int, brief: bool) -> Html:
    names = listed([run.figures.history.run_id for run in runs], 8)
    links = [(f"{run.prefix}top", run.figures.history.run_id) for run in runs]
    return together(
        tag(
            "header",
            tag("p", "scai report", class_="top-line"),
            tag("h1", f"{len(runs)} runs compared"),
            tag("p", names, class_="note"),
        ),
        _nav(links),
        tag(
            "section",
            tag("h2", "Side by side"),
            comparison([r.figures for r in runs], [r.prefix for r in runs]),
            id="comparison",
        ),
        (
            tag(
                "article",
                tag("h2", *_name(run)),
                tag("p", headline.subtitle(run.figures), class_="note"),
                run.opening,
                _drawn(run, list(run.sections(room, brief))),
                id=f"{run.prefix}top",
            )
            for run in runs
        ),
    )


def _name(run: Run) -> tuple[Child, ...]:
    status = run.figures.history.status
    return (run.figures.history.run_id, " ", tag("span", status, class_=f"status {status}"))


def _nav(links: Sequence[tuple[str, str]]) -> Html:
    items = (tag("li", tag("a", words, href=f"#{anchor}")) for anchor, words in links)
    return tag("nav", tag("ul", items), aria_label="On this page")


def _drawn(run: Run, sections: Sequence[tuple[str, str, Html]]) -> Html:
    return together(
        tag("section", tag(f"h{run.level}", title), content, id=run.prefix + anchor)
        for anchor, title, content in sections
    )


def _file(name: str) -> str:
    return resources.files("scai_cli.report").joinpath(name).read_text(encoding="utf-8")


def _policy(code: str) -> str:
    """Nothing is fetched and no script runs but ours, whatever else the page may hold."""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
