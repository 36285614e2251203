"""Several runs side by side, at the top of their page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scai_cli.front import Front
from scai_cli.report.constitution import likeness_table
from scai_cli.report.figures import Figures
from scai_cli.report.html import Child, Html, cut, tag
from scai_cli.report.numbers import change, number
from scai_cli.report.people import scrolled
from scai_cli.report.plane import plane
from scai_cli.similarity import rules_text

MOST_RUNS = 60
MOST_DIFFERENCES = 40


def comparison(runs: Sequence[Figures], prefixes: Sequence[str]) -> Iterator[Html]:
    """The runs as a table, on the trade-off plane, in what sets their experiments apart, and in their constitutions."""
    yield _table(runs, prefixes)
    yield tag("h3", "What fairness cost")
    measured = [(run.history.run_id, run.point) for run in runs if run.point is not None]
    yield from plane(Front([point for _, point in measured]), [name for name, _ in measured], in_order=False)
    yield tag("h3", "What sets the experiments apart")
    yield _differences(runs)
    made = [run for run in runs if run.history.started is not None][:MOST_RUNS]
    if len(made) > 1:
        yield tag("h3", "How alike the constitutions are")
        yield tag(
            "p",
            "Similarity of the last constitutions' texts, from 0 (nothing in common) to 1 (the same words).",
            class_="note",
        )
        yield likeness_table([run.history.run_id for run in made], [rules_text(run.history.product[0]) for run in made])


def _table(runs: Sequence[Figures], prefixes: Sequence[str]) -> Html:
    heads = (
        "Run",
        "status",
        "satisfaction",
        "change",
        "declared welfare",
        "worst-off",
        "Gini",
        "gained",
        "lost",
        "held out",
        "calls",
    )
    rows = (_row(run, prefix) for run, prefix in zip(runs[:MOST_RUNS], prefixes, strict=False))
    head = tag("thead", tag("tr", (tag("th", head, scope="col") for head in heads)))
    return scrolled(tag("table", head, tag("tbody", rows)))


def _row(run: Figures, prefix: str) -> Html:
    history, everybody = run.history, run.everybody
    values = history.measured[-1].values if history.measured else {}
    proof = history.proof.difference if history.proof else None
    cells: list[Child] = [
        history.status,
        f"{number(everybody.first, 1)} → {number(everybody.last, 1)}",
        change(everybody.change, 1),
        f"{number(values.get(run.declared))} {run.declared}",
        number(values.get("rawlsian")),
        number(values.get("gini_coefficient")),
        len(run.gainers),
        len(run.losers),
        change(proof.estimate if proof else None),
        f"{history.outcome['calls']:,}" if "calls" in history.outcome else "–",
    ]
    name = tag("a", history.run_id, href=f"#{prefix}top")
    return tag("tr", tag("th", name, scope="row"), (tag("td", cell) for cell in cells))


def _differences(runs: Sequence[Figures]) -> Html:
    flat = [_flat(run.history.config.model_dump(mode="json", by_alias=True)) for run in runs[:MOST_RUNS]]
    keys = [key for key in dict.fromkeys(key for one in flat for key in one) if len({one.get(key) for one in flat}) > 1]
    if not keys:
        return tag("p", "Nothing: their experiments are the same.")
    rows = (
        tag("tr", tag("th", key, scope="row"), (tag("td", cut(one.get(key, "–"), 80)) for one in flat))
        for key in keys[:MOST_DIFFERENCES]
    )
    head = tag(
        "thead",
        tag(
            "tr",
            tag("th", "Key", scope="col"),
            (tag("th", run.history.run_id, scope="col") for run in runs[:MOST_RUNS]),
        ),
    )
    more = len(keys) - MOST_DIFFERENCES
    note = tag("p", f"and {more} more keys", class_="note") if more > 0 else None
    return tag("div", scrolled(tag("table", head, tag("tbody", rows), class_="words")), note)


def _flat(value: object, key: str = "") -> dict[str, str]:
    """Dotted key -> value; personas and tasks by their ids alone."""
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for name, inner in value.items():
            found |= _flat(inner, f"{key}.{name}" if key else str(name))
        return found
    if isinstance(value, list) and value and all(isinstance(item, dict) and "id" in item for item in value):
        return {key: ", ".join(str(item["id"]) for item in value)}
    return {key: str(value)}
