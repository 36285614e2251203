"""Measure how fast `scai report` writes the page of a large run, and how soon `scai view` shows it.

    python benchmarks/reporting.py --events 100000

The run is the one that benchmarks/reading.py writes. Prints a JSON line for each of these:

- `start`: the start-up time of the interpreter and the chart libraries,
- `report`: seconds until the page is written, the peak of resident memory, and the page in kilobytes,
- `view`: seconds of a server that has started and not read the run, until the first page about it is complete
  (`page_s`) and, if Playwright and a Chromium are there, until the browser has painted it (`paint_s`), each beside
  `json.loads` over each line of the events in the same moment (`json_s`). The smallest of the repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reading import make, measured

START = "import altair, vl_convert; vl_convert.vegalite_to_svg({'mark': 'point', 'data': {'values': []}})"
PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
  const paint = list.getEntriesByName("first-contentful-paint")[0];
  if (paint) done(paint.startTime);
}).observe({type: "paint", buffered: true}))"""
WARM_S = 4.0
"""A new server draws a chart in the background."""


def main() -> int:
    parser = argparse.ArgumentParser(description="scai report and scai view of a large run")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / "big", args.events)
        report = [sys.executable, "-m", "scai_cli", "report", "big", "--runs-dir", folder, "-o", "-"]
        for name, command in {"start": [sys.executable, "-c", START], "report": report}.items():
            found = min((measured(command) for _ in range(args.repeat)), key=lambda told: told["wall_s"])
            told = {key: found[key] for key in ("wall_s", "peak_mb", "exit")}
            print(json.dumps({"what": name, "events": args.events, **told, "page_kb": found["output_kb"]}), flush=True)
        print(json.dumps({"what": "view", "events": args.events, **viewed(Path(folder), args.repeat)}), flush=True)
    return 0


def viewed(runs: Path, repeat: int) -> dict[str, float | None]:
    """Return the smallest times of a first page, of its paint and of `json.loads`, measured in turns."""
    log = runs / "big" / "events.jsonl"
    times: dict[str, list[float]] = {"json_s": [], "page_s": [], "paint_s": []}
    command = [sys.executable, "-m", "scai_cli", "view", "--port", "0", "--runs-dir", str(runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        address = f"{server.stdout.readline().strip()}/runs/big"
        time.sleep(WARM_S)
        try:
            for _ in range(repeat):
                times["json_s"].append(loads(log))
                os.utime(log)  # nothing that was read before counts
                began = time.perf_counter()
                urllib.request.urlopen(address).read()
                times["page_s"].append(time.perf_counter() - began)
                os.utime(log)
                times["paint_s"] += painted(address)
        finally:
            server.terminate()
    least = {name: round(min(values), 3) if values else None for name, values in times.items()}
    page, plain = least["page_s"], least["json_s"]
    assert page is not None
    assert plain is not None
    return {**least, "page_to_json": round(page / plain, 2)}


def loads(log: Path) -> float:
    """Return the seconds of `json.loads` over each line."""
    began = time.perf_counter()
    with log.open("rb") as file:
        for line in file:
            json.loads(line)
    return time.perf_counter() - began


def painted(address: str) -> Iterator[float]:
    """Yield the seconds from the navigation to the first paint of content, nothing without a browser."""
    with page_of_a_browser() as page:
        if page is not None:
            page.goto(address, timeout=120_000)
            yield page.evaluate(PAINT) / 1000


@contextmanager
def page_of_a_browser() -> Iterator[Any]:
    """Open a page of a headless Chromium, or None without one."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        yield None
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
