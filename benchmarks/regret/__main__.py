"""Compute the regret of every strategy x acceptance in societies of known preferences; write `docs/benchmarks.md`.

make bench-society                      # all of it
python -m benchmarks.regret --quick     # one minute, printed only
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

from benchmarks.regret import tables
from benchmarks.regret.judging import BASELINE, COMBINATIONS, RATES, Job, Judged, judge
from benchmarks.regret.playing import EPOCHS
from benchmarks.regret.societies import SIZES, benchmark

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- society:begin -->", "<!-- society:end -->"

SENSITIVE = (4, 6)
"""The sizes of the societies in which the flaw rates vary."""
SCHEMED = tuple(name for name in COMBINATIONS if name == BASELINE or name.startswith(("edits +", "grounded +")))
"""The combinations to run in the fifty societies with a manipulator."""


def main() -> None:
    """Parse, run, print, and write the tables unless the run is quick."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regret", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few small societies; nothing is written")
    parser.add_argument("--only", action="append", choices=COMBINATIONS, metavar="NAME", help="a combination")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    started = time.monotonic()
    names = (BASELINE, *given.only) if given.only else tuple(COMBINATIONS)
    some = given.quick or bool(given.only)
    jobs = list(_few(given.seed, names, quick=given.quick) if some else _all(given.seed))
    jobs.sort(key=lambda job: -len(job.society.people) * len(job.names) * len(job.rates))
    judged = []
    with get_context("spawn").Pool(given.processes) as pool:
        for n, one in enumerate(pool.imap_unordered(judge, jobs), 1):
            judged.append(one)
            print(f"{n} of {len(jobs)} societies, {time.monotonic() - started:.0f} s", flush=True)
    judged.sort(key=lambda one: (one.society.seed, one.society.kind, len(one.society.people)))
    command = (
        " ".join(["python -m benchmarks.regret", *map(shlex.quote, sys.argv[1:])]) if some else "make bench-society"
    )
    text = "\n".join(_report(judged, f"`{command}`, seed {given.seed}", time.monotonic() - started))
    print(text)
    if not some:
        _write(text)


def _all(seed: int) -> Iterator[Job]:
    for society in benchmark(seed):
        rates = RATES if len(society.people) in SENSITIVE else (1.0,)
        yield Job(society, tuple(COMBINATIONS), rates)
    for n in range(10):
        for society in benchmark(seed + 1000 + 10 * n, ("manipulator",), (4, 5, 6, 8, 10)):
            yield Job(society, SCHEMED, searched=False)


def _few(seed: int, names: tuple[str, ...], *, quick: bool) -> Iterator[Job]:
    for society in benchmark(seed, sizes=(4,) if quick else SIZES):
        yield Job(society, names)


def _report(judged: Sequence[Judged], command: str, seconds: float) -> Iterator[str]:
    searched = [one for one in judged if one.best is not None]
    rows = [row for one in searched for row in one.rows]
    sizes = [len(one.society.people) for one in searched]
    yield (
        f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}: {command}, {seconds / 60:.0f} minutes. "
        f"{len(searched)} societies of {min(sizes)} to {max(sizes)} people; the budget is the calls of "
        f"{EPOCHS} epochs of `{BASELINE}` in the same society."
    )
    yield ""
    yield tables.search_quality(searched)
    yield from ("", "### All combinations", "", *tables.main_table([row for row in rows if row.rate == 1.0]))
    yield from ("", "### Median regret by kind of society", "", *tables.kinds_table([r for r in rows if r.rate == 1.0]))
    varied = [row for row in rows if len(row.society.people) in SENSITIVE]
    if any(row.rate != 1.0 for row in varied):
        yield from ("", "### With fewer and with more flaws", "")
        yield f"The societies of {' and '.join(map(str, SENSITIVE))} people, all kinds."
        yield from ("", *tables.rates_table(varied))
    if schemed := [row for one in judged if one.best is None for row in one.rows]:
        yield from ("", "### Fifty more societies with a manipulator", "", *tables.manipulators_table(schemed))


def _write(text: str) -> None:
    """Put the text between the markers of the document."""
    document = DOCS.read_text(encoding="utf-8")
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{DOCS.name} has no {BEGIN} ... {END}")
    DOCS.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
