"""A drawing of the renderer as markup of the page: only known shapes and attributes are kept."""

import re
from typing import Final
from xml.etree import ElementTree

from scai_cli.display.report.html import Html, tag

_SHAPES: Final = frozenset({"g", "path", "line", "rect", "circle", "text", "tspan"})
_KEPT: Final = frozenset(
    (
        *("d", "transform", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "width", "height", "r", "cx", "cy"),
        *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-miterlimit", "stroke-opacity"),
        *("opacity", "text-anchor", "font-size", "font-weight"),
    )
)
_DEFAULTS: Final = {("opacity", "1"), ("stroke-width", "1"), ("fill-opacity", "1")}
_LONG: Final = re.compile(r"-?\d+\.\d{3,}")


def read_svg(drawing: str, label: str) -> Html:
    """Return the drawing as an image with a text alternative; the labels of its points are in `data-tip`."""
    root = ElementTree.fromstring(drawing)  # noqa: S314 - from the renderer; entities are not expanded into the page
    children = [_shape(child) for child in root]
    box = root.get("viewBox", "")
    width = box.split()[2]
    return tag(
        "svg", *children, viewBox=box, width=width, role="img", aria_label=label, class_="chart", focusable="false"
    )


def _shape(element: ElementTree.Element) -> Html | None:
    name = element.tag.rpartition("}")[2]
    if name not in _SHAPES or element.get("display") == "none":
        return None
    children = [piece for child in element if (piece := _shape(child)) is not None]
    if name == "g" and not children:
        return None
    kept = {
        key.replace("-", "_"): _short(value)
        for key, value in element.attrib.items()
        if key in _KEPT and (key, value) not in _DEFAULTS
    }
    if element.get("aria-roledescription") == "point":
        kept["data_tip"] = element.get("aria-label", "")
    if name == "path" and not ({"fill", "stroke"} & kept.keys()):
        return None
    return tag(name, element.text, *children, **kept)


def _short(value: str) -> str:
    """Round numbers to a hundredth of a pixel."""
    return _LONG.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
