"""The answer in words: did the group get happier, who paid for it, does it hold for others, how did the run end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, tag
from scai_cli.display.report.numbers import change, counted, interval, listed, number
from scai_cli.runs.events import Estimate, HoldoutCompared
from scai_cli.runs.history.status import spent

MOST_REASON = 600
_ENDS: Final = {
    "stopped": "The run was stopped by a limit",
    "failed": "The run failed",
    "interrupted": "The run was interrupted",
}


def subtitle(run: Figures) -> str:
    """How far it went, people, tasks, models, what it took, when."""
    return " · ".join(_facts(run))


def _facts(run: Figures) -> Iterator[str]:
    history = run.history
    if history.started is not None:
        started = history.started
        yield f"{len(history.measured)} of {counted(started.epochs, 'epoch')}"
        yield counted(len(started.personas), "person", "people")
        yield counted(len(started.tasks), "task")
        yield listed([cut(model, 60) for model in dict.fromkeys(started.models.values())], 4)
    usage = history.outcome.get("usage", {})
    if history.outcome:
        yield counted(history.outcome["calls"], "call")
        yield counted(usage["input_tokens"] + usage["output_tokens"], "token")
    elif (so_far := spent(history.path)) is not None:
        yield f"{counted(so_far.calls, 'call')} and {counted(so_far.usage.total, 'token')} so far"
    if usage.get("usd"):
        yield f"${usage['usd']:.4f}"
    if history.started_at:
        yield history.started_at[:10]


def answer(run: Figures) -> Html:
    """What the run came to, the most important first."""
    lines = (_group(run), _payers(run), told_of(run.history.proof, run), _end(run))
    first, *others = (line for line in lines if line)
    return tag("div", tag("p", first, class_="lead"), (tag("p", line) for line in others), class_="answer")


def _group(run: Figures) -> str:
    history, everybody = run.history, run.everybody
    metric = run.metrics["own"]
    if history.started is None:
        return "This run holds no events yet."
    if not history.measured:
        return "No epoch has ended yet, so there is nothing to measure."
    if everybody.first is None or everybody.last is None:
        return f"No rating could be read: nobody knows how {metric} changed."
    low, high = run.scale
    same = len({frozenset(epoch.personas) for epoch in run.played}) == 1
    whom = (
        counted(len(run.courses), "person", "people")
        if same
        else "the people of each epoch, who are not always the same"
    )
    scale = f"(mean over {whom}, on a scale from {low:g} to {high:g})"
    if len(history.measured) == 1:
        return f"{metric.capitalize()} is {number(everybody.first, 1)} after one epoch {scale}."
    moved = everybody.change or 0
    verb = "rose" if moved > 0 else "fell" if moved < 0 else "stayed the same:"
    return f"{metric.capitalize()} {verb} from {number(everybody.first, 1)} to {number(everybody.last, 1)} {scale}."


def _payers(run: Figures) -> str:
    if len(run.history.measured) < 2 or all(course.change is None for course in run.courses):
        return ""
    gained = f"{len(run.gainers)} of {counted(len(run.courses), 'person', 'people')} gained"
    if not run.losers:
        return f"{gained}; nobody lost."
    return f"{gained}; {listed([f'{course.name} ({change(course.change, 1)})' for course in run.losers])} paid."


def told_of(proof: HoldoutCompared | None, run: Figures) -> str:
    """What the constitution came to for people and tasks that had no part in it."""
    if proof is None:
        finished = run.history.status == "finished"
        return "Nothing was held out: what it comes to for other people and tasks is not known." if finished else ""
    people, tasks = counted(len(proof.personas), "person", "people"), counted(len(proof.tasks), "task")
    whom = f"On what was held out ({people}, {tasks})"
    found = proof.difference
    if found is None:
        return f"{whom} nothing could be measured."
    between = f" ({interval(found)})" if found.low is not None else ""
    return f"{whom} {run.declared} welfare changed by {change(found.estimate)}{between}: {_verdict(found)}."


def _verdict(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return "too little to say how sure that is"
    if found.low == found.high == 0:
        return "the rules change nothing there"
    if found.low > 0:
        return "the gain holds"
    return "it does harm there" if found.high < 0 else "that may be chance"


def _end(run: Figures) -> str:
    history = run.history
    if history.status == "finished":
        return ""
    if history.status == "running":
        return "The run goes on; this page shows it as far as it went."
    reason = cut(str(history.outcome.get("reason") or ""), MOST_REASON).rstrip(".")
    return f"{_ENDS[history.status]}{f': {reason}' if reason else ''}. To go on with it: scai resume {history.run_id}"
