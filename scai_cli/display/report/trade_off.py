"""The trade-off plane: mean against worst-off utility, version by version or run by run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from scai_cli.analysis.pareto import ParetoFront
from scai_cli.display.numbers import number
from scai_cli.display.report.charts import ACCENT, CARD, INK, chart, drawn, undrawn
from scai_cli.display.report.html import TEXTS, Html, note, tag
from scai_cli.display.report.tables import MOST_ROWS, folded, table

if TYPE_CHECKING:
    import altair as alt

WIDE, NARROW = (560, 300), (280, 174)
"""The plane is drawn twice, the second time for a phone."""
MOST_DOTS = 40
_NEAR: Final = 0.06
"""The share of an axis within which two labels would overlap."""


class _Dot(NamedTuple):
    mean: float
    worst_off: float
    across: tuple[float, float]
    """The ends of the line that shows the spread of the mean."""
    up: tuple[float, float]
    name: str
    best: bool
    says: str


def plane(front: ParetoFront, names: Sequence[str]) -> Iterator[Html]:
    """Yield the plane with a point for each of `names`, and a table of them."""
    dots = list(_dots(front, names))
    if not dots:
        yield tag("p", "Nothing is measured yet.")
        return
    if not undrawn():
        yield note(TEXTS["plane"]["text"])
        yield drawing(front, names)
    yield _table(front, names)


def drawing(front: ParetoFront, names: Sequence[str]) -> Html:
    """Return the plane with a point for each of `names`; a mean over several runs has its spread as lines."""
    dots = list(_dots(front, names))
    shown = dots if len(dots) <= MOST_DOTS else [*dots[:1], *dots[1 - MOST_DOTS :]]
    sizes = ((WIDE, "wide"), (NARROW, "narrow"))
    return tag("figure", (tag("div", _draw(shown, size), class_=name) for size, name in sizes if shown), class_="plane")


def _dots(front: ParetoFront, names: Sequence[str]) -> Iterator[_Dot]:
    for name, point in zip(names, front.points, strict=True):
        if point.mean is not None and point.worst_off is not None:
            values = f"mean {point.mean:.2f}, worst-off person {point.worst_off:.2f}"
            says = f"{name} ({point.measured}): {values}, inequality {number(point.inequality)}"
            ends = zip((point.mean, point.worst_off), point.spreads, strict=False)
            across, up = ((value - (spread or 0.0), value + (spread or 0.0)) for value, spread in ends)
            yield _Dot(point.mean, point.worst_off, across, up, name, front.best(point), says)


def _draw(dots: Sequence[_Dot], size: tuple[int, int]) -> Html:
    across, up = _domain([end for dot in dots for end in dot.across]), _domain([end for dot in dots for end in dot.up])
    middle = sum(across) / 2
    names = _names(dots, (across[1] - across[0], up[1] - up[0]))
    rows: list[dict[str, Any]] = [
        {"mean": dot.mean, "worst": dot.worst_off, "name": name, "says": dot.says}
        | {"best": dot.best, "right": dot.mean > middle}
        | {"left": dot.across[0], "to": dot.across[1], "low": dot.up[0], "high": dot.up[1]}
        for dot, name in zip(dots, names, strict=True)
    ]
    label = f"Mean against worst-off person of {len(dots)} points; the table below has the numbers"
    return drawn(list(_layers((across, up))), rows, size, label)


def _names(dots: Sequence[_Dot], size: tuple[float, float]) -> list[str]:
    """Return the label of each dot; dots whose labels would overlap are named together, at the last of them."""
    groups: list[list[int]] = []
    for n, dot in enumerate(dots):
        group = next((group for group in groups if _is_near(dots[group[0]], dot, size)), None)
        if group is None:
            groups.append(group := [])
        group.append(n)
    last = {group[-1]: ", ".join(dots[n].name for n in group) for group in groups}
    return [last.get(n, "") for n in range(len(dots))]


def _is_near(one: _Dot, other: _Dot, size: tuple[float, float]) -> bool:
    across, up = abs(one.mean - other.mean) / size[0], abs(one.worst_off - other.worst_off) / size[1]
    return across < _NEAR and up < _NEAR


def _layers(domains: tuple[list[float], list[float]]) -> Iterator[alt.Chart]:
    import altair as alt

    across, up = (alt.Scale(domain=domain, nice=False) for domain in domains)
    axis = alt.Axis(tickCount=5)
    x = alt.X("mean:Q", title="mean of all", scale=across, axis=axis)
    y = alt.Y("worst:Q", title="the person served worst", scale=up, axis=axis)
    base = chart().encode(x=x, y=y)
    line = chart().transform_filter("datum.to > datum.left || datum.high > datum.low")
    rule = line.mark_rule(stroke=ACCENT, strokeWidth=1.5, opacity=0.6)
    yield rule.encode(x=alt.X("left:Q", title="mean of all", scale=across, axis=axis), x2="to:Q", y=y)
    yield rule.encode(x=x, y=alt.Y("low:Q", title="the person served worst", scale=up, axis=axis), y2="high:Q")
    for which, fill in (("!datum.best", CARD), ("datum.best", ACCENT)):
        dots = base.transform_filter(which)
        mark = dots.mark_point(filled=False, fill=fill, stroke=ACCENT, strokeWidth=1.8, size=90, opacity=1)
        yield mark.encode(description="says:N")
    sides: tuple[tuple[str, Literal["left", "right"], int], ...] = (
        ("!datum.right", "left", 9),
        ("datum.right", "right", -9),
    )
    for which, align, dx in sides:
        words = base.transform_filter(which)
        yield words.mark_text(align=align, dx=dx, dy=-8, color=INK, fontSize=12, limit=160).encode(text="name:N")


def _domain(values: Sequence[float]) -> list[float]:
    """Return a range within [0, 1] with some room around the values."""
    room = max(0.03, (max(values) - min(values)) * 0.22)
    return [max(0.0, min(values) - room), min(1.0, max(values) + room)]


def _table(front: ParetoFront, names: Sequence[str]) -> Html:
    heads = (
        "Point",
        "measured on",
        "mean of all",
        "the person served worst",
        "inequality (Gini)",
        "filled (Pareto front)",
    )
    rows = []
    for name, point in list(zip(names, front.points, strict=True))[-MOST_ROWS:]:
        numbers = [number(value) for value in (point.mean, point.worst_off, point.inequality)]
        measured = "people and tasks set aside" if point.measured == "holdout" else point.measured
        rows.append((name, [measured, *numbers, "yes" if front.best(point) else "no"]))
    return folded(table(heads, rows), opened=bool(undrawn()))
