"""A run on one screen: who is satisfied before and after, welfare, the constitution, problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table

from scai_cli.analysis.paired import PairedDifference, welfare_gain
from scai_cli.analysis.run_measures import SHOWN_WELFARE, run_cost
from scai_cli.analysis.satisfaction import SatisfactionTrend, satisfaction_trends
from scai_cli.display.terminal.consoles import number_table
from scai_cli.display.terminal.constitution import rule_lines
from scai_cli.display.terminal.escape import change, counted, estimate, number, sparkline, styled, thinned
from scai_cli.display.terminal.holdout import holdout_lines
from scai_cli.display.terminal.satisfaction import satisfaction_lines
from scai_cli.runs.events import Problem
from scai_cli.runs.history.history import History
from scai_cli.text.characters import one_line

_PAPER: Final = 40
"""The height of a screen where stdout is no terminal."""


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much is shown: the most lines of each kind, None for all rules.

    `whole`: rules are not cut to a line; `holdout`: the held-out users get a line each.
    """

    users: int
    revisions: int
    rules: int | None
    problems: int
    whole: bool = True
    airy: bool = True
    holdout: bool = True


_DETAILS: Final = (
    _Detail(12, 8, None, 5),
    _Detail(12, 2, None, 3),
    _Detail(8, 1, None, 3),
    _Detail(8, 1, None, 3, whole=False),
    _Detail(6, 1, 10, 2, whole=False, airy=False),
    _Detail(6, 1, 8, 2, whole=False, airy=False, holdout=False),
    _Detail(4, 1, 6, 1, whole=False, airy=False, holdout=False),
    _Detail(3, 0, 4, 1, whole=False, airy=False, holdout=False),
    _Detail(2, 0, 2, 1, whole=False, airy=False, holdout=False),
)
"""From the most to the least: the first that fits the screen is shown."""


def print_summary(console: Console, history: History) -> None:
    """Print a run's results so far, on one screen."""
    headline = styled(_headline(history), "bold")
    console.print(headline)
    # They take long to compute: once for all levels of detail.
    trends, difference = satisfaction_trends(history), welfare_gain(history)
    room = (console.height - 2 if console.is_terminal else _PAPER) - _height(console, [headline])
    parts: list[RenderableType] = []
    for detail in _DETAILS:
        parts = list(_parts(history, trends, difference, detail))
        if _height(console, parts) <= room:
            break
    console.print(Group(*parts))  # as a group: rich wraps a text that is printed alone, even one with no_wrap


def _height(console: Console, parts: Sequence[RenderableType]) -> int:
    return sum(len(console.render_lines(part)) for part in parts)


def _parts(
    history: History, trends: Sequence[SatisfactionTrend], difference: PairedDifference | None, detail: _Detail
) -> Iterator[RenderableType]:
    gap = [""] if detail.airy else []
    if history.started is None:
        yield styled("It holds no events yet.")
        yield from _ending(history)
        return
    if history.measured:
        yield from satisfaction_lines(history, trends, detail.users)
        yield from gap
        yield _welfare(history)
        yield from _interval(history, difference)
        yield from holdout_lines(history, detail.users if detail.holdout else 0, gap)
        yield from gap
        yield from _revisions(history, detail.revisions)
    else:
        yield styled("No epoch has ended yet.")
    yield from gap
    constitution, _ = history.product
    yield from rule_lines(constitution, history.names, detail.rules, whole=detail.whole)
    yield from _problems(history, detail.problems, gap)
    yield from _ending(history)


def _headline(history: History) -> str:
    parts = [history.run_id, history.status]
    if history.started:
        parts.append(f"{history.epochs_done} of {history.started.epochs} epochs")
        parts.append(", ".join(dict.fromkeys(history.started.models.values())))
    if (cost := run_cost(history)) is not None:
        calls, tokens = f"{cost.calls or 0:,} calls", f"{cost.tokens:,} tokens"
        parts += [f"{calls}, {tokens} so far"] if cost.so_far else [calls, tokens]
        parts += [f"${cost.usd:.4f}"] if cost.usd else []
    return " · ".join(one_line(part) for part in parts)


def _welfare(history: History) -> Table:
    first, last = history.measured[0], history.measured[-1]
    table = number_table("Welfare (0 to 1)", "first", "", "last", "change", min_width=30)
    notes = {last.declared: " (declared)", "gini_coefficient": " (less is better)"}
    for name in dict.fromkeys((last.declared, *SHOWN_WELFARE)):
        before, after = first.values.get(name), last.values.get(name)
        line = sparkline(thinned([m.values.get(name) for m in history.measured], 20), 0, 1)
        moved = None if before is None or after is None or first is last else after - before
        table.add_row(f"{name}{notes.get(name, '')}", number(before), line, number(after), change(moved))
    return table


def _interval(history: History, difference: PairedDifference | None) -> Iterator[RenderableType]:
    """Yield the interval of the change in welfare, if the data has one."""
    if difference is None or difference.interval.low is None:
        return
    rough = "rough " if difference.draws < 1000 else ""
    yield styled(
        f"{history.measured[-1].declared}: {estimate(difference.interval)} "
        f"({rough}{difference.interval.level:.0%} interval, "
        f"{counted(difference.users, 'user')} x {counted(difference.tasks, 'task')})"
    )


def _revisions(history: History, most: int) -> Iterator[RenderableType]:
    """Yield why each of the last revisions was adopted or not."""
    revisions = [epoch.revision for epoch in history.epochs if epoch.revision is not None]
    shown = revisions[max(0, len(revisions) - most) :]
    adopted = sum(revision.accepted for revision in revisions)
    earlier = "" if len(shown) == len(revisions) else "; all of them: --constitution"
    yield styled(f"Revisions: {adopted} adopted, {len(revisions) - adopted} not{earlier}", "bold")
    for revision in shown:
        became = f"version {revision.constitution.version}" if revision.accepted else "kept"
        yield styled(one_line(f"epoch {revision.epoch}: {became}: {revision.reason}", 80))


def _problems(history: History, most: int, gap: Sequence[str]) -> Iterator[RenderableType]:
    problems = [problem for epoch in history.epochs for problem in epoch.problems]
    missing = sum(measured.missing for measured in history.measured)
    if not problems and not missing:
        return
    yield from gap
    yield styled(f"Problems: {len(problems)} calls failed, {missing} ratings are missing", "bold")
    kinds = Counter(problem.problem for problem in problems).most_common()
    for text, count in kinds[:most]:
        yield styled(one_line(_problem(problems, text, count), 80))
    if len(kinds) > most:
        yield styled(f"({len(kinds) - most} other kinds: --json)", "dim")


def _problem(problems: Sequence[Problem], text: str, count: int) -> str:
    first = next(problem.id for problem in problems if problem.problem == text)
    return f"{first}: {text}" if count == 1 else f"{count} times, first at {first}: {text}"


def _ending(history: History) -> Iterator[RenderableType]:
    """Yield why the run is not finished."""
    if history.status in ("finished", "running"):
        return
    reason = history.outcome.get("reason")
    remedy = f"`scai resume {history.run_id}` goes on"
    yield styled(one_line(str(reason) if reason else f"It was stopped from outside before its end; {remedy}."))
