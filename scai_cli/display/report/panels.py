"""A quantity over the epochs, as a small chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scai_cli.display.report.charts import ACCENT, CARD, INK, chart, drawn
from scai_cli.display.report.html import Html

if TYPE_CHECKING:
    import altair as alt

SIZE: Final = (172, 84)
MANY, MOST = 40, 100
"""From this many epochs on the dots are small; of more than the second number, that many are drawn."""
_ASIDE: Final = 5
"""How many pixels the points of another quantity are to the right of their epoch."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A point of another quantity on the scale of a panel, at an epoch, with its range."""

    epoch: int
    value: float | None
    band: tuple[float, float] | None
    says: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A quantity over epochs on a fixed scale, with the range around it.

    `label` is its text alternative, `says` the words for each epoch. `joined` draws a line through the epochs, which
    suggests a trend: only for a change beyond chance. `final`: the last epoch plays the product once more. `beside` are
    points of another quantity, drawn as open diamonds.
    """

    label: str
    scale: tuple[float, float]
    epochs: Sequence[int]
    values: Sequence[float | None]
    says: Sequence[str]
    band: Sequence[tuple[float, float] | None] = ()
    colour: str = ACCENT
    joined: bool = False
    final: bool = False
    beside: Sequence[Beside] = ()
    size: tuple[int, int] = SIZE


def draw_panel(panel: Panel) -> Html:
    """Draw the quantity as a dot for each epoch, with its ranges."""
    return drawn(list(_layers(panel)), _rows(panel), panel.size, panel.label)


def _layers(panel: Panel) -> Iterator[alt.Chart]:
    import altair as alt

    low, high = panel.scale
    first, last = panel.epochs[0], panel.epochs[-1]
    width = alt.Scale(domain=[first, last] if first != last else [first - 1, last + 1], nice=False)
    words = f"datum.value == {last} ? 'final' : datum.label" if panel.final else alt.Undefined
    ticks = [panel.epochs[n] for n in _spread(len(panel.epochs), 8 if len(panel.epochs) <= 8 else 6)]
    below = alt.Axis(values=ticks, format="d", title="epoch", grid=False, labelExpr=words)
    height = alt.Scale(domain=[low, high], nice=False, clamp=True)
    beside = alt.Axis(values=[low, (low + high) / 2, high], title=None, domain=False, ticks=False, labelPadding=6)
    both = chart().encode(x=alt.X("epoch:Q", axis=below, scale=width))
    base = both.transform_filter("!isValid(datum.beside)") if panel.beside else both

    def y(name: str) -> alt.Y:
        return alt.Y(f"{name}:Q", scale=height, axis=beside)

    if any(panel.band):
        yield base.mark_rule(color=panel.colour, opacity=0.3, strokeWidth=3).encode(y=y("low"), y2="high:Q")
    if panel.joined:
        thin = 2.2 if len(panel.epochs) < MANY else 0.8
        yield base.mark_line(color=panel.colour, strokeWidth=thin).encode(y=y("value"))
    size = 34 if len(panel.epochs) < MANY else 8
    dots = base.mark_point(filled=True, size=size, opacity=1, color=panel.colour)
    yield dots.encode(y=y("value"), description="says:N")
    if panel.beside:
        aside = both.transform_filter("isValid(datum.beside)")
        yield aside.mark_rule(color=INK, opacity=0.35, strokeWidth=2, xOffset=_ASIDE).encode(y=y("low"), y2="high:Q")
        mark = aside.mark_point(
            shape="diamond", size=52, stroke=INK, fill=CARD, strokeWidth=1.5, opacity=1, xOffset=_ASIDE
        )
        yield mark.encode(y=y("beside"), description="says:N")


def _rows(panel: Panel) -> list[dict[str, Any]]:
    rows = []
    for n in _spread(len(panel.epochs), MOST):
        low, high = (panel.band[n] if panel.band else None) or (None, None)
        row = {"epoch": panel.epochs[n], "value": panel.values[n], "says": panel.says[n]}
        rows.append({**row, "low": low, "high": high})
    for point in panel.beside:
        low, high = point.band or (None, None)
        rows.append({"epoch": point.epoch, "beside": point.value, "says": point.says, "low": low, "high": high})
    return rows


def _spread(count: int, most: int) -> list[int]:
    """Return the numbers below `count`, or of more than `most` as many, evenly spread from the first to the last."""
    if count <= most:
        return list(range(count))
    return [round(n * (count - 1) / (most - 1)) for n in range(most)]
