"""How satisfied the users were, from the first epoch to the last: a line for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table

from scai_cli.analysis.rating_validity import RatingValidity
from scai_cli.display.terminal.escape import change, number, one_line, sparkline, styled, thinned
from scai_cli.runs.history.history import History

NAME_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """One user, or everybody: the mean own rating of final answers in every epoch, on the rating scale.

    `corrected` is the last one less the drift that anchors show.
    """

    user: str
    name: str
    values: Sequence[float | None]
    corrected: float | None = None
    honesty: float | None = None

    @property
    def first(self) -> float | None:
        """The first that is known."""
        return next((value for value in self.values if value is not None), None)

    @property
    def last(self) -> float | None:
        """The last that is known."""
        return next((value for value in reversed(self.values) if value is not None), None)

    @property
    def change(self) -> float | None:
        """Last minus first; None where fewer than two are known."""
        known = [value for value in self.values if value is not None]
        return known[-1] - known[0] if len(known) > 1 else None


def satisfactions(history: History, honest: dict[str, RatingValidity]) -> list[Satisfaction]:
    """Everybody who was played, in the order of the experiment."""
    measured = history.measured
    seen = {user for m in measured for user in m.satisfaction}
    users = [*(user for user in history.names if user in seen), *sorted(seen - history.names.keys())]
    return [
        Satisfaction(
            user,
            history.names.get(user, user),
            [m.satisfaction.get(user) for m in measured],
            _last([m.corrected.get(user) for m in measured]),
            honest[user].overall if user in honest else None,
        )
        for user in users
    ]


def striking(people: Sequence[Satisfaction], count: int) -> list[Satisfaction]:
    """Those to look at first: half of them the least satisfied at last, then whose satisfaction changed most."""
    lowest = sorted(people, key=lambda one: (one.last is None, one.last or 0.0))[: (count + 1) // 2]
    rest = [one for one in people if one not in lowest]
    changed = sorted(rest, key=lambda one: -abs(one.change or 0.0))[: count - len(lowest)]
    return [one for one in people if one in lowest or one in changed]


def satisfaction_lines(
    history: History, people: Sequence[Satisfaction], shown: Sequence[Satisfaction]
) -> Iterator[RenderableType]:
    """The table of those shown and everybody's mean, and what there is to say of those that are not."""
    assert history.started is not None
    low, high = history.started.scale
    drifted, honest = (any(value is not None for value in column) for column in _extra(people))
    table = Table(box=None, padding=(0, 2, 0, 0))
    metric = history.started.metrics["own"].capitalize()
    table.add_column(
        one_line(f"{metric} ({low:g} to {high:g})", NAME_WIDTH + 6), max_width=NAME_WIDTH + 6, no_wrap=True
    )
    titles = ["first", "", "last", "change", *["less drift"] * drifted, *["honesty"] * honest]
    for title in titles:
        table.add_column(title, justify="left" if not title else "right", no_wrap=True)
    width = 20 if not (drifted and honest) else 10
    for one in (*shown, _everybody(history)):
        cells = [number(one.first, 1), sparkline(thinned(one.values, width), low, high), number(one.last, 1)]
        cells += [change(one.change, 1), *[number(one.corrected, 1)] * drifted, *[number(one.honesty)] * honest]
        name = styled(one_line(one.name, NAME_WIDTH)) if one.user else styled(one.name, "bold")
        table.add_row(name, *cells)
    yield table
    if hidden := len(people) - len(shown):
        yield styled(f"({hidden} more: --json{_told(people)})", "dim")


def _extra(people: Sequence[Satisfaction]) -> tuple[list[float | None], list[float | None]]:
    return [one.corrected for one in people], [one.honesty for one in people]


def _told(people: Sequence[Satisfaction]) -> str:
    changes = [one.change for one in people if one.change is not None]
    if not changes:
        return ""
    better, worse = sum(one > 0 for one in changes), sum(one < 0 for one in changes)
    return f"; of {len(people)}, {better} are more satisfied than at first, {worse} less"


def _everybody(history: History) -> Satisfaction:
    measured = history.measured
    corrected = [_mean(m.corrected.values()) for m in measured]
    return Satisfaction("", "everybody", [_mean(m.satisfaction.values()) for m in measured], _last(corrected))


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
