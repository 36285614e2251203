"""The headline numbers, the system message to paste, and the holdout comparison."""

from __future__ import annotations

from collections.abc import Iterator

from scai_cli.analysis.paired import PairedDifference
from scai_cli.display.report.answer import holdout_answer
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, note, tag
from scai_cli.display.report.numbers import change, counted, listed, number, with_interval
from scai_cli.display.report.tables import table
from scai_cli.simulation.prompts import Prompts

MOST_CHARACTERS = 40_000
MOST_HELD_OUT = 60


def cards(run: Figures) -> Html | None:
    """Return the headline numbers with their intervals, None before an epoch has ended."""
    if not run.history.measured:
        return None
    first, last = (run.history.measured[end].values for end in (0, -1))
    declared, compared = run.declared, run.history.holdout

    def card(title: str, name: str, below: str) -> Html:
        return _card(title, number(first.get(name)), number(last.get(name)), below)

    satisfied = number(run.mean_trend.first, 1), number(run.mean_trend.last, 1)
    shown = [
        _card(run.metrics["own"].capitalize(), *satisfied, _gain(run, run.satisfaction_gain, 1)),
        card(f"Welfare, {declared}", declared, _gain(run, run.welfare_gain, 2)),
        card("Worst-off person", "rawlsian", "utility, 0 to 1"),
        card("Inequality (Gini)", "gini_coefficient", "lower is more equal"),
    ]
    if compared is not None:
        values = number(compared.first_values.get(declared)), number(compared.last_values.get(declared))
        shown.append(_card("Held out", *values, with_interval(compared.difference)))
    return tag("div", tag("div", shown, class_="cards"), note(_INTERVALS) if len(run.played) > 1 else None)


_INTERVALS = (
    "First and last epoch. Intervals are at 95 %: a two-way cluster bootstrap of the paired difference over the people "
    "and tasks of both. With few of them they are too narrow, and only “held out” tells of people or tasks that the "
    "rules were not made with."
)


def _card(title: str, first: str, last: str, below: str) -> Html:
    before = (tag("span", first, class_="from"), " → ") if first != last else None
    return tag(
        "div",
        tag("span", title, class_="title"),
        tag("span", before, tag("b", last), class_="value"),
        tag("span", below, class_="below"),
        class_="card",
    )


def _gain(run: Figures, gain: PairedDifference | None, digits: int) -> str:
    if len(run.played) < 2:
        return "after one epoch"
    return with_interval(gain.interval, digits) if gain is not None else "nobody and nothing in common"


def message(run: Figures) -> Iterator[Html]:
    """Yield the system message, to be copied: as it is and, if it names people, also without them."""
    history = run.history
    constitution, text = history.product
    principles, clauses = len(constitution.principles), len(constitution.contract)
    parts = [counted(principles, "principle")] if principles else []
    parts += [f"{counted(clauses, 'clause')} for some people only"] if clauses else []
    summary = f"Version {constitution.version}: {listed(parts) or 'no rules'}, {len(text):,} characters."
    yield note(summary)
    yield _copyable(run, text)
    if clauses and principles:
        config = history.config
        prompts = Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)
        alone = prompts.system_message(constitution.model_copy(update={"contract": ()}))
        words = tag("summary", "Without the clauses, for anybody")
        yield tag("details", words, _copyable(run, alone))
    elif clauses:
        yield note("It names people, and holds no principle for everybody yet.")


def _copyable(run: Figures, text: str) -> Html:
    """Return a text with a button that copies it, or the beginning of a long one with the command for all of it."""
    pre = tag("pre", cut(text, MOST_CHARACTERS), tabindex=0)
    if len(text) > MOST_CHARACTERS:
        rest = tag("code", f"scai export {run.history.run_id} --format system")
        return tag("div", pre, note("It is longer than this: ", rest))
    return tag("div", tag("button", "Copy", type="button", class_="copy", data_copied="Copied"), pre, class_="copyable")


def holdout(run: Figures) -> Iterator[Html]:
    """Yield the held-out people's utilities under the first and the last constitution."""
    compared = run.history.holdout
    if compared is None:
        return
    heads = ("Person", f"version {compared.first_version}", f"version {compared.last_version}", "change")
    rows = []
    for person in compared.personas[:MOST_HELD_OUT]:
        first, last = compared.first.get(person), compared.last.get(person)
        moved = None if first is None or last is None else last - first
        rows.append((run.name(person), [number(first), number(last), change(moved)]))
    left_out = len(compared.personas) - MOST_HELD_OUT
    missing = f" {counted(compared.missing, 'rating is', 'ratings are')} missing." if compared.missing else ""
    more = f" {left_out} more people: scai show {run.history.run_id} --json." if left_out > 0 else ""
    yield tag("p", holdout_answer(run), missing, more)
    yield note(f"Utility from 0 to 1, mean over {counted(len(compared.tasks), 'task')}.")
    yield table(heads, rows)
