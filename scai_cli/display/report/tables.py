"""Tables, and heat maps, which are tables so that their numbers can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scai_cli.analysis.verdicts import rounded
from scai_cli.display.numbers import listed, number
from scai_cli.display.report.html import Child, Html, tag

MOST_ROWS = 100
"""The maximal number of rows of a table beside a chart."""
_SHADES = 10
_MOST_LEVEL = 5
"""The maximal number of columns of a heat map whose names are set level; those of more are set upright."""


def table(
    heads: Sequence[Child], rows: Iterable[tuple[Child, Sequence[Child]]], *, words: bool = False, label: str = ""
) -> Html:
    """Return a table of (name, cells) rows; `words` sets its cells as text, `label` is its name for screen readers."""
    head = tag("thead", tag("tr", (tag("th", head, scope="col") if head else tag("td") for head in heads)))
    body = (tag("tr", tag("th", name, scope="row"), (tag("td", cell) for cell in cells)) for name, cells in rows)
    says = label or f"Table: {listed([head for head in heads if head and isinstance(head, str)], 3)}"
    return _scrolled(tag("table", head, tag("tbody", body), class_="words" if words else None), says)


def folded(table: Html, *notes: Child, opened: bool = False) -> Html:
    """Return the table of a chart, folded away."""
    return tag("details", tag("summary", "The numbers as a table"), table, notes, open=opened, class_="folded")


def heat_map(columns: Sequence[str], rows: Iterable[tuple[str, Sequence[Html]]], caption: str) -> Html:
    """Return a heat map of cells made by `Shades.cell`."""
    is_level = len(columns) <= _MOST_LEVEL
    head = tag("tr", tag("td"), (tag("th", tag("span", name), scope="col") for name in columns))
    body = (tag("tr", tag("th", name, scope="row"), cells) for name, cells in rows)
    parts = (tag("caption", caption), tag("thead", head), tag("tbody", body))
    return _scrolled(tag("table", parts, class_="heat level" if is_level else "heat"), caption)


def heat_rows(
    columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float | None]]], scale: tuple[float, float], caption: str
) -> Iterator[Html]:
    """Yield the legend and the heat map of (name, numbers) rows, whose numbers are on `scale`."""
    shades = Shades.of(value for _, values in rows for value in values)
    yield shades.legend(scale)
    yield heat_map(columns, ((name, [shades.cell(value) for value in values]) for name, values in rows), caption)


@dataclass(frozen=True, slots=True)
class Shades:
    """The colours of a heat map, from the lowest to the highest of the numbers that it shows."""

    low: float
    high: float
    digits: int = 1

    @classmethod
    def of(cls, values: Iterable[float | None], digits: int = 1) -> Shades:
        """Return the colours for these numbers."""
        known = [rounded(value, digits) for value in values if value is not None]
        return cls(min(known, default=0.0), max(known, default=0.0), digits)

    def cell(self, value: float | None, missing: str = "–") -> Html:
        """Return a number on its colour, or a cell with the text for a missing one."""
        if value is None:
            return tag("td", missing)
        room = self.high - self.low
        step = int((rounded(value, self.digits) - self.low) / room * _SHADES) if room else _SHADES // 2
        return tag("td", number(value, self.digits), class_=f"h{min(_SHADES - 1, step)}")

    def legend(self, scale: tuple[float, float]) -> Html:
        """Return the colours with their ends, and the scale of the numbers."""
        ends = [number(end, self.digits) for end in (self.low, self.high)]
        swatches = tag(
            "span", (tag("i", class_=f"h{n}") for n in range(_SHADES)), class_="swatches", aria_hidden="true"
        )
        whole = f" on a scale from {scale[0]:g} to {scale[1]:g}; stronger colour is higher"
        return tag("p", swatches, f"{ends[0]} to {ends[1]}", whole, class_="note legend")


def _scrolled(table: Html, label: str) -> Html:
    """Wrap a table so that it scrolls by itself on a narrow screen; then its style says so."""
    return tag("div", table, class_="scroll", tabindex=0, role="group", aria_label=label)
