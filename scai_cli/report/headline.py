"""The headline numbers, the system message to paste, and the proof on what was held out."""

from __future__ import annotations

from collections.abc import Iterator

from scai_cli.compare.pairing import Paired
from scai_cli.constitution import Clause
from scai_cli.report.answer import told_of
from scai_cli.report.figures import Figures
from scai_cli.report.html import Child, Html, cut, tag
from scai_cli.report.numbers import change, counted, listed, number, with_interval
from scai_cli.report.tables import table

MOST_CHARACTERS = 40_000
MOST_HELD_OUT = 60


def cards(run: Figures) -> Html | None:
    """The headline numbers with their intervals."""
    if not run.history.measured:
        return None
    first, last = (run.history.measured[end].values for end in (0, -1))
    proof, declared = run.history.proof, run.declared

    def card(title: str, name: str, below: str) -> Html:
        return _card(title, number(first.get(name)), number(last.get(name)), below)

    satisfied = number(run.everybody.first, 1), number(run.everybody.last, 1)
    shown = [
        _card(run.metrics["own"].capitalize(), *satisfied, _gain(run, run.satisfaction_gain, 1)),
        card(f"Welfare, {declared}", declared, _gain(run, run.welfare_gain, 2)),
        card("Worst-off person", "rawlsian", "utility, 0 to 1"),
        card("Inequality (Gini)", "gini_coefficient", "lower is more equal"),
    ]
    if proof is not None:
        values = number(proof.first_values.get(declared)), number(proof.last_values.get(declared))
        shown.append(_card("Held out", *values, with_interval(proof.difference)))
    note = tag("p", _INTERVALS, class_="note") if len(run.played) > 1 else None
    return tag("div", tag("div", shown, class_="cards"), note)


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


def _gain(run: Figures, found: Paired | None, digits: int) -> str:
    if len(run.played) < 2:
        return "after one epoch"
    return with_interval(found.interval, digits) if found is not None else "nobody and nothing in common"


def message(run: Figures) -> Iterator[Html]:
    """The system message, to be copied."""
    constitution, text = run.history.product
    principles, clauses = len(constitution.principles), len(constitution.contract)
    whole = len(text) <= MOST_CHARACTERS
    parts = [counted(principles, "principle")] if principles else []
    parts += [f"{counted(clauses, 'clause')} for some people only"] if clauses else []
    said = f"Version {constitution.version}: {listed(parts) or 'no rules'}, {len(text):,} characters."
    yield tag("p", said, " ", *_caution(any(isinstance(rule, Clause) for rule in constitution.rules)), class_="note")
    yield tag(
        "div",
        tag("button", "Copy", type="button", class_="copy", hidden=not whole, data_copied="Copied"),
        tag("pre", cut(text, MOST_CHARACTERS), tabindex=0, aria_label="The system message"),
        class_="copyable",
    )
    if not whole:
        yield tag(
            "p",
            "It is longer than this: ",
            tag("code", f"scai export {run.history.run_id} --format system"),
            class_="note",
        )


def _caution(for_some: bool) -> Iterator[Child]:
    if for_some:
        yield "The clauses name people; for one group without names, copy the principles alone."


def held_out(run: Figures) -> Iterator[Html]:
    """Everybody of the proof, under the first and the last constitution."""
    proof = run.history.proof
    if proof is None:
        return
    heads = ("Person", f"version {proof.first_version}", f"version {proof.last_version}", "change")
    rows = []
    for person in proof.personas[:MOST_HELD_OUT]:
        first, last = proof.first.get(person), proof.last.get(person)
        moved = None if first is None or last is None else last - first
        rows.append((run.name(person), [number(first), number(last), change(moved)]))
    left_out = len(proof.personas) - MOST_HELD_OUT
    missing = f" {counted(proof.missing, 'rating is', 'ratings are')} missing." if proof.missing else ""
    more = f" {left_out} more people: scai show {run.history.run_id} --json." if left_out > 0 else ""
    yield tag("p", told_of(proof, run), missing, more)
    yield tag("p", f"Utility from 0 to 1, mean over {counted(len(proof.tasks), 'task')}.", class_="note")
    yield table(heads, rows)
