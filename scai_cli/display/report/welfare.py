"""The group's welfare over the epochs, by several functions."""

from __future__ import annotations

from collections.abc import Iterator

from scai_cli.display.report.charts import ACCENT, INK
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, note, tag
from scai_cli.display.report.numbers import listed, number
from scai_cli.display.report.panels import Panel, draw_panel
from scai_cli.display.report.tables import MOST_ROWS, folded, table

MEANINGS = {
    "utilitarian": "mean over all people",
    "rawlsian": "worst-off person",
    "nash": "mean that low values pull down",
    "gini_coefficient": "inequality, lower is more equal",
}


def plain(function: str) -> str:
    """Return a welfare function in plain words with its technical name: `worst-off person (rawlsian)`."""
    name = function.replace("_", " ")
    return f"{MEANINGS[function]} ({name})" if function in MEANINGS else name


def sentence_case(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def welfare(run: Figures) -> Iterator[Html]:
    """Yield a panel for each function, the declared one first, and the interval of its change."""
    found = run.headline
    if found is not None and found.welfare.interval is not None:
        yield note(
            f"The declared welfare of {found.participants}, {plain(run.declared)}, between {found.start}, and "
            f"{found.compared}: {found.welfare.words}."
        )
    yield tag("div", (_panel(run, name) for name in run.functions), class_="panels")
    yield _table(run)


def _panel(run: Figures, name: str) -> Html:
    epochs = [epoch.number for epoch in run.played]
    values = [measured.values.get(name) for measured in run.history.measured]
    is_declared = name == run.declared
    panel = Panel(
        label=f"{plain(name)}: {listed([number(value) for value in values], 40)}",
        scale=(0.0, 1.0),
        epochs=epochs,
        values=values,
        says=[f"{run.at(epoch)}: {number(value, 3)}" for epoch, value in zip(run.played, values, strict=True)],
        colour=ACCENT if is_declared else INK,
        joined=is_declared and run.headline is not None and run.headline.welfare.verdict in ("higher", "lower"),
    )
    caption = tag("figcaption", tag("b", sentence_case(plain(name))), tag("small", "declared") if is_declared else None)
    return tag("figure", caption, draw_panel(panel))


def _table(run: Figures) -> Html:
    """Every epoch (at most the last MOST_ROWS) by every function."""
    rows = [
        (run.at(epoch), [number(measured.values.get(name), 3) for name in run.functions])
        for epoch, measured in list(zip(run.played, run.history.measured, strict=True))[-MOST_ROWS:]
    ]
    return folded(table(("", *map(plain, run.functions)), rows))
