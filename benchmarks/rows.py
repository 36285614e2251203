"""Measure memory and speed of `scai generate` with simulated users: neither may depend on the number of rows.

    python benchmarks/rows.py --rows 20000 --shards 4

There are as many tasks as rows, from a JSONL file, with users by turns, one revision, ratings and a judge: 17 calls per
row. With `--shards` they are made once more in as many processes, and the joined rows must be the same. Then the last
tenth of the rows is cut off and made again from its calls. The speed is of CPU time, so that other work on the machine
does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from memory import _peak_mb

from scai_cli.datasets.generate.row import GeneratedRow
from scai_cli.jobs.session import SilentObserver

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


def measure(rows: int, folder: Path, *, again: bool = False, settings: Sequence[str] = ()) -> Measured:
    """Make this many rows in a process of its own, or the last tenth of them again."""
    if not again:
        write_sources(rows, folder)
    (found,) = _measured(rows, folder, [["--again"] if again else []], settings)
    return found


def measure_shards(rows: int, folder: Path, shards: int, settings: Sequence[str] = ()) -> list[Measured]:
    """Make the rows in this many processes at the same time, each a shard of the set."""
    borders = [rows * shard // shards for shard in range(shards + 1)]
    return _measured(rows, folder, [["--part", f"{first}:{end}"] for first, end in pairwise(borders)], settings)


def digest(sets: Iterable[Path]) -> str:
    """Return the SHA-256 of the rows of sets, one after the other."""
    joined = hashlib.sha256()
    for path in sets:
        with (path / "rows.jsonl").open("rb") as file:
            while block := file.read(2**20):
                joined.update(block)
    return joined.hexdigest()


def _measured(rows: int, folder: Path, parts: Iterable[list[str]], settings: Sequence[str]) -> list[Measured]:
    command = [sys.executable, __file__, "--rows", str(rows), "--inside", str(folder)]
    command += [argument for setting in settings for argument in ("--set", setting)]
    started = [subprocess.Popen([*command, *part], stdout=subprocess.PIPE) for part in parts]
    return [Measured(**json.loads(process.communicate()[0])) for process in started]


def _inside(rows: int, folder: Path, again: bool, part: str | None, settings: Sequence[str]) -> Measured:
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.generate import resume, start
    from scai_cli.jobs.generate_source import GenerateOptions, read_source

    options = GenerateOptions(str(folder / "rules.yaml"), folder / "tasks.jsonl", rows, part)
    options = replace(options, personas=folder / "people.yaml", overrides=Overrides(settings, "simulated"))
    first, end = options.part or (0, rows)
    made = rows // 10 if again else end - first
    clock, began = Clock(made // 10), time.monotonic()
    if again:
        job = resume(folder / "set", (), clock)
    else:
        name = "set" if part is None else f"set-{first:09}"
        job = start(read_source(options, folder), options, folder, name, clock)
    outcome = asyncio.run(job)
    assert outcome.result.rows == outcome.result.wanted, outcome
    rates = [clock.every / (end - start) for start, end in pairwise(clock.times)]
    return Measured(made, time.monotonic() - began, _peak_mb(), rates)


def write_sources(rows: int, folder: Path) -> None:
    """Write the constitution, the people and as many tasks as rows."""
    folder.mkdir(exist_ok=True)
    (folder / "rules.yaml").write_text(CONSTITUTION, encoding="utf-8")
    (folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    with (folder / "tasks.jsonl").open("w", encoding="utf-8") as file:
        for n in range(rows):
            task = {"id": f"t{n}", "prompt": f"How do I plan a dinner for {n} people in my garden?"}
            file.write(json.dumps(task) + "\n")


def cut(folder: Path, rows: int) -> None:
    """Remove the last tenth of the rows, as if the set had been killed there; its calls stay."""
    path = folder / "set" / "rows.jsonl"
    with path.open("rb+") as file:
        for _ in range(rows - rows // 10):
            file.readline()
        file.truncate(file.tell())


def main() -> int:
    parser = argparse.ArgumentParser(description="peak memory and pace of generating rows, of a resume, and of shards")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--shards", type=int, default=0, help="make the rows in this many processes as well")
    parser.add_argument("--set", action="append", default=[], metavar="K=V", help="as in `scai generate`")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(vars(_inside(args.rows, args.inside, args.again, args.part, args.set))))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = measure(args.rows, folder, settings=args.set)
        _print("generate", found)
        print(f"  rows per CPU second, by tenths: {' '.join(f'{rate:,.0f}' for rate in found.rates)}")
        print(f"  time a row, last three tenths against the first three: {found.slowdown:+.1%}")
        if args.shards:
            whole = digest([folder / "set"])
            for number, part in enumerate(measure_shards(args.rows, folder, args.shards, args.set), 1):
                _print(f"shard {number} of {args.shards}", part)
            joined = digest(sorted(folder.glob("set-*")))
            print(f"  SHA-256 of the rows: {whole}, {'equal' if joined == whole else 'NOT EQUAL'} in shards")
        cut(folder, args.rows)
        _print("resume at nine tenths", measure(args.rows, folder, again=True, settings=args.set))
    return 0


def _print(what: str, found: Measured) -> None:
    print(f"{what}: {found.rows:,} rows in {found.seconds:.0f} s, peak {found.peak_mb:.0f} MB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
