"""The trade-off plane: what the mean gained and the worst-off paid, version by version or run by run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scai_cli.front import Front, Point
from scai_cli.report import charts
from scai_cli.report.html import Html, tag
from scai_cli.report.numbers import number
from scai_cli.report.people import scrolled

WIDE, NARROW = 560, 280
"""The plane is drawn twice, the second time for a phone."""
MOST_DOTS = 40


def plane(front: Front, names: Sequence[str], *, in_order: bool) -> Iterator[Html]:
    """One point for each of `names`, with a table; nothing where nothing was measured."""
    pairs = list(zip(front.points, names, strict=True))
    dots = [
        _dot(front, p, name, p.mean, p.worst_off) for p, name in pairs if p.mean is not None and p.worst_off is not None
    ]
    if not dots:
        yield tag("p", "Nothing has been measured yet.")
        return
    yield tag(
        "p",
        "Further right the group as a whole fares better, further up the worst-off person. A filled point is on the "
        "Pareto front of mean, worst-off and equality: no other is better on one count and as good on the rest. The "
        "dashed line is the edge of what was reached.",
        class_="note",
    )
    label = f"Mean against worst-off utility of {len(dots)} points; the table below has the numbers"
    drawn = dots if len(dots) <= MOST_DOTS else [*dots[:1], *dots[1 - MOST_DOTS :]]
    yield tag(
        "figure",
        tag("div", charts.draw_plane(drawn, label, WIDE, in_order=in_order), class_="wide"),
        tag("div", charts.draw_plane(drawn, label, NARROW, in_order=in_order), class_="narrow"),
        class_="plane",
    )
    yield _table(front, names)


def _dot(front: Front, point: Point, name: str, mean: float, worst_off: float) -> charts.Dot:
    says = f"{name} ({point.measured}): mean {mean:.2f}, worst-off {worst_off:.2f}, Gini {number(point.inequality)}"
    return charts.Dot(name, mean, worst_off, front.best(point), says)


def _table(front: Front, names: Sequence[str]) -> Html:
    heads = ("Point", "measured on", "mean", "worst-off", "Gini", "on the front")
    rows = []
    for name, point in list(zip(names, front.points, strict=True))[-100:]:
        cells = (
            point.measured,
            number(point.mean),
            number(point.worst_off),
            number(point.inequality),
            "yes" if front.best(point) else "no",
        )
        rows.append(tag("tr", tag("th", name, scope="row"), (tag("td", cell) for cell in cells)))
    head = tag("thead", tag("tr", (tag("th", head, scope="col") for head in heads)))
    return tag("details", tag("summary", "The numbers as a table"), scrolled(tag("table", head, tag("tbody", rows))))
