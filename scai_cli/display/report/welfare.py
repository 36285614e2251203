"""The group's welfare over the epochs, by several functions."""

from __future__ import annotations

from collections.abc import Iterator

from scai_cli.display.report.charts import ACCENT, INK
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, note, tag
from scai_cli.display.report.numbers import number, with_interval
from scai_cli.display.report.panels import Panel, draw_panel
from scai_cli.display.report.tables import MOST_ROWS, folded, table

MEANINGS = {
    "utilitarian": "the mean over all people",
    "rawlsian": "the worst-off person",
    "nash": "a mean that low values pull down",
    "gini_coefficient": "inequality; lower is more equal",
}


def welfare(run: Figures) -> Iterator[Html]:
    """Yield a panel for each function, the declared one first, and the interval of its change."""
    gain = run.welfare_gain
    if gain is not None and gain.interval.low is not None:
        yield note(
            f"{run.declared.capitalize()} welfare, which this experiment declared, changed by "
            f"{with_interval(gain.interval, 3)}: a 95 % interval over the {gain.users} people and {gain.tasks} "
            "tasks of both the first and the last epoch.",
        )
    yield tag("div", (_panel(run, name) for name in run.functions), class_="panels")
    yield _table(run)


def _panel(run: Figures, name: str) -> Html:
    epochs = [epoch.number for epoch in run.played]
    values = [measured.values.get(name) for measured in run.history.measured]
    first, last = values[0], values[-1]
    notes = ["declared" if name == run.declared else "", MEANINGS.get(name, "")]
    panel = Panel(
        label=f"{name} from {number(first)} to {number(last)}",
        scale=(0.0, 1.0),
        epochs=epochs,
        values=values,
        says=[f"epoch {epoch}: {number(value, 3)}" for epoch, value in zip(epochs, values, strict=True)],
        colour=ACCENT if name == run.declared else INK,
        dashed=name == "gini_coefficient",
    )
    caption = tag(
        "figcaption",
        tag("b", name.replace("_", " ")),
        tag("span", f"{number(first)} → " if len(epochs) > 1 else None, tag("b", number(last)), class_="arrow"),
        tag("small", " · ".join(note for note in notes if note)),
    )
    return tag("figure", caption, draw_panel(panel))


def _table(run: Figures) -> Html:
    """Every epoch (at most the last MOST_ROWS) by every function."""
    rows = [
        (
            f"epoch {measured.epoch}",
            [f"v{measured.version}", *(number(measured.values.get(f), 3) for f in run.functions)],
        )
        for measured in run.history.measured[-MOST_ROWS:]
    ]
    heads = ("", "version", *(name.replace("_", " ") for name in run.functions))
    return folded(table(heads, rows))
