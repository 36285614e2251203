"""The answer in words: did the group get happier, who paid for it, does it hold for others, how did the run end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scai_cli.analysis.run_measures import run_cost
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, tag
from scai_cli.display.report.numbers import change, counted, interval, listed, number
from scai_cli.runs.events import Estimate

MOST_REASON = 600
_ENDS: Final = {
    "stopped": "The run was stopped by a limit",
    "failed": "The run failed",
    "interrupted": "The run was interrupted",
}


def subtitle(run: Figures) -> str:
    """Return progress, people, tasks, models, cost and date in a line."""
    return " · ".join(_facts(run))


def _facts(run: Figures) -> Iterator[str]:
    history = run.history
    if history.started is not None:
        started = history.started
        yield f"{len(history.measured)} of {counted(started.epochs, 'epoch')}"
        yield counted(len(started.personas), "person", "people")
        yield counted(len(started.tasks), "task")
        yield listed([cut(model, 60) for model in dict.fromkeys(started.models.values())], 4)
    if (cost := run_cost(history)) is not None:
        calls, tokens = counted(cost.calls or 0, "call"), counted(cost.tokens, "token")
        yield from [f"{calls} and {tokens} so far"] if cost.so_far else [calls, tokens]
        yield from [f"${cost.usd:.4f}"] if cost.usd else []
    if history.started_at:
        yield history.started_at[:10]


def answer(run: Figures) -> Html:
    """Return the results of the run in sentences, the most important first."""
    lines = (_group(run), _payers(run), holdout_answer(run), _end(run))
    first, *others = (line for line in lines if line)
    return tag("div", tag("p", first, class_="lead"), (tag("p", line) for line in others), class_="answer")


def _group(run: Figures) -> str:
    history, mean = run.history, run.mean_trend
    metric = run.metrics["own"]
    if history.started is None:
        return "This run holds no events yet."
    if not history.measured:
        return "No epoch has ended yet, so there is nothing to measure."
    if mean.first is None or mean.last is None:
        return f"No rating could be read: nobody knows how {metric} changed."
    low, high = run.scale
    same = len({frozenset(epoch.personas) for epoch in run.played}) == 1
    whom = (
        counted(len(run.trends), "person", "people")
        if same
        else "the people of each epoch, who are not always the same"
    )
    scale = f"(mean over {whom}, on a scale from {low:g} to {high:g})"
    if len(history.measured) == 1:
        return f"{metric.capitalize()} is {number(mean.first, 1)} after one epoch {scale}."
    moved = mean.change or 0
    verb = "rose" if moved > 0 else "fell" if moved < 0 else "stayed the same:"
    return f"{metric.capitalize()} {verb} from {number(mean.first, 1)} to {number(mean.last, 1)} {scale}."


def _payers(run: Figures) -> str:
    if len(run.history.measured) < 2 or all(trend.change is None for trend in run.trends):
        return ""
    gained = f"{len(run.gainers)} of {counted(len(run.trends), 'person', 'people')} gained"
    if not run.losers:
        return f"{gained}; nobody lost."
    losers = [f"{run.name(trend.user)} ({change(trend.change, 1)})" for trend in run.losers]
    return f"{gained}; {listed(losers)} paid."


def holdout_answer(run: Figures) -> str:
    """Return the result of the holdout comparison in a sentence, or the reason why there is none."""
    holdout = run.history.holdout
    if holdout is None:
        finished = run.history.status == "finished"
        return "Nothing was held out: what it comes to for other people and tasks is not known." if finished else ""
    people, tasks = counted(len(holdout.personas), "person", "people"), counted(len(holdout.tasks), "task")
    whom = f"On what was held out ({people}, {tasks})"
    difference = holdout.difference
    if difference is None:
        return f"{whom} nothing could be measured."
    between = f" ({interval(difference)})" if difference.low is not None else ""
    return f"{whom} {run.declared} welfare changed by {change(difference.estimate)}{between}: {_verdict(difference)}."


def _verdict(difference: Estimate) -> str:
    if difference.low is None or difference.high is None:
        return "too little to say how sure that is"
    if difference.low == difference.high == 0:
        return "the rules change nothing there"
    if difference.low > 0:
        return "the gain holds"
    return "it does harm there" if difference.high < 0 else "that may be chance"


def _end(run: Figures) -> str:
    history = run.history
    if history.status == "finished":
        return ""
    if history.status == "running":
        return "The run goes on; this page shows it as far as it went."
    reason = cut(str(history.outcome.get("reason") or ""), MOST_REASON).rstrip(".")
    return f"{_ENDS[history.status]}{f': {reason}' if reason else ''}. To go on with it: scai resume {history.run_id}"
