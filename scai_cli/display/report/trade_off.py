"""The trade-off plane: mean against worst-off utility, version by version or run by run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from scai_cli.analysis.pareto import ParetoFront
from scai_cli.display.report.charts import ACCENT, CARD, INK, ROWS, chart, drawn
from scai_cli.display.report.html import Html, note, tag
from scai_cli.display.report.numbers import number
from scai_cli.display.report.tables import MOST_ROWS, folded, table

if TYPE_CHECKING:
    import altair as alt

WIDE, NARROW = (560, 300), (280, 174)
"""The plane is drawn twice, the second time for a phone."""
MOST_DOTS = 40
_EDGE: Final = "edge"


class _Dot(NamedTuple):
    mean: float
    worst_off: float
    name: str
    best: bool
    says: str


def plane(front: ParetoFront, names: Sequence[str]) -> Iterator[Html]:
    """Yield the plane with a point for each of `names`, and a table of them."""
    dots = list(_dots(front, names))
    if not dots:
        yield tag("p", "Nothing is measured yet.")
        return
    yield note(
        "To the right the mean over all people is higher, upwards the welfare of the worst-off person (rawlsian); both "
        "from 0 to 1. A filled point: no other point is higher on one of mean, worst-off person and equality and as "
        "high on the rest (Pareto front). The dashed line is the edge of these points. Points have no intervals here: "
        "near ones may differ by chance.",
    )
    shown = dots if len(dots) <= MOST_DOTS else [*dots[:1], *dots[1 - MOST_DOTS :]]
    yield tag(
        "figure",
        (tag("div", _draw(shown, size), class_=name) for size, name in ((WIDE, "wide"), (NARROW, "narrow"))),
        class_="plane",
    )
    yield _table(front, names)


def _dots(front: ParetoFront, names: Sequence[str]) -> Iterator[_Dot]:
    for name, point in zip(names, front.points, strict=True):
        if point.mean is not None and point.worst_off is not None:
            numbers = (
                f"mean {point.mean:.2f}, worst-off person {point.worst_off:.2f}, inequality {number(point.inequality)}"
            )
            says = f"{name} ({point.measured}): {numbers}"
            yield _Dot(point.mean, point.worst_off, name, front.best(point), says)


def _draw(dots: Sequence[_Dot], size: tuple[int, int]) -> Html:
    domains = _domain([dot.mean for dot in dots]), _domain([dot.worst_off for dot in dots])
    middle = sum(domains[0]) / 2
    names = _names(dots)
    rows: list[dict[str, Any]] = [
        {"n": n, "mean": dot.mean, "worst": dot.worst_off, "name": name, "says": dot.says}
        | {"best": dot.best, "right": dot.mean > middle}
        for n, (dot, name) in enumerate(zip(dots, names, strict=True))
    ]
    label = f"Mean against worst-off person of {len(dots)} points; the table below has the numbers"
    layers = list(_layers(domains))
    return drawn(layers, {ROWS: rows, _EDGE: _stairs(dots, domains)}, size, label)


def _names(dots: Sequence[_Dot]) -> list[str]:
    """Return the label of each dot; dots in one place are named together, at the last of them."""
    places = [(round(dot.mean, 3), round(dot.worst_off, 3)) for dot in dots]
    there = [[dot.name for dot, other in zip(dots, places, strict=True) if other == place] for place in places]
    last = {place: n for n, place in enumerate(places)}
    return [", ".join(there[n]) if last[place] == n else "" for n, place in enumerate(places)]


def _layers(domains: tuple[list[float], list[float]]) -> Iterator[alt.Chart]:
    import altair as alt

    across, up = (alt.Scale(domain=domain, nice=False) for domain in domains)
    axis = alt.Axis(tickCount=5)
    x = alt.X("mean:Q", title="mean over all people", scale=across, axis=axis)
    y = alt.Y("worst:Q", title="worst-off person", scale=up, axis=axis)
    base = chart().encode(x=x, y=y)
    edge = chart(_EDGE).mark_line(color=ACCENT, strokeDash=[4, 3], strokeWidth=1.2)
    yield edge.encode(x=x, y=y, order="n:Q")
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


def _stairs(dots: Sequence[_Dot], domains: tuple[list[float], list[float]]) -> list[dict[str, float]]:
    """Return the corners of the edge that no point lies beyond, to the right and above."""
    edge: list[_Dot] = []
    for dot in sorted(dots, key=lambda dot: (-dot.mean, -dot.worst_off)):
        if not edge or dot.worst_off > edge[-1].worst_off:
            edge.append(dot)
    corners = [(edge[0].mean, domains[1][0])]
    for dot, after in zip(edge, [*edge[1:], None], strict=True):
        corners += [(dot.mean, dot.worst_off), (after.mean if after else domains[0][0], dot.worst_off)]
    return [{"n": n, "mean": x, "worst": y} for n, (x, y) in enumerate(corners)]


def _table(front: ParetoFront, names: Sequence[str]) -> Html:
    heads = ("Point", "measured on", "mean", "worst-off person", "inequality (Gini)", "filled (Pareto front)")
    rows = []
    for name, point in list(zip(names, front.points, strict=True))[-MOST_ROWS:]:
        numbers = [number(value) for value in (point.mean, point.worst_off, point.inequality)]
        measured = "people and tasks set aside" if point.measured == "holdout" else point.measured
        rows.append((name, [measured, *numbers, "yes" if front.best(point) else "no"]))
    return folded(table(heads, rows))
