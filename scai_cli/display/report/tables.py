"""Tables, and heat maps, which are tables so that their numbers can be read."""

from collections.abc import Iterable, Sequence

from scai_cli.display.numbers import number
from scai_cli.display.report.html import Child, Html, tag

MOST_ROWS = 100
"""The maximal number of rows of a table beside a chart."""
_SHADES = 10


def table(heads: Sequence[Child], rows: Iterable[tuple[Child, Sequence[Child]]], *, words: bool = False) -> Html:
    """Return a table of (name, cells) rows; `words` sets its cells as text rather than as numbers."""
    head = tag("thead", tag("tr", (tag("th", head, scope="col") for head in heads)))
    body = (tag("tr", tag("th", name, scope="row"), (tag("td", cell) for cell in cells)) for name, cells in rows)
    return _scrolled(tag("table", head, tag("tbody", body), class_="words" if words else None))


def folded(table: Html, *notes: Child, opened: bool = False) -> Html:
    """Return the table of a chart, folded away."""
    return tag("details", tag("summary", "The numbers as a table"), table, notes, open=opened)


def heat_map(columns: Sequence[str], rows: Iterable[tuple[str, Sequence[Html]]], caption: str | None = None) -> Html:
    """Return a heat map of cells made by `shade`; short column names are set upright."""
    upright = all(len(name) <= 4 for name in columns)
    head = tag("tr", tag("td"), (tag("th", tag("span", name), scope="col") for name in columns))
    body = (tag("tr", tag("th", name, scope="row"), cells) for name, cells in rows)
    return _scrolled(
        tag(
            "table",
            tag("caption", caption) if caption else None,
            tag("thead", head),
            tag("tbody", body),
            class_="heat small" if upright else "heat",
        )
    )


def shade(value: float, low: float, high: float, digits: int, *, own: bool = False) -> Html:
    """Return a cell of a heat map: its number, on one of ten shades from `low` to `high`."""
    step = min(_SHADES - 1, max(0, int((value - low) / (high - low) * _SHADES)))
    return tag("td", number(value, digits), class_=f"h{step}{' own' if own else ''}")


def unshaded(text: str, *, own: bool = False) -> Html:
    """Return a cell of a heat map without a number."""
    return tag("td", text, class_="own" if own else None)


def _scrolled(table: Html) -> Html:
    """Wrap a table so that it scrolls by itself on a narrow screen."""
    return tag("div", table, class_="scroll", tabindex=0)
