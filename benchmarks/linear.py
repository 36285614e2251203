"""Measure how the time of each stage that handles a model's text grows with its length.

    python benchmarks/linear.py [--mb 1 2 4] [--stages NAME...] [--most 2.6] [--limit 20]

For each stage and each hostile shape it prints the seconds of processor time at each size and the largest ratio of two
neighbouring sizes; a stage with a ratio over `--most` is marked. Sizes that take over `--limit` seconds end the row.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from stages import SHAPES, STAGES, text_of  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, nargs="+", default=[1, 2, 4])
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=list(STAGES))
    parser.add_argument("--most", type=float, default=2.6)
    parser.add_argument("--limit", type=float, default=20.0)
    args = parser.parse_args()
    for stage in args.stages:
        for shape in SHAPES:
            times: list[float] = []
            for mb in args.mb:
                text = text_of(shape, round(mb * 1e6))
                began = time.process_time()
                STAGES[stage](text)
                times.append(time.process_time() - began)
                if times[-1] > args.limit:
                    break
            # Below 50 ms, the clock and the rest of the machine are most of a ratio.
            ratio = max((b / max(a, 0.05) for a, b in pairwise(times)), default=0.0)
            marked = ratio > args.most or times[-1] > args.limit
            seconds = " ".join(f"{seconds:8.3f}" for seconds in times)
            print(f"{stage:20} {shape:20} {seconds}  {ratio:5.2f}{'  <--' if marked else ''}", flush=True)


if __name__ == "__main__":
    main()
