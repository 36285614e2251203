"""The ratings of each person: over the epochs, and of whose answers."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from scai_cli.analysis.satisfaction import SatisfactionTrend
from scai_cli.analysis.verdicts import for_whom
from scai_cli.display.numbers import number, sentence_case
from scai_cli.display.report.charts import ACCENT, INK, undrawn
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.headline import person_cells
from scai_cli.display.report.html import TEXTS, Html, cut, note, scai_command, tag
from scai_cli.display.report.panels import Panel, draw_panel
from scai_cli.display.report.tables import MOST_ROWS, Shades, folded, heat_map, heat_rows, table
from scai_cli.runs.history.history import Epoch
from scai_cli.text.counts import counted

MOST_PANELS = 24
MOST_EPOCHS = 12
"""The maximal number of epochs in the table; of more, it has the first and the last."""
MOST_RATERS = 30

Means = Mapping[tuple[str, str], float | None]
"""(Rater, author) -> the mean of the final ratings, None if none could be read."""


def people(run: Figures) -> Iterator[Html]:
    """Yield a panel for everyone together and for each person, and the numbers as a table."""
    low, high = run.scale
    left_out = len(run.trends) - MOST_PANELS
    more = f" {left_out} more people are in the table; these changed most." if left_out > 0 else None
    whose = f"{sentence_case(run.metrics['own'])} of {run.people}"
    if not undrawn():
        yield note(TEXTS["panels"].format(whose=whose, low=low, high=high), more)
        yield tag("div", (_panel(run, trend) for trend in (run.mean_trend, *_most_changed(run))), class_="panels")
    yield _table(run)


def _most_changed(run: Figures) -> list[SatisfactionTrend]:
    """Return everyone in the order of the file, or of too many those whose rating changed most, the largest first."""
    if len(run.trends) <= MOST_PANELS:
        return list(run.trends)
    people = run.headline.people if run.headline else {}
    moved = {user: abs(person.change) for user, person in people.items()}
    return sorted(run.trends, key=lambda trend: -moved.get(trend.user, 0.0))[:MOST_PANELS]


def _panel(run: Figures, trend: SatisfactionTrend) -> Html:
    """Draw one person, or everyone; only everyone's dots are joined, after a change beyond chance."""
    name, bands = run.name(trend.user) or "Everyone", [epoch.get(trend.user) for epoch in run.bands]
    says = []
    for epoch, value, band in zip(run.played, trend.values, bands, strict=True):
        reach = f", tasks {band[0]:g} to {band[1]:g}" if band else ""
        says.append(f"{run.at(epoch.number)}: {number(value, 1)}{reach}")
    numbers = ", ".join(f"{mean} ({version})" for version, mean in _by_version(run, trend.user))
    panel = Panel(
        label=f"{name}: {run.metrics['own']} in each epoch; {numbers}",
        scale=run.scale,
        epochs=[epoch.number for epoch in run.played],
        values=trend.values,
        says=says,
        band=bands,
        colour=INK if trend.user else ACCENT,
        final=run.history.product_epoch is not None and run.history.product_epoch.welfare is not None,
        joined=not trend.user and run.headline is not None and run.headline.verdict in ("higher", "lower"),
    )
    return tag("figure", tag("figcaption", tag("b", name), tag("small", numbers)), draw_panel(panel))


def _by_version(run: Figures, user: str) -> Iterator[tuple[str, str]]:
    """Yield the versions that are compared, with a person's mean, or for no user everyone's, under each."""
    if (found := run.headline) is None:
        return
    mean = found.people.get(user) if user else found.satisfaction
    yield f"version {found.start.version}", number(mean.before if mean else None, 1)
    if found.apart:
        yield f"version {found.compared.version}", number(mean.after if mean else None, 1)


def _table(run: Figures) -> Html:
    extra = _FOLLOW if any(trend.validity is not None for trend in run.trends) else ()
    epochs = list(enumerate(run.played))
    epochs = epochs if len(epochs) <= MOST_EPOCHS else [epochs[0], epochs[-1]]
    versions = [version for version, _ in _by_version(run, "")]
    rows = []
    for trend in (*run.trends[:MOST_ROWS], run.mean_trend):
        follow = (None, None) if trend.validity is None else (trend.validity.own, trend.validity.cross)
        means = [mean for _, mean in _by_version(run, trend.user)] + _change(run, trend.user)
        numbers = [number(trend.values[n], 1) for n, _ in epochs]
        rows.append((run.name(trend.user) or "Everyone", [*means, *numbers, *map(number, follow[: len(extra)])]))
    left_out = len(run.trends) - MOST_ROWS
    notes = [*_valid_for(run), *(TEXTS["extra"][head] for head in extra)]
    if left_out > 0:
        notes.append(f"{counted(left_out, 'more person', 'more people')}: scai show {run.history.run_id} --json.")
    return folded(
        table(("Person", *versions, *_change_heads(run), *(run.at(epoch.number) for _, epoch in epochs), *extra), rows),
        note(" ".join(notes)) if notes else None,
        opened=bool(undrawn()) or len(run.trends) > MOST_PANELS,
    )


def _change_heads(run: Figures) -> list[str]:
    return list(TEXTS["person"]) if run.headline and run.headline.apart else []


def _valid_for(run: Figures) -> Iterator[str]:
    if _change_heads(run) and run.headline and (interval := run.headline.satisfaction.interval):
        yield TEXTS["together"].format(whom=for_whom(interval))


def _change(run: Figures, user: str) -> list[str]:
    """Return the change of a person, or for no user of everyone, with its interval and verdict."""
    if not _change_heads(run) or (found := run.headline) is None:
        return []
    if user:
        return person_cells(person.interval if (person := found.people.get(user)) else None, 1)
    return [*person_cells(found.satisfaction.interval, 1)[:2], ""]


_FOLLOW = ("do own ratings follow the answers?", "do ratings of others?")


def who_rated_whom(run: Figures) -> Iterator[Html]:
    """Yield the mean final ratings of the first and the last epoch: of the own answers, and rater by author."""
    epochs = run.played if len(run.played) < 2 else [run.played[0], run.played[-1]]
    means = [run.history.rating_index.finals_of(epoch.number).means() for epoch in epochs]
    yield from _own_ratings(run, epochs, means)
    yield from _cross_ratings(run, epochs, means)


def _own_ratings(run: Figures, epochs: Sequence[Epoch], means: Sequence[Means]) -> Iterator[Html]:
    yield tag("h3", f"Of the answers that they got themselves: {run.metrics['own']}")
    people = list(dict.fromkeys(person for epoch in epochs for person in epoch.personas))[:MOST_ROWS]
    rows = [(cut(run.name(person), 40), [mean.get((person, person)) for mean in means]) for person in people]
    heads = [sentence_case(run.at(epoch.number)) for epoch in epochs]
    yield from heat_rows(heads, rows, run.scale, "Mean over tasks, final answers only")


def _cross_ratings(run: Figures, epochs: Sequence[Epoch], means: Sequence[Means]) -> Iterator[Html]:
    yield tag("h3", f"Of the answers that the others got: {run.metrics['cross']}")
    shown = [epoch.personas[:MOST_RATERS] for epoch in epochs]
    values = [mean.get(pair) for mean, people in zip(means, shown, strict=True) for pair in permutations(people, 2)]
    if all(value is None for value in values):
        yield tag("p", "Nobody rated the answers of others.")
        return
    shades = Shades.of(values)
    yield note(TEXTS["matrix"])
    yield shades.legend(run.scale)
    if (most := max(len(epoch.personas) for epoch in epochs)) > MOST_RATERS:
        yield note(f"{MOST_RATERS} of {most} people; all: ", scai_command("show", run.history.run_id, "--ratings"))
    matrices = (_matrix(run, epoch, mean, shades) for epoch, mean in zip(epochs, means, strict=True))
    yield tag("div", matrices, class_="matrices")


def _matrix(run: Figures, epoch: Epoch, means: Means, shades: Shades) -> Html:
    people = epoch.personas[:MOST_RATERS]

    def cell(rater: str, to: str) -> Html:
        if rater == to:
            return shades.cell(None, "")
        return shades.cell(means.get((rater, to)), "–" if (rater, to) in means else "")

    names = [cut(run.name(person), 24) for person in people]
    rows = ((name, [cell(rater, to) for to in people]) for name, rater in zip(names, people, strict=True))
    return heat_map(names, rows, sentence_case(run.at(epoch.number)))
