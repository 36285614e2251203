"""What went wrong in a run, and how to make it again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, tag
from scai_cli.display.report.numbers import counted, listed
from scai_cli.runs.run_directory import CONFIG, EVENTS

MOST_PROBLEMS = 20
MOST_CONFIG = 30_000


def problems(run: Figures) -> Iterator[Html]:
    """Failed calls, missing ratings, and why the run ended early."""
    history = run.history
    found = [problem for epoch in history.epochs for problem in epoch.problems]
    if not found and not run.missing and history.status == "finished":
        yield tag("p", "None: no call failed and no rating is missing.")
        return
    yield tag(
        "p",
        f"{counted(len(found), 'call')} failed, {counted(run.missing, 'rating is', 'ratings are')} missing; "
        "a missing rating is never filled in.",
    )
    reason = history.outcome.get("reason")
    if reason and history.status != "finished":
        yield tag("p", f"The last session ended so: {cut(str(reason), 1000)}")
    if found:
        yield tag(
            "ul",
            (tag("li", tag("code", p.where), " ", cut(p.problem, 400)) for p in found[:MOST_PROBLEMS]),
            class_="problems",
        )
    if len(found) > MOST_PROBLEMS:
        yield tag(
            "p",
            f"and {len(found) - MOST_PROBLEMS:,} more: ",
            tag("code", f"scai show {history.run_id} --json"),
            class_="note",
        )


def reproduce(run: Figures) -> Iterator[Html]:
    """The commands, the versions, the seed and the experiment in full."""
    history = run.history
    started = history.started
    facts = [
        ("Run", history.run_id),
        ("scai", started.scai if started else "–"),
        ("Seed", str(started.seed) if started else "–"),
        ("Models", listed([f"{role} {model}" for role, model in started.models.items()], 6) if started else "–"),
        ("Began", history.started_at or "–"),
        ("events.jsonl, SHA-256", digest(history.path / EVENTS)),
        ("config.yaml, SHA-256", digest(history.path / CONFIG)),
    ]
    simulated = started is not None and set(started.models.values()) == {"simulated"}
    same = (
        "The simulated model gives the same run, word for word."
        if simulated
        else ("Real models do not answer alike twice; what they said is in calls.jsonl, and scai resume replays it.")
    )
    yield tag("p", same)
    folder = f"runs/{history.run_id}"
    yield tag(
        "pre",
        f"scai run {folder}/config.yaml --run-id {history.run_id}-again\nscai report {history.run_id}",
        tabindex=0,
    )
    yield tag("dl", ((tag("dt", name), tag("dd", cut(value, 300))) for name, value in facts), class_="facts")
    config = (history.path / CONFIG).read_text(encoding="utf-8", errors="replace")
    note = (
        f"The first {MOST_CONFIG:,} of {len(config):,} characters; the whole is in {folder}/config.yaml."
        if len(config) > MOST_CONFIG
        else None
    )
    yield tag(
        "details",
        tag("summary", "The experiment: config.yaml"),
        tag("pre", config[:MOST_CONFIG], tabindex=0),
        tag("p", note, class_="note") if note else None,
    )


def digest(path: Path) -> str:
    """SHA-256 of a file; `–` where there is none."""
    if not path.exists():
        return "–"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
