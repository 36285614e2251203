"""Charts: altair's Vega-Lite specifications, rendered to SVG by vl-convert when the report is made.

The page needs no chart library then: it stays small, prints well, and takes its colours from the style sheet, so that
light and dark are one drawing. Needs the extra `report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from scai_cli.display.report.html import Html
from scai_cli.display.report.svg import read_svg
from scai_cli.errors import RunError
from scai_cli.text.data_files import read_data_file

if TYPE_CHECKING:
    import altair as alt

ACCENT, INK, CARD = (f"var(--{name})" for name in ("accent", "ink", "card"))
_ROWS: Final = "rows"

Rows = Sequence[Mapping[str, Any]]

_NEEDED: Final = {"altair": "altair", "vl-convert-python": "vl_convert"}
_LOOK: Final = read_data_file(__file__)
"""The config of every Vega-Lite specification."""


def check_installed() -> None:
    """Raise RunError, with the remedy, if the libraries that draw are not installed."""
    missing = [name for name, module in _NEEDED.items() if not find_spec(module)]
    if missing:
        raise RunError(f"a report's charts need {' and '.join(missing)}: pip install 'scai-cli[report]'")


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
