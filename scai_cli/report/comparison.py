"""Several runs side by side, at the top of their page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scai_cli.front import Front
from scai_cli.report.constitution import likeness_table
from scai_cli.report.figures import Figures
from scai_cli.report.html import Child, Html, cut, tag
from scai_cli.report.numbers import change, number, with_interval
from scai_cli.report.plane import plane
from scai_cli.report.tables import table
from scai_cli.similarity import rules_text

MOST_RUNS = 60
MOST_DIFFERENCES = 40


def comparison(runs: Sequence[Figures], prefixes: Sequence[str]) -> Iterator[Html]:
    """The runs as a table, on the trade-off plane, in what sets their experiments apart, and in their constitutions."""
    yield table(_HEADS, (_row(run, prefix) for run, prefix in zip(runs[:MOST_RUNS], prefixes, strict=False)))
    yield tag(
        "p",
        "Change: the last epoch against the first, with a 95 % interval over the people and tasks of both.",
        class_="note",
    )
    yield tag("h3", "Mean against worst-off")
    measured = [(run.history.run_id, run.point) for run in runs if run.point is not None]
    if len({_measured_on(run) for run in runs if run.point is not None}) > 1:
        yield tag("p", "Take care: not all of these runs were measured on the same people and tasks.", class_="caution")
    yield from plane(Front([point for _, point in measured]), [name for name, _ in measured], in_order=False)
    yield tag("h3", "What sets the experiments apart")
    yield _differences(runs)
    made = [run for run in runs if run.history.started is not None][:MOST_RUNS]
    if len(made) > 1:
        yield tag("h3", "How alike the constitutions are")
        yield tag(
            "p",
            "Similarity of the last constitutions, from 0 (nothing in common) to 1 (the same words).",
            class_="note",
        )
        yield likeness_table([run.history.run_id for run in made], [rules_text(run.history.product[0]) for run in made])


_HEADS = (
    "Run",
    "status",
    "own rating",
    "change",
    "declared welfare",
    "worst-off",
    "Gini",
    "gained",
    "lost",
    "held out",
    "calls",
)


def _row(run: Figures, prefix: str) -> tuple[Html, list[Child]]:
    history, everybody = run.history, run.everybody
    values = history.measured[-1].values if history.measured else {}
    return tag("a", history.run_id, href=f"#{prefix}top"), [
        history.status,
        f"{number(everybody.first, 1)} → {number(everybody.last, 1)}",
        with_interval(run.satisfaction_gain.interval, 1) if run.satisfaction_gain else change(everybody.change, 1),
        f"{number(values.get(run.declared))} {run.declared}",
        number(values.get("rawlsian")),
        number(values.get("gini_coefficient")),
        len(run.gainers),
        len(run.losers),
        with_interval(history.proof.difference if history.proof else None),
        f"{history.outcome['calls']:,}" if "calls" in history.outcome else "–",
    ]


def _measured_on(run: Figures) -> tuple[object, ...]:
    """On whom and what the run's point was measured."""
    history = run.history
    if history.finished is not None and history.proof is not None:
        return frozenset(history.proof.personas), frozenset(history.proof.tasks), True
    last = run.played[-1]
    return frozenset(last.personas), frozenset(last.tasks), False


def _differences(runs: Sequence[Figures]) -> Html:
    flat = [_flat(run.history.config.model_dump(mode="json", by_alias=True)) for run in runs[:MOST_RUNS]]
    keys = [key for key in dict.fromkeys(key for one in flat for key in one) if len({one.get(key) for one in flat}) > 1]
    if not keys:
        return tag("p", "Nothing: their experiments are the same.")
    rows = [(key, [cut(one.get(key, "–"), 80) for one in flat]) for key in keys[:MOST_DIFFERENCES]]
    more = len(keys) - MOST_DIFFERENCES
    note = tag("p", f"and {more} more keys", class_="note") if more > 0 else None
    return tag("div", table(("Key", *(run.history.run_id for run in runs[:MOST_RUNS])), rows, words=True), note)


def _flat(value: object, key: str = "") -> dict[str, str]:
    """Dotted key -> value; personas and tasks by their ids alone."""
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for name, inner in value.items():
            found |= _flat(inner, f"{key}.{name}" if key else str(name))
        return found
    if isinstance(value, list) and value and all(isinstance(item, dict) and "id" in item for item in value):
        return {key: ", ".join(str(item["id"]) for item in value)}
    if isinstance(value, list):
        return {key: ", ".join(map(str, value)) or "none"}
    return {key: str(value)}
