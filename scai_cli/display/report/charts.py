"""Charts: altair's Vega-Lite specifications, rendered to SVG by vl-convert when the report is made.

The page needs no chart library then: it stays small, prints well, and takes its colours from the style sheet, so that
light and dark are one drawing. Without the extra `report` pages have tables only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from scai_cli.display.numbers import sentence_case
from scai_cli.display.report.html import Html, note
from scai_cli.display.report.svg import read_svg
from scai_cli.text.data_files import read_data_file

if TYPE_CHECKING:
    import altair as alt

ACCENT, INK, CARD = (f"var(--{name})" for name in ("accent", "ink", "card"))
_ROWS: Final = "rows"

Rows = Sequence[Mapping[str, Any]]

_NEEDED: Final = {"altair": "altair", "vl-convert-python": "vl_convert"}
_LOOK: Final = read_data_file(__file__)
"""The config of every Vega-Lite specification."""


def undrawn() -> str:
    """Return why a page has tables in place of charts, with the remedy; empty if the libraries that draw are there."""
    if all(map(find_spec, _NEEDED.values())):
        return ""
    return f"charts are left out, their numbers are in tables; to draw them: pip install {' '.join(_NEEDED)}"


def undrawn_note() -> Html | None:
    """Return `undrawn` as a note for the page, None if there is nothing to say."""
    return note(f"{sentence_case(words)}.") if (words := undrawn()) else None


def chart() -> alt.Chart:
    """Return an empty chart over the rows."""
    import altair as alt

    return alt.Chart(alt.NamedData(name=_ROWS))


def drawn(layers: Sequence[alt.Chart], rows: Rows, size: tuple[int, int], label: str) -> Html:
    """Draw the layers over the rows as one SVG of a size in pixels, with its text alternative.

    The rows are added after altair is done with the specification: it would check every row.
    """
    import altair as alt
    import vl_convert

    width, height = size
    spec = alt.layer(*layers).properties(width=width, height=height).to_dict(validate=False)
    svg = vl_convert.vegalite_to_svg({**spec, "datasets": {_ROWS: rows}, "config": _LOOK}, allowed_base_urls=[])
    return read_svg(svg, label)
