"""Runs side by side, as the report has them, each with a link to its own page."""

from __future__ import annotations

from scai_cli.display.numbers import listed
from scai_cli.display.report.comparison import SideBySide
from scai_cli.display.report.html import tag, together
from scai_cli.display.report.sections import contents
from scai_cli.display.web.frame import ALL, HOME, View, heading, of, pace
from scai_cli.display.web.library import MOST_RUNS, Asked, Library
from scai_cli.display.web.runs import is_running


def comparison_page(library: Library, asked: Asked) -> View:
    """Return the page about the runs that the query names; it says how to choose some if they are fewer than two."""
    names = asked.names
    if not 1 < len(names) <= MOST_RUNS:
        how = f"Tick two to {MOST_RUNS} runs in the list: "
        return View("Comparison", heading("Runs compared"), tag("p", how, tag("a", ALL, href=HOME)))
    runs = [library.run(name) for name in names]
    compared = SideBySide([run.figures for run in runs], [of(name) for name in names])
    content = together(compared.answer, contents(compared.sections))
    head = heading(f"{len(names)} runs compared", below=listed(list(names), 8))
    return View("Comparison", head, content, every=pace(any(map(is_running, runs))))
