"""Measure what an evaluation finds where the truth is known: societies, broken rules, planted judges.

python -m benchmarks.evaluate --part order      # writes its table in docs/benchmarks.md
python -m benchmarks.evaluate --part order --societies 5      # a quick look, printed only
"""

from __future__ import annotations

import argparse
import datetime
import importlib

from benchmarks.documents import write_between
from benchmarks.evaluate.shares import HEAD
from benchmarks.measuring import cpu

PARTS = {"order": 50, "coverage": 500, "regression": 50, "tenet": 50, "judges": 10, "cpu": 3}
"""Part, which is a module -> its number of societies, data sets or repeats."""


def main() -> None:
    """Parse, measure, print, and write the table unless it was a quick look."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluate", description=__doc__)
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--societies", type=int, help="the number of societies, data sets or repeats")
    given = parser.parse_args()
    count = given.societies or PARTS[given.part]
    before = cpu()
    rows = [str(row) for row in importlib.import_module(f"benchmarks.evaluate.{given.part}").rows(given.seed, count)]
    minutes = (cpu() - before) / 60
    command = f"python -m benchmarks.evaluate --part {given.part}"
    date = datetime.datetime.now(tz=datetime.UTC).date()
    text = "\n".join((*HEAD, *rows, "", f"{date}: `{command}`, seed {given.seed}, {minutes:.0f} minutes of CPU."))
    print(text)
    if given.societies is None:
        write_between(f"evaluate-{given.part}", text)


if __name__ == "__main__":
    main()
