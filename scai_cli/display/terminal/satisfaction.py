"""The satisfaction of each person under two versions of the constitution, or in several plays of one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from scai_cli.analysis.headline import Headline
from scai_cli.analysis.satisfaction import mean_trend
from scai_cli.analysis.verdicts import between, for_whom, gained_or_lost
from scai_cli.display.numbers import change, number
from scai_cli.display.terminal.consoles import number_table, out
from scai_cli.display.terminal.escape import sparkline, styled, thinned
from scai_cli.display.terminal.styles import HEADING, MUTED, style_of
from scai_cli.runs.history.history import History
from scai_cli.simulation.utilities import mean
from scai_cli.text.characters import one_line

_NAMES: Final = 32
_BARS: Final = 20
_NARROW, _SMALL = 70, 56
"""Widths of a terminal below which columns go."""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person's numbers in the order of the columns; the last two matter to `striking`."""

    user: str
    numbers: Sequence[float | None]
    last: float | None
    change: float | None
    sure: Sequence[str] = ()
    """The interval of the change and the verdict."""


def striking(rows: Sequence[PersonRow], count: int) -> list[PersonRow]:
    """Return the most striking people: first the least satisfied at the end, then those with the largest change."""
    lowest = sorted(rows, key=lambda row: (row.last is None, row.last or 0.0))[: (count + 1) // 2]
    rest = [row for row in rows if row not in lowest]
    changed = sorted(rest, key=lambda row: -abs(row.change or 0.0))[: count - len(lowest)]
    return [row for row in rows if row in lowest or row in changed]


def satisfaction_lines(history: History, found: Headline, count: int, *, trend: bool) -> Iterator[RenderableType]:
    """Yield the table of at most `count` people and the mean of all, and a line about the people that are left out.

    With `trend`, the group's mean is drawn over the epochs, where it has changed by more than chance.
    """
    assert history.started is not None
    low, high = history.started.scale
    whose = " of simulated people" * ("simulated" in found.participants)
    title = styled(one_line(f"{history.started.metrics['own'].capitalize()}{whose} ({low:g} to {high:g})"), HEADING)
    rows = list(_rows(history, found))
    # The names stay: where there is little room, the words of the verdict go first, then the interval.
    width = out().width
    certainty = 0 if width < _SMALL else 1 if width < _NARROW else 2
    titles = _titles(found)[: 3 + certainty if found.apart else None]
    yield title
    table = number_table("", *titles, max_width=_NAMES)
    shown = striking(rows, count)
    for row in (*shown, _everyone(found)):
        name = styled(history.names.get(row.user, row.user)) if row.user else styled("everyone", HEADING)
        sure = row.sure[:certainty] if found.apart else ()
        verdict = row.sure[-1] if row.user and row.sure else found.verdict
        table.add_row(name, *_cells(row.numbers, found, verdict), *(styled(word, style_of(word)) for word in sure))
    yield table
    if (interval := found.satisfaction.interval) is not None:
        yield styled(f"95 % interval: range of the change with {for_whom(interval)}", MUTED)
    if hidden := len(rows) - len(shown):
        yield styled(f"({hidden} more: --ratings)", MUTED)
    if trend and found.verdict in ("higher", "lower"):
        means = mean_trend(history).values
        yield styled(f"everyone, epoch by epoch: {sparkline(thinned(means, _BARS), low, high)}")


def version_titles(found: Headline) -> tuple[str, ...]:
    """Return the titles of the columns of numbers, one per played version."""
    sides = (found.start, found.compared)[: 1 + found.apart]
    wheres = (side.where if len(side.where) <= 20 else f"{len(side.epochs)} plays" for side in sides)
    return tuple(f"version {side.version}\n{where}" for side, where in zip(sides, wheres, strict=True))


def _titles(found: Headline) -> tuple[str, ...]:
    titles = version_titles(found)
    if found.apart:
        return (*titles, "change", "95 % interval", "")
    return (*titles, "lowest", "highest") if len(found.start.epochs) > 1 else titles


def _rows(history: History, found: Headline) -> Iterator[PersonRow]:
    """Yield the numbers of everyone who was measured, in the order of the experiment."""
    played = [m for m in history.measured if m.version in (found.start.version, found.compared.version)]
    seen = {user for measured in played for user in measured.satisfaction}
    for user in (*(user for user in history.names if user in seen), *sorted(seen - history.names.keys())):
        if found.apart:
            person = found.people.get(user)
            numbers = (person.before, person.after, person.change) if person else (None,) * 3
            sure = (between(person.interval, 1), gained_or_lost(person.interval)) if person else ("–", "")
            yield PersonRow(user, numbers, numbers[1], numbers[2], sure)
        else:
            values = [value for m in played if (value := m.satisfaction.get(user)) is not None]
            yield _of_plays(user, mean(values), values)


def _everyone(found: Headline) -> PersonRow:
    group = found.satisfaction
    if found.apart:
        return PersonRow("", (group.before, group.after, group.change), None, None, (between(group.interval, 1), ""))
    return _of_plays("", group.before, found.range or ())


def _of_plays(user: str, average: float | None, values: Sequence[float]) -> PersonRow:
    low, high = min(values, default=None), max(values, default=None)
    return PersonRow(user, (average, low, high), average, None if low is None or high is None else high - low)


def _cells(numbers: Sequence[float | None], found: Headline, verdict: str) -> list[Text]:
    if found.apart:
        ends = (styled(number(value, 1)) for value in numbers[:2])
        return [*ends, styled(change(numbers[2], 1), style_of(verdict))]
    return [styled(number(value, 1)) for value in numbers[: len(_titles(found))]]
