"""`scai show --ratings`: each person's ratings before and after, then who rated whom, and the welfare behind them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from scai_cli.analysis.headline import Headline, headline
from scai_cli.analysis.measured import for_measures, utility_words
from scai_cli.analysis.rating_validity import rating_validity
from scai_cli.analysis.run_measures import SHOWN_WELFARE, welfare_words
from scai_cli.analysis.verdicts import between, for_single_people, gained_or_lost
from scai_cli.display.numbers import change, number
from scai_cli.display.terminal.consoles import number_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.satisfaction import version_titles
from scai_cli.display.terminal.styles import DOUBTFUL, HEADING, MUTED, style_of
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.selection import Selection
from scai_cli.simulation.utilities import mean
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted

_NARROW, _WIDE = 70, 110
"""Columns of a terminal below which changes go, and from which intervals and long names have space."""

_ROWS: Final = 20
"""The maximal number of rows; of more, the people that rate their own answers highest and lowest."""

_NAMES: Final = range(14, 4, -1)
"""Columns for the name of a rater, the first that lets all raters fit; with the last, some may be left out."""

_LEAST: Final = 4
"""Columns of a value: `10.0`."""


@dataclass(slots=True)
class _Given:
    """The ratings of the answers that a person got, or of those to one task: by itself, and by each other person."""

    own: list[float | None] = field(default_factory=list)
    by: dict[str, list[float | None]] = field(default_factory=dict)

    def add(self, kind: str, rater: str, value: float | None) -> None:
        (self.own if kind == "own" else self.by.setdefault(rater, [])).append(value)

    @property
    def means(self) -> tuple[float | None, float | None]:
        """The mean own rating, and the mean of all others."""
        return mean(self.own), mean(value for values in self.by.values() for value in values)


def print_ratings(console: Console, history: History, epoch: Epoch, selection: Selection) -> None:
    """Print each person's mean ratings under both versions, then those of an epoch by rater, then the group's welfare.

    With a person or a task, print only the second. The history has `finals`.
    """
    found = headline(history) if selection.persona is None and selection.task is None else None
    parts: list[RenderableType] = [*_by_rater(console.width, history, epoch, selection)]
    if found is not None:
        means = _before_and_after(console.width, history, found)
        measured = [*measured_table(history, found, console.width), *_validity(history)]
        parts = [*means, "", *parts, "", _welfare(found, console.width), *measured]
    for part in parts:
        console.print(part)


def _before_and_after(width: int, history: History, found: Headline) -> Iterator[RenderableType]:
    assert history.started is not None
    low, high = history.started.scale
    metrics = history.started.metrics
    yield styled(one_line(f"Mean ratings from {low:g} to {high:g} by {found.participants}"), HEADING)
    who = f"own: of the answers that a person got ({metrics['own']}); others: by the others ({metrics['cross']})"
    yield styled(one_line(who), MUTED)
    narrow, wide = width < _NARROW, width >= _WIDE
    sides = (found.start, found.compared)[: 1 + found.apart][-1 if narrow else 0 :]
    changes, intervals = len(sides) > 1, len(sides) > 1 and wide
    means = [_people(history, side.epochs) for side in sides]
    titles = []
    for kind in ("own", "others"):
        titles += [f"{kind}\nversion {side.version}" for side in sides] + [f"{kind}\nchange"] * changes
        titles += ["own\n95 % interval"] * (intervals and kind == "own")
    room = width - sum(2 + max(map(len, title.split("\n"))) for title in titles) - 2
    table = number_table("", *titles)
    rows = [(user, means[-1].get(user, _Given())) for user in history.names if any(user in side for side in means)]
    for user, _ in _ends(rows):
        own, others = (tuple(side[user].means[at] if user in side else None for side in means) for at in (0, 1))
        person = found.people.get(user) if found.apart else None
        if person is not None:  # over the tasks rated under both, as on the first screen
            own = (person.before, person.after)[-len(sides) :]
        verdict = gained_or_lost(person.interval) if person else ""
        interval = [between(person.interval if person else None, 1)] * intervals
        name = one_line(history.names[user], max(room, 8))
        table.add_row(styled(name), *_numbers(own, changes, verdict), *interval, *_numbers(others, changes))
    yield table
    yield from _left_out(rows)
    if intervals and (whom := for_single_people([person.interval for person in found.people.values()])):
        yield styled(f"95 % intervals of single people: {whom}", MUTED)


def _left_out(rows: Sequence[object]) -> Iterator[RenderableType]:
    if (left_out := len(rows) - _ROWS) > 0:
        yield styled(f"and {left_out:,} more, whose own ratings are between these: --json", MUTED)


def _people(history: History, epochs: Sequence[int]) -> Mapping[str, _Given]:
    """Return persona -> the ratings of the answers that it got in some epochs."""
    given: dict[str, _Given] = {}
    for epoch in epochs:
        for kind, rater, conversation, value in history.rating_index.finals_of(epoch):
            given.setdefault(conversation.split("/")[1], _Given()).add(kind, rater, value)
    return given


def _numbers(
    values: Sequence[float | None], changes: bool, verdict: str = "", digits: int = 1
) -> Iterator[RenderableType]:
    yield from (number(value, digits) for value in values)
    if changes:
        before, after = values
        moved = None if before is None or after is None else after - before
        yield styled(change(moved, digits), style_of(verdict))


def _by_rater(width: int, history: History, epoch: Epoch, selection: Selection) -> Iterator[RenderableType]:
    """Yield a row for each person whose answers were rated, or for each task of a selected person."""
    given: dict[str, _Given] = {}
    values = []
    for kind, rater, conversation, value in history.rating_index.finals_of(epoch.number):
        _, user, task = conversation.split("/")
        if selection.has(user, task):
            given.setdefault(user if selection.persona is None else task, _Given()).add(kind, rater, value)
            values.append(value)
    where = f"Product, version {epoch.constitution.version}" if epoch.is_product else f"Epoch {epoch.number}"
    whose = "" if selection.persona is None else f" of {one_line(history.names.get(selection.persona, ''), 30)}"
    yield styled(f"{where}: {counted(len(values), 'final rating')}{whose} ({values.count(None)} missing)", HEADING)
    yield styled("a row: whose answers; a column: who rates them; · was not asked, ? is missing", MUTED)
    order = epoch.personas if selection.persona is None else epoch.tasks
    rows = [(key, given[key]) for key in order if key in given]
    shown = _ends(rows)
    names = {key: one_line(history.names.get(key, key), 18 if width < _WIDE else 30) for key, _ in shown}
    yield _matrix(width, history.names, shown, names)
    yield from _left_out(rows)


def _ends(rows: list[tuple[str, _Given]]) -> list[tuple[str, _Given]]:
    """Return all rows, of too many those with the highest and the lowest own ratings."""
    if len(rows) <= _ROWS:
        return rows
    ranked = sorted(rows, key=lambda row: [-inf if mean is None else mean for mean in row[1].means], reverse=True)
    return [*ranked[: _ROWS // 2], *ranked[-_ROWS // 2 :]]


def _matrix(
    width: int, names: Mapping[str, str], rows: Sequence[tuple[str, _Given]], labels: Mapping[str, str]
) -> Table:
    """Return the rows with a column for each rater that has space, and one for the mean of all the rest."""
    asked = Counter(rater for _, given in rows for rater in given.by)
    raters = [rater for rater in names if rater in asked]
    titles = dict(zip(raters, _short([one_line(names[rater]) for rater in raters]), strict=True))
    room = width - max(map(len, labels.values()), default=0) - len(" own others ")
    for columns in _NAMES:
        sizes = [max(min(len(title), columns), _LEAST) + 1 for title in titles.values()]
        if sum(sizes) <= room:
            break
    else:  # those that rated most of these rows stay
        kept = sorted(raters, key=lambda rater: -asked[rater])[: (room - len(f"{len(raters)} more ")) // max(sizes)]
        raters = [rater for rater in raters if rater in kept]
    rest = [rater for rater in titles if rater not in raters]
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    shown = [one_line(titles[rater], columns) for rater in raters]
    for title in ("own", "others", *shown, *[f"{len(rest)} more"] * bool(rest)):
        table.add_column(styled(title), justify="right", no_wrap=True)
    lists = [values for _, given in rows for values in (given.own, *given.by.values())]
    digits = int(any(len(values) > 1 or (values[0] or 0) % 1 for values in lists if values))
    for key, given in rows:
        cells = [_cell(given.by.get(rater), digits) for rater in raters]
        if rest:
            cells.append(_cell([value for rater in rest for value in given.by.get(rater, ())], 1))
        table.add_row(styled(labels[key]), _cell(given.own, digits), number(given.means[1], 1), *cells)
    return table


def _short(names: Sequence[str]) -> list[str]:
    """Return the first word of each name, the whole name where another begins with the same word."""
    firsts = Counter(name.split(" ")[0] for name in names)
    return [name if firsts[first := name.split(" ")[0]] > 1 else first for name in names]


def _cell(values: Sequence[float | None] | None, digits: int) -> str:
    """Return the mean; `?` where all are missing, `·` where nobody was asked."""
    average = mean(values or ())
    return number(average, digits) if average is not None else "?" if values else "·"


def _titles(found: Headline, width: int) -> list[str]:
    """Return the titles of the versions and of their difference, as many as fit."""
    return [*version_titles(found), *["change", "95 % interval"] * found.apart][: 3 if width < _NARROW else None]


def _welfare(found: Headline, width: int) -> Table:
    """Return the welfare by several functions under each version."""
    titles = _titles(found, width)
    table = number_table("Welfare (0 to 1)", *titles, max_width=34)
    for name in dict.fromkeys((found.welfare.name, *SHOWN_WELFARE)):
        before, after, interval = found.welfare_by(name)
        cells = [*_numbers((before, after), changes=True, digits=2), between(interval, 2)]
        table.add_row(welfare_words(name), *cells[: len(titles)])
    return table


def measured_table(history: History, found: Headline, width: int) -> Iterator[RenderableType]:
    """Yield the means of what programs measured under each version, and how much of a utility is measured."""
    if rows := found.measured:
        titles = _titles(found, width)
        table = number_table("Measured in the answers (0 to 1)", *titles, max_width=34)
        for each in rows:
            cells = [*_numbers(each.values, found.apart, digits=2), *[between(each.interval, 2)] * found.apart]
            table.add_row(styled(one_line(each.title)), *cells[: len(titles)])
        yield table
        if whom := for_measures(rows):
            yield styled(f"95 % intervals of the measures: {whom}", MUTED)
    yield from utility_lines(history)


def utility_lines(history: History) -> Iterator[Text]:
    """Yield how utilities are measured, and whether any is known; nothing if they come from ratings alone."""
    if words := utility_words(history.config.ratings):
        yield styled(f"Utilities, and so welfare, are {words}.")
        if history.measured and set(history.measured[-1].utilities.values()) == {None}:
            yield styled("Warning: nothing could be measured in the last answers, so no utility is known", DOUBTFUL)


def _validity(history: History) -> Iterator[RenderableType]:
    """Yield the agreement of ratings and answers, if people have stated preferences: own ones, and apart the others."""
    validity = rating_validity(history)
    parts = []
    for words, values in (
        ("own ratings", [one.own for one in validity.values()]),
        ("ratings of others' answers, by themes", [one.cross for one in validity.values()]),
    ):
        if known := [value for value in values if value is not None]:
            spread = f"{counted(len(known), 'person', 'people')}: {min(known):.2f} to {max(known):.2f}"
            parts.append(f"{words} {sum(known) / len(known):.2f} ({spread})")
    if parts:
        yield styled(f"Do the ratings follow the answers? Rank correlation, 1 is fully: {'; '.join(parts)}")
