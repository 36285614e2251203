"""Who gained and who paid, person by person, and who rated whom how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scai_cli.analysis.satisfaction import SatisfactionTrend
from scai_cli.display.report.charts import ACCENT, LOSS
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, note, tag
from scai_cli.display.report.numbers import change, counted, number
from scai_cli.display.report.panels import Panel, draw_panel
from scai_cli.display.report.tables import MOST_ROWS, folded, heat_map, shade, table, unshaded
from scai_cli.runs.history.history import Epoch

MOST_PANELS = 24
MOST_EPOCHS = 12
"""Of more epochs the table has the first and the last."""
MOST_RATERS = 30


def people(run: Figures) -> Iterator[Html]:
    """Yield a panel for each person, and the numbers as a table."""
    shown = _shown(run)
    epochs = [epoch.number for epoch in run.played]
    low, high = run.scale
    left_out = len(run.trends) - len(shown)
    yield note(
        f"{run.metrics['own'].capitalize()} from {low:g} to {high:g} over the epochs. The band reaches from the "
        "person's lowest to the highest task; the dotted line is the mean over everybody.",
        f" Shown are the {len(shown)} who gained or lost most; {left_out} more are in the table." if left_out else None,
    )
    yield tag("div", (_panel(run, trend, epochs) for trend in shown), class_="panels")
    yield _table(run)


def _shown(run: Figures) -> Sequence[SatisfactionTrend]:
    if len(run.trends) <= MOST_PANELS:
        return run.trends
    ordered = sorted(run.trends, key=lambda trend: trend.change or 0)
    half = MOST_PANELS // 2
    users = {trend.user for trend in (*ordered[:half], *ordered[-half:])}
    return [trend for trend in run.trends if trend.user in users]


def _panel(run: Figures, trend: SatisfactionTrend, epochs: Sequence[int]) -> Html:
    name, bands = run.name(trend.user), [epoch.get(trend.user) for epoch in run.bands]
    says = []
    for epoch, value, band, mean in zip(epochs, trend.values, bands, run.mean_trend.values, strict=True):
        reach = f", tasks {band[0]:g} to {band[1]:g}" if band else ""
        says.append(f"epoch {epoch}: {number(value, 1)}{reach}; everybody {number(mean, 1)}")
    panel = Panel(
        label=f"{name}: {run.metrics['own']} from {number(trend.first, 1)} to {number(trend.last, 1)}",
        scale=run.scale,
        epochs=epochs,
        values=trend.values,
        says=says,
        band=bands,
        beside=run.mean_trend.values,
        colour=LOSS if (trend.change or 0) < 0 else ACCENT,
    )
    return tag("figure", tag("figcaption", tag("b", name), _arrow(trend)), draw_panel(panel))


def _arrow(trend: SatisfactionTrend) -> Html:
    if len(trend.values) == 1:
        return tag("span", number(trend.last, 1), class_="arrow")
    sign = "lost" if (trend.change or 0) < 0 else "gained" if (trend.change or 0) > 0 else "same"
    return tag(
        "span",
        f"{number(trend.first, 1)} → {number(trend.last, 1)} ",
        tag("b", change(trend.change, 1), class_=sign),
        class_="arrow",
    )


def _table(run: Figures) -> Html:
    drifted = any(measured.drift for measured in run.history.measured)
    rated = any(trend.validity is not None for trend in run.trends)
    extra = [head for head, there in (("less drift", drifted), ("honesty", rated)) if there]
    few = len(run.played) <= MOST_EPOCHS
    heads = [f"epoch {epoch.number}" for epoch in run.played] if few else ["first", "last"]
    rows = []
    for trend in (*run.trends[:MOST_ROWS], run.mean_trend):
        more = {"less drift": number(trend.corrected, 1), "honesty": number(trend.validity)}
        numbers = [number(value, 1) for value in (trend.values if few else (trend.first, trend.last))]
        name = run.name(trend.user) if trend.user else "Everybody"
        rows.append((name, [*numbers, change(trend.change, 1), *(more[head] for head in extra)]))
    left_out = len(run.trends) - MOST_ROWS
    notes = [_NOTES[head] for head in extra]
    if left_out > 0:
        notes.append(f"{counted(left_out, 'more person', 'more people')}: scai show {run.history.run_id} --json.")
    return folded(
        table(("Person", *heads, "change", *extra), rows),
        note(" ".join(notes)) if notes else None,
        opened=len(run.trends) > MOST_PANELS,
    )


_NOTES = {
    "less drift": "Less drift: the last number less how much higher the person rates the same old answers by now.",
    "honesty": "Honesty: rank correlation of the ratings with what a program measures in the texts; 1 is full, 0 none.",
}


def who_rated_whom(run: Figures) -> Iterator[Html]:
    """Yield the mean final ratings, rater by author, of the first and the last epoch."""
    own, cross = run.metrics["own"], run.metrics["cross"]
    yield note(
        f"Rows rate, columns were answered: everyone's {cross} rating of the answers that the others got, and framed "
        f"on the diagonal the {own} with the own one. Mean over tasks, final answers only; stronger colour is higher, "
        "“–” is missing.",
    )
    epochs = run.played if len(run.played) < 2 else [run.played[0], run.played[-1]]
    yield tag("div", (_matrix(run, epoch) for epoch in epochs), class_="matrices")


def _matrix(run: Figures, epoch: Epoch) -> Html:
    people, left_out = epoch.personas[:MOST_RATERS], len(epoch.personas) - MOST_RATERS
    means = run.history.rating_index.finals_of(epoch.number).means()
    low, high = run.scale

    def cell(rater: str, to: str) -> Html:
        mean = means.get((rater, to))
        if mean is None:
            return unshaded("–" if (rater, to) in means else "", own=rater == to)
        return shade(mean, low, high, 1, own=rater == to)

    caption = f"Epoch {epoch.number}, version {epoch.constitution.version} of the constitution"
    if left_out > 0:
        caption += f"; {MOST_RATERS} of {len(epoch.personas)} people, all by scai show {run.history.run_id} --ratings"
    names = [cut(run.name(person), 24) for person in people]
    rows = ((name, [cell(rater, to) for to in people]) for name, rater in zip(names, people, strict=True))
    return heat_map(names, rows, caption)
