"""Runs side by side: what each found, how they differ, and everyone's ratings under each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scai_cli.display.numbers import number
from scai_cli.display.report.comparison import comparison
from scai_cli.display.report.html import Html, note, tag, together
from scai_cli.display.report.sections import Run
from scai_cli.display.report.tables import MOST_ROWS, table
from scai_cli.display.web.frame import ALL, HOME, View, badge, heading, of
from scai_cli.display.web.library import Asked, Library
from scai_cli.display.web.runs import pace

MOST_RUNS: Final = 8
"""The maximal number of runs on the page."""


def comparison_page(library: Library, asked: Asked) -> View:
    """Return the page about the runs that the query names; it says how to choose some if they are fewer than two."""
    names = list(dict.fromkeys(asked.names))
    head = heading("Runs compared", below=f"{len(names)} runs" if len(names) > 1 else None)
    if not 1 < len(names) <= MOST_RUNS:
        how = f"Choose two to {MOST_RUNS} runs by their boxes in the list: "
        return View("Comparison", head, tag("p", how, tag("a", ALL, href=HOME)))
    runs = [library.run(name) for name in names]
    content = together(
        tag("section", comparison([run.figures for run in runs], [_place(n) for n in range(len(runs))])),
        tag("section", tag("h2", "Person by person"), _people(runs)),
        tag("section", tag("h2", "What each run found"), (_found(run, n) for n, run in enumerate(runs))),
    )
    return View("Comparison", head, content, every=min(map(pace, runs)))


def _place(n: int) -> str:
    return f"run-{n + 1}-"


def _found(run: Run, n: int) -> Html:
    history = run.figures.history
    name = tag("a", history.run_id, href=of(history.run_id))
    return tag("div", tag("h3", name, " ", badge(history.status)), run.answer, id=f"{_place(n)}top")


def _people(runs: Sequence[Run]) -> Html:
    """Return everyone's mean own ratings at the start and under the product of each run."""
    people = list(dict.fromkeys(person for run in runs for person in run.figures.history.names))
    names = {person: name for run in reversed(runs) for person, name in run.figures.history.names.items()}
    rows = ((names[person], [_change(run, person) for run in runs]) for person in people[:MOST_ROWS])
    more = len(people) - MOST_ROWS
    return together(
        note("Mean own ratings at the start and with the product, each on the scale of its run."),
        table(("Person", *(run.figures.history.run_id for run in runs)), rows, words=True),
        note(f"and {more:,} more people") if more > 0 else None,
    )


def _change(run: Run, person: str) -> str:
    found = run.figures.headline
    mean = found.people.get(person) if found else None
    if found is None or mean is None:
        return "–"
    before, after = number(mean.before, 1), number(mean.after, 1)
    return f"{before} to {after}" if found.apart else f"{before}, no new version"
