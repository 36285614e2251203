"""Measure how fast `scai report` writes the page of a large run, and how large the page is.

    python benchmarks/reporting.py --events 100000

The run is the one that benchmarks/reading.py writes. Prints a JSON line: seconds until the page is written, the peak of
resident memory, and the page in kilobytes; also the start-up time of the interpreter and the chart libraries.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from reading import make, measured

START = "import altair, vl_convert; vl_convert.vegalite_to_svg({'mark': 'point', 'data': {'values': []}})"


def main() -> int:
    parser = argparse.ArgumentParser(description="scai report of a large run")
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
