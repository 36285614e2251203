"""The problems of a run, and how to reproduce it."""

import shlex
from collections.abc import Iterator

from scai_cli.display.numbers import listed
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Html, cut, note, scai_command, tag
from scai_cli.display.report.tables import table
from scai_cli.runs.file_names import CONFIG
from scai_cli.runs.find import log_of
from scai_cli.runs.history.answers import AnswerCounts
from scai_cli.runs.jsonl import sha256
from scai_cli.text.counts import counted

MOST_PROBLEMS = 20
MOST_CONFIG = 30_000


def problems(run: Figures) -> Iterator[Html]:
    """Yield the answers with marks, failed calls, missing ratings, and the reason for an early end."""
    history = run.history
    yield from _marked(history.answers)
    failed = [problem for epoch in history.epochs for problem in epoch.problems]
    if not failed and not run.missing and history.status == "finished":
        yield tag("p", "No call failed and no rating is missing.")
        return
    yield tag(
        "p",
        f"{counted(len(failed), 'call')} failed, {counted(run.missing, 'rating is', 'ratings are')} missing; "
        "a missing rating is never filled in.",
    )
    reason = history.outcome.get("reason")
    if reason and history.status != "finished":
        yield tag("p", f"The last session ended so: {cut(str(reason), 1000)}")
    if failed:
        yield tag(
            "ul",
            (tag("li", tag("code", p.where), " ", cut(p.problem, 400)) for p in failed[:MOST_PROBLEMS]),
            class_="problems",
        )
    if len(failed) > MOST_PROBLEMS:
        yield note(f"and {len(failed) - MOST_PROBLEMS:,} more: ", scai_command("show", history.run_id, "--json"))


def _marked(counts: AnswerCounts) -> Iterator[Html]:
    """Yield a table of the answers that are not plain: a row for each mark, a column for each role."""
    roles = counts.roles.values()
    if marks := sorted({mark for found in roles for mark in found} - {"answers"}):
        rows = ((mark.replace("_", " "), [f"{found[mark]:,}" for found in roles]) for mark in ("answers", *marks))
        yield table(["Number of", *counts.roles], rows)


def reproduce(run: Figures) -> Iterator[Html]:
    """Yield the commands, the versions, the seed and the experiment in full."""
    history = run.history
    started, log = history.started, log_of(history.path)
    facts = [
        ("Run", history.run_id),
        ("scai", started.scai if started else "–"),
        ("Seed", str(started.seed) if started else "–"),
        ("Models", listed([f"{role} {model}" for role, model in started.models.items()], 6) if started else "–"),
        ("Began", history.started_at or "–"),
        (f"{log.name}, SHA-256", sha256(log) or "–"),
        ("config.yaml, SHA-256", sha256(history.path / CONFIG) or "–"),
    ]
    simulated = started is not None and set(started.models.values()) == {"simulated"}
    yield tag("p", TEXTS["same_again" if simulated else "not_again"])
    folder = f"runs/{history.run_id}"
    again = ("scai", "run", f"{folder}/config.yaml", "--run-id", f"{history.run_id}-again")
    yield tag(
        "pre",
        f"{shlex.join(again)}\n{shlex.join(('scai', 'report', history.run_id))}",
        tabindex=0,
    )
    yield tag("dl", ((tag("dt", name), tag("dd", cut(value, 300))) for name, value in facts), class_="facts")
    config = (history.path / CONFIG).read_text(encoding="utf-8", errors="replace")
    rest = f"The first {MOST_CONFIG:,} of {len(config):,} characters; the whole is in {folder}/config.yaml."
    yield tag(
        "details",
        tag("summary", "The experiment: config.yaml"),
        tag("pre", config[:MOST_CONFIG], tabindex=0),
        note(rest) if len(config) > MOST_CONFIG else None,
    )
