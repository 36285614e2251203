"""The answer first: did the group get happier, who paid, does it hold for others, would I paste this message."""

from __future__ import annotations

from collections.abc import Iterator

from scai_cli.compare.pairing import Paired
from scai_cli.constitution import Clause
from scai_cli.events import HeldOut
from scai_cli.report.figures import Figures
from scai_cli.report.html import Child, Html, cut, tag
from scai_cli.report.numbers import change, counted, interval, listed, number, with_interval
from scai_cli.report.tables import table

MOST_CHARACTERS = 40_000
MOST_HELD_OUT = 60


def subtitle(run: Figures) -> str:
    """Models, people, tasks, epochs, what it took."""
    history = run.history
    parts = []
    if history.started is not None:
        started = history.started
        parts.append(f"{len(history.measured)} of {counted(started.epochs, 'epoch')}")
        parts.append(counted(len(started.personas), "person", "people"))
        parts.append(counted(len(started.tasks), "task"))
        parts.append(listed([cut(model, 60) for model in dict.fromkeys(started.models.values())], 4))
    usage = history.outcome.get("usage") or {}
    if history.outcome:
        parts.append(counted(history.outcome.get("calls", 0), "call"))
        parts.append(counted(usage.get("input_tokens", 0) + usage.get("output_tokens", 0), "token"))
    if usage.get("usd"):
        parts.append(f"${usage['usd']:.4f}")
    if history.started_at:
        parts.append(history.started_at[:10])
    return " · ".join(parts)


def answer(run: Figures) -> Html:
    """What the run came to, in words."""
    lines = [_group(run), _payers(run), _proof(run.history.proof, run), _state(run)]
    first, *others = [line for line in lines if line]
    return tag("div", tag("p", first, class_="lead"), (tag("p", line) for line in others), class_="answer")


def _group(run: Figures) -> str:
    history, everybody = run.history, run.everybody
    metric = run.metrics["own"].capitalize()
    if history.started is None:
        return "This run holds no events yet."
    if not history.measured:
        return "No epoch has ended yet, so there is nothing to measure."
    if everybody.first is None or everybody.last is None:
        return f"No rating could be read: nobody knows how {run.metrics['own']} changed."
    low, high = run.scale
    scale = f"(mean over {counted(len(run.courses), 'person', 'people')}, on a scale from {low:g} to {high:g})"
    if len(history.measured) == 1:
        return f"{metric} is {number(everybody.first, 1)} after one epoch {scale}."
    verb = "rose" if (everybody.change or 0) > 0 else "fell" if (everybody.change or 0) < 0 else "stayed the same:"
    return f"{metric} {verb} from {number(everybody.first, 1)} to {number(everybody.last, 1)} {scale}."


def _payers(run: Figures) -> str:
    if len(run.history.measured) < 2 or all(course.change is None for course in run.courses):
        return ""
    gained = f"{len(run.gainers)} of {counted(len(run.courses), 'person', 'people')} gained"
    if not run.losers:
        same = len(run.courses) - len(run.gainers)
        return f"{gained}; nobody lost{f', {same} stayed the same' if same and run.gainers else ''}."
    paid = listed([f"{c.name} ({change(c.change, 1)})" for c in run.losers])
    return f"{gained}; {paid} paid."


def _proof(proof: HeldOut | None, run: Figures) -> str:
    if proof is None:
        return (
            ""
            if run.history.status != "finished"
            else "Nothing was held out, so what it comes to for other people and tasks is not known."
        )
    people, tasks = counted(len(proof.personas), "person", "people"), counted(len(proof.tasks), "task")
    whom = f"On what was held out ({people}, {tasks})"
    found = proof.difference
    if found is None:
        return f"{whom}, nothing could be measured."
    between = interval(found)
    told = f"{run.declared} welfare changed by {change(found.estimate)}{f' ({between})' if between else ''}"
    if found.low is None or found.high is None:
        verdict = "too little to say how sure that is"
    elif found.low == found.high == 0:
        verdict = "the rules change nothing there"
    elif found.low > 0:
        verdict = "the gain holds"
    elif found.high < 0:
        verdict = "it does harm there"
    else:
        verdict = "that may be chance"
    return f"{whom}, {told}: {verdict}."


def _state(run: Figures) -> str:
    history = run.history
    if history.status == "finished":
        return ""
    words = {
        "running": "The run goes on; this page shows it as far as it went.",
        "stopped": "The run was stopped by a limit",
        "failed": "The run failed",
        "interrupted": "The run was interrupted",
    }[history.status]
    if history.status == "running":
        return words
    reason = cut(str(history.outcome.get("reason") or ""), 600)
    return f"{words}{f': {reason}' if reason else '.'} scai resume {history.run_id} goes on."


def cards(run: Figures) -> Html | None:
    """The headline numbers with their intervals."""
    if not run.history.measured:
        return None
    measured, everybody = run.history.measured, run.everybody
    first, last = measured[0].values, measured[-1].values
    declared, proof = run.declared, run.history.proof
    shown = [
        _card(
            run.metrics["own"].capitalize(),
            number(everybody.first, 1),
            number(everybody.last, 1),
            _gain(run.satisfaction_gain, 1),
        ),
        _card(
            f"Welfare, {declared}", number(first.get(declared)), number(last.get(declared)), _gain(run.welfare_gain, 2)
        ),
        _card("Worst-off person", number(first.get("rawlsian")), number(last.get("rawlsian")), "utility, 0 to 1"),
        _card(
            "Inequality (Gini)",
            number(first.get("gini_coefficient")),
            number(last.get("gini_coefficient")),
            "lower is more equal",
        ),
    ]
    if proof is not None:
        values = number(proof.first_values.get(declared)), number(proof.last_values.get(declared))
        shown.append(_card("Held out", *values, with_interval(proof.difference)))
    note = (
        "First and last epoch. Intervals are at 95 %: a two-way cluster bootstrap of the paired difference over the "
        "people and tasks of both. With few of them they are too narrow, and only “held out” tells of people or tasks "
        "that the rules were not made with."
    )
    return tag("div", tag("div", shown, class_="cards"), tag("p", note, class_="note"))


def _card(title: str, first: str, last: str, below: str) -> Html:
    value = (
        tag("span", tag("span", first, class_="from"), " → ", tag("b", last), class_="value")
        if first != last
        else tag("span", tag("b", last), class_="value")
    )
    return tag("div", tag("span", title, class_="title"), value, tag("span", below, class_="below"), class_="card")


def _gain(found: Paired | None, digits: int) -> str:
    return "no paired difference" if found is None else with_interval(found.interval, digits)


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
    yield tag("p", _proof(proof, run), missing, more)
    yield tag("p", f"Utility from 0 to 1, mean over {counted(len(proof.tasks), 'task')}.", class_="note")
    yield table(heads, rows)
