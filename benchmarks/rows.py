"""Measure memory and speed of `scai generate` with simulated users: neither may depend on the number of rows.

    python benchmarks/rows.py --rows 20000

There are as many tasks as rows, from a JSONL file, with users by turns, one revision, ratings and a judge: 17 calls per
row. Then the last tenth of the rows is cut off and made again from its calls. The speed is of CPU time, so that other
work on the machine does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from memory import _peak_mb

from scai_cli.datasets.generate.row import GeneratedRow
from scai_cli.jobs.session import SilentObserver

if TYPE_CHECKING:
    from scai_cli.jobs.generate_source import GenerateOptions

CONSTITUTION = """\
principles: [Give an example for what you say., Use bullet points., Ask what the person needs.]
contract:
- {text: Keep every answer short., for: [ann]}
"""
PEOPLE = """\
- {id: ann, description: Ann wants it short., preferences: {concise: 1.0, warm: 0.5}}
- {id: bob, description: Bob wants it long., preferences: {detailed: 1.0, formal: 0.5}}
- {id: cid, description: Cid wants sources., preferences: {names_source: 1.0}}
"""


@dataclass(frozen=True)
class Measured:
    """`rates`: rows per second of CPU in each tenth; `peak_mb`: the most memory that was resident."""

    rows: int
    seconds: float
    peak_mb: float
    rates: list[float]

    @property
    def slowdown(self) -> float:
        """Return how much longer a row takes in the last three tenths than in the first three: 0.2 is 20 %."""
        return sum(1 / rate for rate in self.rates[-3:]) / sum(1 / rate for rate in self.rates[:3]) - 1


class Clock(SilentObserver):
    """Records the CPU time at the first and last row of each tenth."""

    def __init__(self, every: int) -> None:
        self.every = max(1, every)
        self.count = 0
        self.times = [time.process_time()]

    def see(self, row: object) -> None:
        self.count += isinstance(row, GeneratedRow)
        if isinstance(row, GeneratedRow) and self.count % self.every == 0:
            self.times.append(time.process_time())


def measure(rows: int, folder: Path, *, again: bool = False) -> Measured:
    """Make this many rows in a process of its own, or the last tenth of them again."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, __file__, "--rows", str(rows), "--inside", str(folder)]
    done = subprocess.run([*command, *(["--again"] if again else [])], stdout=subprocess.PIPE, check=True)
    return Measured(**json.loads(done.stdout))


def _inside(rows: int, folder: Path, again: bool) -> Measured:
    from scai_cli.jobs.generate import resume, start
    from scai_cli.jobs.generate_source import read_source

    made = rows // 10 if again else rows
    clock, began = Clock(made // 10), time.monotonic()
    if again:
        outcome = asyncio.run(resume(folder / "set", (), clock))
    else:
        options = _options(rows, folder)
        outcome = asyncio.run(start(read_source(options, folder), options, folder, "set", clock))
    assert outcome.result.rows == rows, outcome
    rates = [clock.every / (end - start) for start, end in pairwise(clock.times)]
    return Measured(made, time.monotonic() - began, _peak_mb(), rates)


def _options(rows: int, folder: Path) -> GenerateOptions:
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.generate_source import GenerateOptions

    (folder / "rules.yaml").write_text(CONSTITUTION, encoding="utf-8")
    (folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    with (folder / "tasks.jsonl").open("w", encoding="utf-8") as file:
        for n in range(rows):
            task = {"id": f"t{n}", "prompt": f"How do I plan a dinner for {n} people in my garden?"}
            file.write(json.dumps(task) + "\n")
    options = GenerateOptions(str(folder / "rules.yaml"), folder / "tasks.jsonl", rows)
    return replace(options, personas=folder / "people.yaml", overrides=Overrides(model="simulated"))


def cut(folder: Path, rows: int) -> None:
    """Remove the last tenth of the rows, as if the set had been killed there; its calls stay."""
    path = folder / "set" / "rows.jsonl"
    with path.open("rb+") as file:
        for _ in range(rows - rows // 10):
            file.readline()
        file.truncate(file.tell())


def main() -> int:
    parser = argparse.ArgumentParser(description="peak memory and pace of generating rows, and of a resume")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(vars(_inside(args.rows, args.inside, args.again))))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what in ("generate", "resume at nine tenths"):
            if again := what != "generate":
                cut(folder, args.rows)
            found = measure(args.rows, folder, again=again)
            print(f"{what}: {found.rows:,} rows in {found.seconds:.0f} s, peak {found.peak_mb:.0f} MB")
            if not again:
                print(f"  rows per CPU second, by tenths: {' '.join(f'{rate:,.0f}' for rate in found.rates)}")
                print(f"  time a row, last three tenths against the first three: {found.slowdown:+.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
