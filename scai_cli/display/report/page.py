"""The page about a run, or several, kept under its size."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from scai_cli.display.numbers import listed
from scai_cli.display.report.answer import subtitle
from scai_cli.display.report.charts import undrawn_note
from scai_cli.display.report.comparison import SideBySide
from scai_cli.display.report.frame import badge, header, nav, page
from scai_cli.display.report.html import Child, Html, note, tag, together
from scai_cli.display.report.sections import BRIEF, Detail, Run, contents, drawn, read_run
from scai_cli.errors import RunError

LIMIT: Final = 1_500_000
"""The maximal bytes of a page."""
MOST_WHOLE: Final = 10
"""The maximal number of runs shown in full; more are shown in brief, side by side."""
_ROOM: Final = (700_000, 350_000, 120_000, 40_000, 0)
"""Bytes for the transcripts of all runs together, tried in turn until the page is under its limit."""


def make_page(paths: Sequence[Path]) -> str:
    """Return the page about some runs, the same bytes for the same runs.

    Raises RunError for a damaged line, and for too many runs for a page.
    """
    paths = list(dict.fromkeys(paths))
    runs = [read_run(path, f"r{n}/") for n, path in enumerate(paths, 1)]
    title = paths[0].name if len(runs) == 1 else f"{len(runs)} runs"
    links = [f"#{run.prefix}top" for run in runs]
    side_by_side = SideBySide([run.figures for run in runs], links) if len(runs) > 1 else None
    for detail in _details(len(runs)):
        body = _alone(runs[0], detail) if side_by_side is None else _several(runs, side_by_side, detail)
        whole = page(title, body)
        if len(whole.encode()) < LIMIT:
            return whole
    raise RunError(f"{len(runs)} runs do not fit into one page of {LIMIT / 1e6:g} MB; report fewer at once")


def _details(runs: int) -> Iterator[Detail]:
    """Yield the levels of detail to try, the most first."""
    if runs <= MOST_WHOLE:
        yield from (Detail(room // runs) for room in _ROOM)
    yield BRIEF


def _alone(run: Run, detail: Detail) -> Html:
    return together(
        header(tag("h1", *_name(run)), subtitle(run.figures), f"{run.prefix}top"),
        run.answer,
        undrawn_note(),
        contents([*run.opening(detail), *run.sections(detail)], run.prefix),
    )


def _several(runs: Sequence[Run], side_by_side: SideBySide, detail: Detail) -> Html:
    names = [run.figures.history.run_id for run in runs]
    sections = side_by_side.sections
    articles = (
        tag(
            "article",
            tag("h2", *_name(run)),
            note(subtitle(run.figures)),
            run.answer,
            drawn([*run.opening(detail), *run.sections(detail)], run.prefix, "h3"),
            id=f"{run.prefix}top",
        )
        for run in runs
    )
    places = [(section.anchor, section.title) for section in sections]
    return together(
        header(tag("h1", f"{len(runs)} runs compared"), listed(names, 8), "top"),
        side_by_side.answer,
        undrawn_note(),
        nav([*places, *((f"{run.prefix}top", f"All about {name}") for run, name in zip(runs, names, strict=True))]),
        drawn(sections),
        articles,
    )


def _name(run: Run) -> tuple[Child, ...]:
    status = run.figures.history.status
    badges = (badge(status), " ", tag("span", run.figures.whose, class_="status"))
    return (run.figures.history.run_id, " ", *badges)
