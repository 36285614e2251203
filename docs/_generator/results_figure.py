"""The figure of docs/results.md: what newcomers gain under seven texts, from the table of docs/benchmarks.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

BENCHMARKS: Final = Path(__file__).parents[1] / "benchmarks.md"
SHOWN: Final = {
    "best for the members": "the best text for the members",
    "grounded + ratify": "edits, the users approve each rule (default)",
    "rewrite + ratify": "rewrite, the users approve each rule",
    "grounded + improves": "edits, adopt on trial",
    "rewrite + always": "rewrite, adopt always (the original SCAI)",
    "one-shot, from all portraits": "one text from all portraits",
    "empty, and ask": "no rules, but ask for two wishes",
}
TITLE: Final = "Gain of newcomers in simulated societies, share of the possible, with 95 % intervals"
LEFT, RIGHT, TOP, ROW, MOST = 330, 720, 46, 38, 1.0
STYLE: Final = """\
.results { --ink: #1d2024; --soft: #565c66; --line: #dedcd4; --accent: #0b6b62; }
@media (prefers-color-scheme: dark) {
.results { --ink: #e9e7e1; --soft: #a6abb5; --line: #343a43; --accent: #5cc9bb; }
}
.results text { fill: var(--ink); font-size: 14px; }
.results .soft { fill: var(--soft); font-size: 12.5px; }
.results .grid { stroke: var(--line); }
.results .range { stroke: var(--accent); stroke-width: 3; stroke-linecap: round; }
.results circle { fill: var(--accent); }"""


class Gain(NamedTuple):
    """The gain of newcomers under a text, as a share of the possible, with its 95 % interval."""

    share: float
    low: float
    high: float


def gains(page: str) -> dict[str, Gain]:
    """Read the first table of all rows."""
    table = page.partition("### All rows")[2].partition("###")[0]
    pattern = r"^\| \**([a-z][^|*]+?)\** \| [^|]+ \| [^|]+ \| (-?[\d.]+) \[(-?[\d.]+), (-?[\d.]+)\] \|"
    return {name: Gain(*map(float, numbers)) for name, *numbers in re.findall(pattern, table, re.MULTILINE)}


def figure() -> str:
    """Draw the figure as SVG."""
    found = gains(BENCHMARKS.read_text(encoding="utf-8"))
    bottom = TOP + ROW * len(SHOWN)
    parts = [
        f'<svg class="results" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {bottom + 40}" role="img" '
        "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif\">",
        f"<title>{TITLE}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<text class="soft" x="16" y="22">{TITLE}</text>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<path class="grid" d="M{_x(tick)} {TOP - 10}V{bottom}"/>')
        parts.append(f'<text class="soft" x="{_x(tick)}" y="{bottom + 20}" text-anchor="middle">{tick:g}</text>')
    for place, (name, words) in enumerate(SHOWN.items()):
        y, gain = TOP + ROW * place + 14, found[name]
        parts.append(f'<text x="{LEFT - 16}" y="{y + 5}" text-anchor="end">{words}</text>')
        parts.append(f'<path class="range" d="M{_x(gain.low)} {y}H{_x(gain.high)}"/>')
        parts.append(f'<circle cx="{_x(gain.share)}" cy="{y}" r="5"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(share: float) -> int:
    return round(LEFT + (RIGHT - LEFT) * share / MOST)
