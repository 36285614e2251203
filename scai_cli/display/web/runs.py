"""The pages of one run: what it found first, and its other sections, which a script adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scai_cli.display.report.answer import subtitle
from scai_cli.display.report.html import Html, tag, together
from scai_cli.display.report.sections import Detail, Run, contents, drawn
from scai_cli.display.web.frame import View, heading, of, pace, tabs
from scai_cli.display.web.library import Asked, Library

PAGES: Final = (("", "Overview"), ("transcripts", "Transcripts"), ("calls", "Model calls"))
"""The pages of a run."""
_WHOLE: Final = Detail(0)


@dataclass(frozen=True, slots=True)
class ToTranscripts:
    """Links from the evidence of rules to the messages on the pages of transcripts."""

    run: str
    prefix: str = ""

    def link(self, piece: str, words: str) -> Html:
        """Return a link to a message or a rating, or its id alone if it names none."""
        epoch, persona, task, message, *_ = [*piece.split("/"), *[""] * 4]
        if not message or not epoch.removeprefix("e").isdecimal():
            return tag("code", words, title=piece)
        where = {"epoch": epoch.removeprefix("e"), "persona": persona, "task": task}
        anchor = f"{epoch}/{persona}/{task}/{message}"
        return tag("a", words, href=of(self.run, "transcripts", anchor=anchor, **where), title=piece)


def run_page(library: Library, asked: Asked) -> View:
    """Return what a run found: its answer, constitution and numbers."""
    run = library.run(asked.name)
    content = together(
        run.answer,
        drawn(run.opening(_WHOLE)),
        tag(
            "section",
            tag("p", tag("a", "People, charts, revisions and problems", href=of(asked.name, "details"))),
            data_part=of(asked.name, "details"),
        ),
    )
    return View(asked.name, run_heading(run, ""), content, every=pace(is_running(run)))


def details_page(library: Library, asked: Asked) -> View:
    """Return the sections of a run that take longer: charts, people, revisions, problems."""
    run = library.run(asked.name)
    content = library.drawn("details", asked.name, lambda: contents(list(run.whole(ToTranscripts(asked.name)))))
    return View("Details", run_heading(run, "details"), content, [(asked.name, of(asked.name))], pace(is_running(run)))


def run_heading(run: Run, here: str) -> Html:
    """Return the heading of a run's pages."""
    history = run.figures.history
    return together(heading(history.run_id, history.status, subtitle(run.figures)), tabs(history.run_id, here, PAGES))


def is_running(run: Run) -> bool:
    """Return whether a process works on a run."""
    return run.figures.history.status == "running"
