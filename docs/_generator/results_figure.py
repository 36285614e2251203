"""The figure of docs/results.md: the regret of five combinations, from the tables of docs/benchmarks.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

BENCHMARKS: Final = Path(__file__).parents[1] / "benchmarks.md"
SHOWN: Final = {
    "rewrite + always": "rewrite, adopt always (the original SCAI)",
    "edits + always": "edits, adopt always",
    "candidates + vote": "several candidates, the users vote",
    "grounded + improves": "edits with evidence, adopt on trial",
    "grounded + vote": "edits with evidence, the users vote",
}
TITLE: Final = "Median regret in 60 simulated societies, with 95 % intervals (less is better)"
LEFT, RIGHT, TOP, ROW, MOST = 330, 720, 46, 38, 0.2
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


class Regret(NamedTuple):
    """The median regret of a combination with its 95 % interval."""

    median: float
    low: float
    high: float


def regrets(page: str) -> dict[str, Regret]:
    """Read the table of all combinations."""
    rows = re.findall(r"^\| \**([a-z_+, ]+?)\** \| ([\d.]+) \[([\d.]+), ([\d.]+)\] \|", page, re.MULTILINE)
    return {name: Regret(*map(float, numbers)) for name, *numbers in rows}


def figure() -> str:
    """Draw the figure as SVG."""
    found = regrets(BENCHMARKS.read_text(encoding="utf-8"))
    bottom = TOP + ROW * len(SHOWN)
    parts = [
        f'<svg class="results" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {bottom + 40}" role="img" '
        "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif\">",
        f"<title>{TITLE}</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<text class="soft" x="16" y="22">{TITLE}</text>',
    ]
    for tick in (0, 0.05, 0.1, 0.15, 0.2):
        parts.append(f'<path class="grid" d="M{_x(tick)} {TOP - 10}V{bottom}"/>')
        parts.append(f'<text class="soft" x="{_x(tick)}" y="{bottom + 20}" text-anchor="middle">{tick:g}</text>')
    for place, (name, words) in enumerate(SHOWN.items()):
        y, regret = TOP + ROW * place + 14, found[name]
        parts.append(f'<text x="{LEFT - 16}" y="{y + 5}" text-anchor="end">{words}</text>')
        parts.append(f'<path class="range" d="M{_x(regret.low)} {y}H{_x(regret.high)}"/>')
        parts.append(f'<circle cx="{_x(regret.median)}" cy="{y}" r="5"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(regret: float) -> int:
    return round(LEFT + (RIGHT - LEFT) * regret / MOST)
