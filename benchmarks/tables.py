"""Write the tables in `docs/benchmarks.md` between their markers, from the measurements.

python benchmarks/tables.py        # writes them again from results.json
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workloads import IN_FLIGHT, WORKLOADS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
DISTURBED = 0.25
"""A client that waited longer for a core, as a share of its time, is left out of wall times."""
TITLES = {
    "sockets": "bare sockets (no client)",
    "scai": "**scai**",
    "scai-plain": "scai, httpx2 transport",
    "scai-sweep": "scai, `scai sweep --at-once 64`, with its start",
    "official": "official client",
    "official-aiohttp": "official client, aiohttp transport",
    "langchain": "LangChain, async",
    "inspect": "inspect_ai",
    "langchain-sync": "LangChain, one call after the other",
}


def write_tables(results: dict[str, Any]) -> None:
    """Write the machine and the tables into their places."""
    parts = {
        "machine": ", ".join(f"{name} {value}" for name, value in results["machine"].items()),
        "tables": "\n\n".join(table(group) for group in results["groups"]),
    }
    if "layers" in results:
        parts["layers"] = layers(results["layers"])
    text = PAGE.read_text()
    for name, part in parts.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = between.sub(lambda found, part=part: f"{found[1]}{part}\n{found[2]}", text)
    PAGE.write_text(text)


def table(group: dict[str, Any]) -> str:
    """Return the table of one workload at one latency."""
    load, latency, calls = WORKLOADS[group["workload"]], group["latency"], group["calls"]
    base = [run["cpu_s"] for run in group["runs"].get("official", ())]
    lines = [
        f"### {load.name} at {latency * 1000:.0f} ms: {load.what}",
        "",
        f"{calls:,} calls; the limit is {formula(group)}. Measured on {group['date']}.",
        "",
        "| client | wall / limit | CPU per call, ms | of the official client's | peak MB | start, CPU s | kB a request "
        "| server, cores | others, cores | starved | n |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, runs in group["runs"].items():
        if not runs:
            continue
        wall = [run["wall_s"] / group["limit"] for run in runs]
        starved = statistics.median(run["starved"] for run in runs)
        cpu = [run["cpu_s"] / calls * 1000 for run in runs]
        share = f"{statistics.median(run['cpu_s'] for run in runs) / statistics.median(base):.2f}" if base else ""
        cells = [
            TITLES[name],
            spread(wall, 2) if starved <= DISTURBED else "disturbed",
            spread(cpu, 2),
            share,
            f"{max(run['peak_mb'] for run in runs):.0f}",
            f"{statistics.median(run['start_s'] for run in runs):.1f}",
            f"{statistics.median(run['bytes'] for run in runs) / calls / 1000:.1f}",
            f"{statistics.median(run['server_s'] / run['whole_s'] for run in runs):.2f}",
            f"{statistics.median(run['others'] for run in runs):.2f}",
            f"{starved:.0%}",
            str(len(runs)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def formula(group: dict[str, Any]) -> str:
    """Return how the limit is computed, with its numbers."""
    calls, latency, limit = group["calls"], group["latency"], group["limit"]
    steps = round(limit / latency)
    if limit > latency * calls / IN_FLIGHT:
        return f"{steps} steps one after the other x {latency:g} s = {limit:.2f} s"
    return f"{calls:,} calls x {latency:g} s / {IN_FLIGHT} in flight = {limit:.2f} s"


def spread(values: Sequence[float], digits: int) -> str:
    """Return median (least to most)."""
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def layers(found: dict[str, Any]) -> str:
    """Return the table of the cost of each layer per call."""
    lines = ["| what | CPU per call, ms |", "|---|---|"]
    lines += [f"| {name} | {spread(values, 3)} |" for name, values in found["costs"].items()]
    return "\n".join([*lines, "", f"Measured on {found['date']}, {found['calls']:,} calls a repeat."])


if __name__ == "__main__":
    write_tables(json.loads((Path(__file__).parent / "results.json").read_text()))
