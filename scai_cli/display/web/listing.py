"""The list of all runs, sweeps, evaluations and generated sets of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scai_cli.display.report.html import Address, Child, Html, note, tag, together
from scai_cli.display.report.tables import table
from scai_cli.display.web.frame import ALL, LIVE_S, View, badge, heading, of
from scai_cli.display.web.library import Asked, Library
from scai_cli.runs.history.listings import list_entries, list_evaluations, list_generated, list_sweeps

MOST: Final = 500
"""The maximal number of rows of a table."""
Entry = Mapping[str, Any]


def listing(library: Library, asked: Asked) -> View:  # noqa: ARG001 - as every page
    """Return the page with all that is in the folder."""
    head = heading(ALL, below=["in ", tag("code", str(library.runs))])
    return View(ALL, head, together(*_sections(library)), every=LIVE_S)


def _sections(library: Library) -> Iterator[Html]:
    runs, others = list_entries(library.runs), [
        _section("Sweeps", list_sweeps(library.runs), ("cells", "axes"), _sweep),
        _section("Evaluations", list_evaluations(library.runs), ("answered items", "systems"), _evaluation),
        _section("Generated sets", list_generated(library.runs), ("rows", "from"), _generated),
    ]  # fmt: skip
    if not runs and not any(others):
        yield _nothing()
    if runs:
        heads = ("Run", "status", "epochs", "model", "started (UTC)")
        yield tag(
            "section",
            tag("h2", "Runs"),
            tag(
                "form",
                table(heads, map(_run, runs[:MOST]), words=True),
                _more(len(runs)),
                tag("button", "Compare the ticked runs", type="submit", class_="all") if len(runs) > 1 else None,
                action=Address.of("compare"),
                method="get",
                class_="list",
            ),
            note("* with reasons not to trust its numbers, on its page") if any(e["health"] for e in runs) else None,
        )
    yield from filter(None, others)


def _nothing() -> Html:
    return tag(
        "section",
        tag("p", "There are no runs here yet. Make one, and it appears here as soon as it has begun:"),
        tag("pre", "scai init demo\ncd demo\nscai run configs/quickstart.yaml", tabindex=0),
        note("If your runs are in another folder: ", tag("code", "scai view --runs-dir FOLDER")),
    )


def _run(entry: Entry) -> tuple[Child, Sequence[Child]]:
    name = entry["run_id"]
    box = tag("input", type="checkbox", name="run", value=name, aria_label=f"Compare {name}")
    progress = f"{entry['epochs_done']} of {entry['epochs'] or '?'}"
    status = together(badge(entry["status"]), "*" if entry["health"] else None)
    return together(box, " ", _link(name)), [status, progress, entry["model"] or "–", _when(entry["started"])]


def _sweep(entry: Entry) -> Sequence[Child]:
    return [f"{entry['finished']} of {entry['cells'] or '?'}", entry["axes"] or "–"]


def _evaluation(entry: Entry) -> Sequence[Child]:
    return [f"{entry['answered']:,}", entry["systems"] or "–"]


def _generated(entry: Entry) -> Sequence[Child]:
    return [f"{entry['rows']:,} of {entry['wanted'] or '?'}", entry["source"] or "–"]


def _section(title: str, entries: Sequence[Entry], heads: Sequence[str], cells: Any) -> Html | None:
    rows = (
        (_link(entry["run_id"]), [badge(entry["status"]), *cells(entry), _when(entry["started"])])
        for entry in entries[:MOST]
    )
    listed = table(("Name", "status", *heads, "started (UTC)"), rows, words=True)
    return tag("section", tag("h2", title), listed, _more(len(entries)), class_="list") if entries else None


def _more(count: int) -> Html | None:
    return note(f"and {count - MOST:,} older ones: ", tag("code", "scai list")) if count > MOST else None


def _link(name: str) -> Html:
    return tag("a", name, href=of(name))


def _when(started: str | None) -> str:
    return (started or "–")[:16].replace("T", " ")
