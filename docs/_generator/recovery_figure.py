"""The figure of the ultimatum game in docs/benchmarks.md: recovery over the epochs, from the table there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

BENCHMARKS: Final = Path(__file__).parents[1] / "benchmarks.md"
PANELS: Final = {
    "One policy": {"selfish": "first", "altruistic": "second", "fair": "third"},
    "Two policies": {
        "9-selfish-1-altruistic": "first",
        "1-selfish-9-altruistic": "second",
        "5-selfish-5-altruistic": "third",
    },
    "Manners that agree or contradict": {
        "selfish-rude": "first",
        "altruistic-polite": "fourth",
        "selfish-polite": "second",
        "altruistic-rude": "third",
    },
}
"""Panel -> its groups, and how each is drawn."""
TITLE: Final = "Share of proposals that meet the hidden policy, by epoch, in the simulated society: a plumbing check"
EPOCHS: Final = 6
WIDTH, LEFT, STEP, TOP, HEIGHT, ROW = 290, 34, 30, 74, 150, 20
STYLE: Final = """\
.recovery { --ink: #1d2024; --soft: #565c66; --line: #dedcd4; --accent: #0b6b62; --other: #a8480a; }
@media (prefers-color-scheme: dark) {
.recovery { --ink: #e9e7e1; --soft: #a6abb5; --line: #343a43; --accent: #5cc9bb; --other: #f3a264; }
}
.recovery text { fill: var(--ink); font-size: 13px; }
.recovery .soft { fill: var(--soft); font-size: 12px; }
.recovery .grid { stroke: var(--line); stroke-width: 1; }
.recovery path { fill: none; stroke-width: 2.2; }
.recovery .first { stroke: var(--accent); }
.recovery .second { stroke: var(--other); stroke-dasharray: 7 4; }
.recovery .third { stroke: var(--ink); stroke-dasharray: 2 4; }
.recovery .fourth { stroke: var(--soft); }
.recovery .range { stroke-dasharray: none; stroke-width: 1.6; }"""


class Group(NamedTuple):
    """The mean recovery of a group of players in each epoch, and of its product on unseen things with the interval."""

    epochs: tuple[float, ...]
    unseen: tuple[float, float, float]


def groups(page: str) -> dict[str, Group]:
    """Read the table of the game."""
    table = page.partition("<!-- norms:begin -->")[2].partition("<!-- norms:end -->")[0]
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")] for row in re.findall(r"^\| [a-z0-9].*\|$", table, re.M)
    ]
    return {
        name: Group(tuple(map(float, epochs)), tuple(map(float, re.findall(r"[\d.]+", unseen))))  # type: ignore[arg-type]
        for name, _, _, unseen, _, _, *epochs in rows
        if name != "group"
    }


def figure() -> str:
    """Draw the figure as SVG."""
    found = groups(BENCHMARKS.read_text(encoding="utf-8"))
    most = max(map(len, PANELS.values()))
    height = TOP + HEIGHT + 34 + ROW * most
    parts = [
        '<svg class="recovery" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {WIDTH * len(PANELS)} {height}" '
        "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif\">",
        f"<title>{TITLE}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<text class="soft" x="{LEFT}" y="20">{TITLE}</text>',
    ]
    for place, (title, series) in enumerate(PANELS.items()):
        parts += _panel(title, {name: (look, found[name]) for name, look in series.items()}, WIDTH * place + LEFT)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(title: str, series: dict[str, tuple[str, Group]], left: int) -> Iterator[str]:
    bottom = TOP + HEIGHT
    yield f'<text x="{left}" y="{TOP - 22}">{title}</text>'
    for tick in (0, 0.5, 1):
        yield f'<path class="grid" d="M{left} {_y(tick)}H{left + STEP * (EPOCHS + 1)}"/>'
        yield f'<text class="soft" x="{left - 6}" y="{_y(tick) + 4}" text-anchor="end">{tick:g}</text>'
    for epoch in range(1, EPOCHS + 1):
        yield f'<text class="soft" x="{_x(left, epoch)}" y="{bottom + 18}" text-anchor="middle">{epoch}</text>'
    aside = _x(left, EPOCHS + 1) + 6
    yield f'<text class="soft" x="{aside + 6}" y="{bottom + 18}" text-anchor="middle">unseen</text>'
    for place, (name, (look, group)) in enumerate(series.items()):
        points = " L".join(f"{_x(left, n)} {_y(share)}" for n, share in enumerate(group.epochs, 1))
        yield f'<path class="{look}" d="M{points}"/>'
        share, low, high = group.unseen
        x, y, row = aside + 7 * (place - 1), _y(share), bottom + 44 + ROW * place
        yield f'<path class="{look} range" d="M{x} {_y(low)}V{_y(high)}M{x - 4} {y}l4 -4l4 4l-4 4z"/>'
        yield f'<path class="{look}" d="M{left} {row - 4}h30"/><text x="{left + 38}" y="{row}">{name}</text>'


def _x(left: int, epoch: int) -> int:
    return left + STEP * epoch - STEP // 2


def _y(share: float) -> int:
    return round(TOP + HEIGHT * (1 - share))
