"""How satisfied the users were, from the first epoch to the last: a line for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType

from scai_cli.analysis.satisfaction import SatisfactionTrend, mean_trend
from scai_cli.display.terminal.consoles import number_table
from scai_cli.display.terminal.escape import change, number, sparkline, styled, thinned
from scai_cli.runs.history.history import History
from scai_cli.text.characters import one_line

_NAME_WIDTH: Final = 24


def striking(trends: Sequence[SatisfactionTrend], count: int) -> list[SatisfactionTrend]:
    """Return the trends to look at first: half of them the least satisfied at last, then those that changed most."""
    lowest = sorted(trends, key=lambda trend: (trend.last is None, trend.last or 0.0))[: (count + 1) // 2]
    rest = [trend for trend in trends if trend not in lowest]
    changed = sorted(rest, key=lambda trend: -abs(trend.change or 0.0))[: count - len(lowest)]
    return [trend for trend in trends if trend in lowest or trend in changed]


def satisfaction_lines(history: History, trends: Sequence[SatisfactionTrend], count: int) -> Iterator[RenderableType]:
    """Yield the table of at most `count` users and the mean of all, and a line about the users that are left out."""
    assert history.started is not None
    low, high = history.started.scale
    drifted = any(trend.corrected is not None for trend in trends)
    rated = any(trend.validity is not None for trend in trends)
    metric = history.started.metrics["own"].capitalize()
    title = one_line(f"{metric} ({low:g} to {high:g})", _NAME_WIDTH + 6)
    extra = [*["less drift"] * drifted, *["honesty"] * rated]
    table = number_table(title, "first", "", "last", "change", *extra, max_width=_NAME_WIDTH + 6)
    bars = 10 if drifted and rated else 20
    shown = striking(trends, count)
    for trend in (*shown, mean_trend(history)):
        cells = [number(trend.first, 1), sparkline(thinned(trend.values, bars), low, high), number(trend.last, 1)]
        cells += [change(trend.change, 1), *[number(trend.corrected, 1)] * drifted, *[number(trend.validity)] * rated]
        name = styled(one_line(trend.name, _NAME_WIDTH)) if trend.user else styled(trend.name, "bold")
        table.add_row(name, *cells)
    yield table
    if hidden := len(trends) - len(shown):
        yield styled(f"({hidden} more: --json{_changes(trends)})", "dim")


def _changes(trends: Sequence[SatisfactionTrend]) -> str:
    changes = [trend.change for trend in trends if trend.change is not None]
    if not changes:
        return ""
    better, worse = sum(one > 0 for one in changes), sum(one < 0 for one in changes)
    return f"; of {len(trends)}, {better} are more satisfied than at first, {worse} less"
