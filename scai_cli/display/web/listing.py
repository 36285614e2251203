"""The list of all runs, sweeps, evaluations and generated sets of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scai_cli.display.numbers import change, number
from scai_cli.display.report.frame import badge
from scai_cli.display.report.html import Child, Html, cut, note, tag, together
from scai_cli.display.report.tables import table
from scai_cli.display.web.frame import ALL, View, compare_box, compare_form, heading, of, pace
from scai_cli.display.web.library import Asked, Library
from scai_cli.runs.history.listings import list_entries, list_evaluations, list_generated, list_sweeps

MOST: Final = 500
"""The maximal number of rows of a table."""
_HEADS: Final = ("Run", "status", "epochs", "mean rating", "held-out change", "cost", "model", "started (UTC)")
_EXPLAINED: Final = (
    "Mean rating: by each run's own people, real or simulated, of the last version. Held-out change: of people or "
    "tasks without a part in the rules; welfare from 0 to 1. The runs of a sweep are on its page."
)
Entry = Mapping[str, Any]


def listing(library: Library, asked: Asked) -> View:  # noqa: ARG001 - as every page
    """Return the page with all that is in the folder."""
    sweeps = list_sweeps(library.runs, library.remembered)
    cells = {cell for sweep in sweeps for cell in sweep["runs"]}
    runs, evaluations, generated = (
        list_entries(library.runs, cells, library.remembered),
        list_evaluations(library.runs, library.remembered),
        list_generated(library.runs, cells, library.remembered),
    )
    others = [
        _section("Sweeps", sweeps, ("finished cells", "axes"), _sweep),
        _section("Evaluations", evaluations, ("answered items", "systems"), _evaluation),
        _section("Generated sets", generated, ("rows", "from"), _generated),
    ]
    head = heading(ALL, below=["in ", tag("code", str(library.runs))])
    is_working = any(entry["status"] == "running" for entry in (*runs, *sweeps, *evaluations, *generated))
    return View(ALL, head, together(*_sections(runs, others)), every=pace(is_working))


def _sections(runs: Sequence[Entry], others: Sequence[Html | None]) -> Iterator[Html]:
    if not runs and not any(others):
        yield _nothing()
    if runs:
        listed = table(_HEADS, map(_run, runs[:MOST]), words=True, label="Runs")
        compared = compare_form(listed, _more(len(runs))) if len(runs) > 1 else listed
        doubtful = "* with reasons not to trust its numbers, on its page" if any(e["health"] for e in runs) else None
        yield tag("section", tag("h2", "Runs"), compared, note(_EXPLAINED), doubtful and note(doubtful), class_="list")
    yield from filter(None, others)


def _nothing() -> Html:
    return tag(
        "section",
        tag("p", "There are no runs here yet. Make one, and it appears here as soon as it has begun:"),
        tag("pre", "scai init demo\ncd demo\nscai run configs/quickstart.yaml", tabindex=0),
        note("If your runs are in another folder: ", tag("code", "scai view --runs-dir FOLDER")),
    )


def _run(entry: Entry) -> tuple[Child, Sequence[Child]]:
    name, scale, rated, gain, usd = (entry[key] for key in ("run_id", "scale", "satisfaction", "held_out_gain", "usd"))
    return together(compare_box(name), _link(name)), [
        together(badge(entry["status"]), "*" if entry["health"] else None),
        f"{entry['epochs_done']} of {entry['epochs'] or '?'}",
        "–" if rated is None or not scale else f"{number(rated, 1)} of {scale[1]:g}",
        change(gain["value"] if gain else None),
        "–" if usd is None else f"${usd:.4f}" if usd else "nothing",
        _text(entry["model"]),
        _when(entry["started"]),
    ]


def _sweep(entry: Entry) -> Sequence[Child]:
    return [f"{entry['finished']} of {entry['cells'] or '?'}", _text(entry["axes"])]


def _evaluation(entry: Entry) -> Sequence[Child]:
    return [f"{entry['answered']:,}", _text(entry["systems"])]


def _generated(entry: Entry) -> Sequence[Child]:
    wanted = f"{entry['wanted']:,}" if entry["wanted"] else "?"
    return [f"{entry['rows']:,} of {wanted}", _text(entry["source"])]


def _section(title: str, entries: Sequence[Entry], heads: Sequence[str], cells: Any) -> Html | None:
    rows = (
        (_link(entry["run_id"]), [badge(entry["status"]), *cells(entry), _when(entry["started"])])
        for entry in entries[:MOST]
    )
    listed = table(("Name", "status", *heads, "started (UTC)"), rows, words=True)
    return tag("section", tag("h2", title), listed, _more(len(entries)), class_="list") if entries else None


def _more(count: int) -> Html | None:
    return note(f"and {count - MOST:,} older ones: ", tag("code", "scai list")) if count > MOST else None


def _text(text: str | None) -> str:
    return cut(text or "–", 200)


def _link(name: str) -> Html:
    return tag("a", name, href=of(name))


def _when(started: str | None) -> str:
    return (started or "–")[:16].replace("T", " ")
