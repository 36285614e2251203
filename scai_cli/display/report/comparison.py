"""Several runs side by side, at the top of a page about several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scai_cli.analysis.comparison import Comparison, compare_histories
from scai_cli.analysis.config_differences import Differences, split_members
from scai_cli.analysis.pareto import ParetoFront
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Child, Html, cut, note, tag
from scai_cli.display.report.numbers import change, number, with_interval
from scai_cli.display.report.tables import table
from scai_cli.display.report.trade_off import plane

MOST_RUNS = 60
MOST_DIFFERENCES = 40


def comparison(runs: Sequence[Figures], prefixes: Sequence[str]) -> Iterator[Html]:
    """Yield the runs as a table and on the trade-off plane, and the settings that differ."""
    runs = runs[:MOST_RUNS]
    compared = compare_histories([run.history for run in runs])
    names = list(compared.runs)
    against = [_against(compared, name) for name in names]
    yield table(_HEADS, (_row(*row) for row in zip(runs, prefixes, against, strict=False)))
    yield note(_NOTE.format(first=names[0]))
    yield tag("h3", "Mean against worst-off")
    measured = [(name, run.point) for name, run in zip(names, runs, strict=True) if run.point is not None]
    if len({_measured_on(run) for run in runs if run.point is not None}) > 1:
        yield tag("p", "Take care: not all of these runs were measured on the same people and tasks.", class_="caution")
    yield from plane(ParetoFront([point for _, point in measured]), [name for name, _ in measured], in_order=False)
    yield tag("h3", "What sets the experiments apart")
    yield _differences(compared.differences, names)


_HEADS = (
    *("Run", "status", "own rating", "change", "declared welfare", "against the first"),
    *("worst-off", "Gini", "gained, lost", "held out"),
)
_NOTE = (
    "With 95 % intervals. Change: the last epoch against the first. Against the first: the first run's declared "
    "welfare in this run minus that in {first}, over the people and tasks that both were played with. Held out: the "
    "last constitution against the first one."
)


def _row(run: Figures, prefix: str, against: str) -> tuple[Html, list[Child]]:
    history, mean = run.history, run.mean_trend
    values = history.measured[-1].values if history.measured else {}
    return tag("a", history.run_id, href=f"#{prefix}top"), [
        history.status,
        f"{number(mean.first, 1)} → {number(mean.last, 1)}",
        with_interval(run.satisfaction_gain.interval, 1) if run.satisfaction_gain else change(mean.change, 1),
        f"{number(values.get(run.declared))} {run.declared}",
        against,
        number(values.get("rawlsian")),
        number(values.get("gini_coefficient")),
        f"{len(run.gainers)}, {len(run.losers)}",
        with_interval(history.holdout.difference if history.holdout else None),
    ]


def _against(compared: Comparison, name: str) -> str:
    """Return the first run's declared welfare in a run, minus that in the first."""
    if name == compared.first:
        return ""
    by_function = compared.paired[name]
    return with_interval(next(iter(by_function.values())).interval) if by_function else "nobody in common"


def _measured_on(run: Figures) -> tuple[object, ...]:
    """Return the people and tasks that the run's point was measured on."""
    history = run.history
    if history.finished is not None and history.holdout is not None:
        return frozenset(history.holdout.personas), frozenset(history.holdout.tasks), True
    last = run.played[-1]
    return frozenset(last.personas), frozenset(last.tasks), False


def _differences(differences: Differences, runs: Sequence[str]) -> Html:
    """Return the settings that differ, and in a row each the personas and tasks that not all runs have."""
    settings, members = split_members(differences)
    rows = [(key, [_text(values[run]) for run in runs]) for key, values in settings.items()]
    for kind, runs_of in members.items():
        rows.append((kind, [", ".join(m for m, having in runs_of.items() if run in having) or "–" for run in runs]))
    if not rows:
        return tag("p", "Nothing: their experiments are the same.")
    cells = [(key, [cut(text, 120) for text in texts]) for key, texts in rows[:MOST_DIFFERENCES]]
    more = len(rows) - MOST_DIFFERENCES
    return tag(
        "div",
        note("Personas and tasks: those that not all runs have.") if members else None,
        table(("Key", *runs), cells, words=True),
        note(f"and {more} more keys: ", tag("code", "scai compare")) if more > 0 else None,
    )


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "–" if value is None else str(value)
