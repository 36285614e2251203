"""Several runs side by side, at the top of a page about several."""

from collections.abc import Iterator, Sequence

from scai_cli.analysis.comparison import Comparison, compare_histories
from scai_cli.analysis.config_differences import Differences, split_members
from scai_cli.analysis.holdout import holdout_change
from scai_cli.analysis.pareto import ParetoFront
from scai_cli.analysis.verdicts import change_words
from scai_cli.display.numbers import listed, number
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Child, Html, cut, note, tag
from scai_cli.display.report.tables import table
from scai_cli.display.report.trade_off import plane

MOST_RUNS = 60
MOST_DIFFERENCES = 40


def comparison(runs: Sequence[Figures], prefixes: Sequence[str]) -> Iterator[Html]:
    """Yield the runs as a table and on the trade-off plane, and the settings that differ."""
    runs = runs[:MOST_RUNS]
    compared = compare_histories([(run.history, run.headline) for run in runs])
    names = list(compared.runs)
    against = [_against(compared, name) for name in names]
    yield tag("div", tag("p", compared.sentence, class_="lead"), class_="answer")
    people = dict.fromkeys(run.headline.participants for run in runs if run.headline)
    yield note(f"Ratings by {listed(list(people), 10)}." if people else "No run has ratings yet.")
    rows = (_row(*row) for row in zip(runs, prefixes, against, strict=False))
    yield tag("div", table(TEXTS["comparison"], rows, words=True), class_="numbers")
    yield note(TEXTS["differences"].format(first=names[0]))
    yield tag("h3", "Mean and worst-off person")
    measured = [(name, run.point) for name, run in zip(names, runs, strict=True) if run.point is not None]
    if len({_measured_on(run) for run in runs if run.point is not None}) > 1:
        yield tag("p", TEXTS["different_people"], class_="caution")
    yield from plane(ParetoFront([point for _, point in measured]), [name for name, _ in measured])
    yield tag("h3", "Different settings")
    yield _differences(compared.differences, names)


def _row(run: Figures, prefix: str, against: str) -> tuple[Html, list[Child]]:
    history, found = run.history, run.headline
    link = tag("a", history.run_id, href=f"#{prefix}top")
    if found is None:
        return link, [history.status, *["–"] * (len(TEXTS["comparison"]) - 2)]
    own = found.satisfaction
    after = number(own.after, own.digits) if found.apart else "the same"
    at = f"version {found.compared.version}"
    return link, [
        history.status,
        f"{number(own.before, own.digits)} (version {found.start.version})",
        f"{after} ({at})",
        own.words,
        f"{number(found.welfare_by(run.declared)[1])} {run.declared} ({at})",
        against,
        f"{number(found.welfare_by('rawlsian')[1])} ({at})",
        f"{number(found.welfare_by('gini_coefficient')[1])} ({at})",
        moved.words(2) if (moved := holdout_change(history)) else "–",
    ]


def _against(compared: Comparison, name: str) -> str:
    """Return the first run's declared welfare in a run, minus that in the first."""
    if name == compared.first:
        return ""
    first = next(iter(compared.paired[name].values()), None)
    return "nobody in common" if first is None else change_words(first.interval, 2, "difference")


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
        return tag("p", "None: the experiments are the same.")
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
