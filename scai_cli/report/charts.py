"""The charts, drawn when the report is made: Vega-Lite specifications by altair, rendered to SVG by vl-convert.

The page needs no chart library then: it stays small, prints well, and takes its colours from the style sheet, so that
light and dark are one drawing. Needs the extra `report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from scai_cli.errors import RunError
from scai_cli.report.html import Html
from scai_cli.report.svg import read_svg

if TYPE_CHECKING:
    import altair as alt

ACCENT, LOSS, MUTED, LINE, INK = "var(--accent)", "var(--loss)", "var(--muted)", "var(--line)", "var(--ink)"
PANEL: Final = (172, 84)
_FONT: Final = "system-ui, sans-serif"
_NEEDED: Final = {"altair": "altair", "vl-convert-python": "vl_convert"}
_MOST_DOTS: Final = 40
"""Of a longer course only the line is drawn."""


@dataclass(frozen=True, slots=True)
class Course:
    """A quantity over epochs on a fixed scale, with the band around it and a second course to compare it with.

    `label` is its text alternative, `says` the words for each epoch.
    """

    label: str
    scale: tuple[float, float]
    epochs: Sequence[int]
    values: Sequence[float | None]
    says: Sequence[str]
    band: Sequence[tuple[float, float] | None] = ()
    beside: Sequence[float | None] = ()
    colour: str = ACCENT
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of the trade-off plane."""

    name: str
    mean: float
    worst_off: float
    best: bool
    says: str


def check_installed() -> None:
    """Raise RunError, with the remedy, when the libraries that draw are not there."""
    missing = [name for name, module in _NEEDED.items() if not find_spec(module)]
    if missing:
        raise RunError(f"a report's charts need {' and '.join(missing)}: pip install 'scai-cli[report]'")


def draw_course(course: Course) -> Html:
    """A small panel: the course as a line, its band, and faintly the one beside it."""
    import altair as alt

    rows = _rows(course)
    low, high = course.scale
    first, last = course.epochs[0], course.epochs[-1]
    wide = [first, last] if first != last else [first - 1, last + 1]
    x = alt.X(
        "epoch:Q",
        axis=alt.Axis(values=_ticks(course.epochs), format="d", title=None, grid=False),
        scale=alt.Scale(domain=wide, nice=False),
    )
    axis = alt.Axis(values=[low, (low + high) / 2, high], title=None, domain=False, ticks=False, labelPadding=6)
    scale = alt.Scale(domain=[low, high], nice=False, clamp=True)
    base = _chart(rows).encode(x=x)
    dash = [5, 3] if course.dashed else [1, 0]
    layers: list[Any] = [
        base.mark_line(color=course.colour, strokeWidth=2.2, strokeDash=dash).encode(y=_y("value", scale, axis))
    ]
    if any(course.beside):
        layers.insert(
            0, base.mark_line(color=MUTED, strokeWidth=1, strokeDash=[2, 3]).encode(y=_y("beside", scale, axis))
        )
    if any(course.band):
        mark = (
            base.mark_area(color=course.colour, opacity=0.17) if first != last else base.mark_rule(color=course.colour)
        )
        layers.insert(0, mark.encode(y=_y("low", scale, axis), y2="high:Q"))
    size = 34 if len(rows) <= _MOST_DOTS else 6
    dots = base.mark_point(filled=True, size=size, opacity=1, color=course.colour)
    layers.append(dots.encode(y=_y("value", scale, axis), description="says:N"))
    return _drawn(alt.layer(*layers).properties(width=PANEL[0], height=PANEL[1]), course.label)


def draw_plane(dots: Sequence[Dot], label: str, width: int, *, in_order: bool) -> Html:
    """Mean against worst-off: filled points are on the Pareto front, `in_order` joins them as they followed."""
    import altair as alt

    domains = [_domain([dot.mean for dot in dots]), _domain([dot.worst_off for dot in dots])]
    middle = sum(domains[0]) / 2
    rows = [
        {
            "n": n,
            "mean": d.mean,
            "worst": d.worst_off,
            "name": d.name,
            "says": d.says,
            "best": d.best,
            "right": d.mean > middle,
        }
        for n, d in enumerate(dots)
    ]
    x = alt.X(
        "mean:Q", title="mean utility", scale=alt.Scale(domain=domains[0], nice=False), axis=alt.Axis(tickCount=5)
    )
    y = alt.Y(
        "worst:Q",
        title="worst-off person's utility",
        scale=alt.Scale(domain=domains[1], nice=False),
        axis=alt.Axis(tickCount=5),
    )
    base = _chart(rows).encode(x=x, y=y)
    layers: list[Any] = [
        _chart(_stairs(dots, domains))
        .mark_line(color=ACCENT, strokeDash=[4, 3], strokeWidth=1.2)
        .encode(x=x, y=y, order="n:Q")
    ]
    if in_order:
        layers.append(base.mark_line(color=MUTED, strokeWidth=1, opacity=0.6).encode(order="n:Q"))
    for best, fill in ((False, "var(--card)"), (True, ACCENT)):
        mark = base.transform_filter(f"datum.best === {str(best).lower()}").mark_point(
            filled=False, fill=fill, stroke=ACCENT, strokeWidth=1.8, size=90, opacity=1
        )
        layers.append(mark.encode(description="says:N"))
    for right, align in ((False, "left"), (True, "right")):
        words = base.transform_filter(f"datum.right === {str(right).lower()}").mark_text(
            align=align, dx=-9 if right else 9, dy=-8, color=INK, fontSize=12, limit=160
        )
        layers.append(words.encode(text="name:N"))
    chart = alt.layer(*layers).properties(width=width, height=round(min(width * 0.62, 300)))
    return _drawn(chart, label)


def _chart(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    import altair as alt

    return alt.Chart(alt.InlineData(values=list(rows)))


def _drawn(chart: alt.TopLevelMixin, label: str) -> Html:
    import vl_convert

    axis = {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "titlePadding": 8,
    }
    spec = chart.to_dict(validate=False)
    config: Mapping[str, Any] = {
        "background": "transparent",
        "font": _FONT,
        "axis": axis,
        "view": {"stroke": None},
        "padding": 4,
    }
    return read_svg(vl_convert.vegalite_to_svg({**spec, "config": config}, allowed_base_urls=[]), label)


def _rows(course: Course) -> list[dict[str, Any]]:
    rows = []
    for n, epoch in enumerate(course.epochs):
        band = course.band[n] if course.band else None
        row = {"epoch": epoch, "value": course.values[n], "says": course.says[n]}
        row |= {"low": band[0], "high": band[1]} if band else {"low": None, "high": None}
        rows.append(row | {"beside": course.beside[n] if course.beside else None})
    return rows


def _y(name: str, scale: alt.Scale, axis: alt.Axis) -> alt.Y:
    import altair as alt

    return alt.Y(f"{name}:Q", scale=scale, axis=axis)


def _ticks(epochs: Sequence[int]) -> list[int]:
    """Every epoch, or of many about six, the first and the last among them."""
    if len(epochs) <= 8:
        return list(epochs)
    step = (len(epochs) - 1) / 5
    return [epochs[round(n * step)] for n in range(6)]


def _domain(values: Sequence[float]) -> list[float]:
    """A range within [0, 1] with air around the values."""
    air = max(0.03, (max(values) - min(values)) * 0.22)
    return [max(0.0, min(values) - air), min(1.0, max(values) + air)]


def _stairs(dots: Sequence[Dot], domains: Sequence[Sequence[float]]) -> list[dict[str, float]]:
    """The edge of what was reached: nothing lies to the right of it and above."""
    edge: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: (-dot.mean, -dot.worst_off)):
        if not edge or dot.worst_off > edge[-1].worst_off:
            edge.append(dot)
    corners = [(edge[0].mean, domains[1][0])]
    for dot, after in zip(edge, [*edge[1:], None], strict=True):
        corners += [(dot.mean, dot.worst_off), (after.mean if after else domains[0][0], dot.worst_off)]
    return [{"n": n, "mean": x, "worst": y} for n, (x, y) in enumerate(corners)]
