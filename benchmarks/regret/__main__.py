"""Judge strategies in societies of known people: for their members, and for people nobody trained on.

make bench-society                      # all of it; writes docs/benchmarks.md
python -m benchmarks.regret --quick     # some minutes, printed only
python -m benchmarks.regret --quick --measure hedges:sure  # with a measure of your own in the answers
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
from dataclasses import replace
from multiprocessing import get_context

from benchmarks.documents import write_between
from benchmarks.regret import tables
from benchmarks.regret.judging import COMBINATIONS, MAIN, MINORITY_ROWS, OTHERS, Job, Judged, judge
from benchmarks.regret.playing import BASELINE, EPOCHS
from benchmarks.regret.societies import CENTRE, MEMBERS, grid, society
from scai_cli.experiment.measure_settings import MeasureSettings, loaded, words_of

EACH, RUNS = 4, 2
"""The societies in each cell, and the runs in each society."""
SIZES = (4, 16, 30)
MINORITIES = 200


def main() -> None:
    """Parse, run, print, and write the tables unless only a part was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regret", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one society a cell, one run, the main rows")
    parser.add_argument("--only", action="append", choices=COMBINATIONS, metavar="NAME", help="a combination")
    parser.add_argument("--measure", action="append", default=[], metavar="NAME", help="a measure of the answers")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    started, is_part = time.monotonic(), bool(given.quick or given.only or given.measure)
    if is_part:
        names = (BASELINE, *given.only) if given.only else (*MAIN, *OTHERS)
        jobs = [Job(one, names, 1 if given.quick else RUNS) for one in grid(given.seed, 1 if given.quick else EACH)]
    else:
        jobs = list(_all(given.seed))
    measures = tuple(MeasureSettings(measure=name) for name in given.measure)  # type: ignore[call-arg]
    words = {each.name: words_of(loaded(each.measure, {})[0], each.name) for each in measures}
    jobs = [replace(job, measures=measures) for job in jobs]
    jobs.sort(key=lambda job: -len(job.society.members) * len(job.names) * job.runs)
    judged = []
    with get_context("spawn").Pool(given.processes) as pool:
        for n, one in enumerate(pool.imap_unordered(judge, jobs), 1):
            judged.append(one)
            print(f"{n} of {len(jobs)} societies, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    judged.sort(key=lambda one: (one.society.seed, len(one.society.members)))
    command = (
        " ".join(["python -m benchmarks.regret", *map(shlex.quote, sys.argv[1:])]) if is_part else "make bench-society"
    )
    lines = [*_report(judged, f"`{command}`, seed {given.seed}", time.monotonic() - started)]
    if words:
        lines += ["", "### Measured in the answers to members", "", *tables.measured_table(judged, words)]
    text = "\n".join(lines)
    print(text)
    if not is_part:
        write_between("society", text)


def _all(seed: int) -> Iterator[Job]:
    for one in grid(seed, EACH):
        yield Job(one, (*COMBINATIONS, *OTHERS), RUNS)
    for size in SIZES:
        for n in range(2 * EACH):
            yield Job(society(seed + 5000 + n, CENTRE, size), MAIN)
    for n in range(2 * EACH):
        yield Job(society(seed + 6000 + n, CENTRE), MAIN, by_tokens=True)
    for n in range(MINORITIES):
        yield Job(society(seed + 7000 + n, CENTRE, minority="demands"), MINORITY_ROWS)
        if n % 2 == 0:
            yield Job(society(seed + 7000 + n, CENTRE, minority="wishes"), MINORITY_ROWS)


def _report(judged: Sequence[Judged], command: str, seconds: float) -> Iterator[str]:
    plain = [one for one in judged if not one.society.minority and not one.by_tokens]
    gridded = [one for one in plain if len(one.society.members) == MEMBERS]
    sized = [one for one in plain if one.society.cell == CENTRE]
    yield (
        f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}: {command}, {seconds / 60:.0f} minutes. {len(gridded)} societies of "
        f"{MEMBERS} members; the budget is the calls of {EPOCHS} epochs of the baseline in the same society."
    )
    yield from ("", "### All rows", "", *tables.main_table(gridded))
    yield from ("", "### The best combination in every cell", "", *tables.winners_table(gridded))
    names = [name for name in (*MAIN, *OTHERS) if any(row.name == name for one in gridded for row in one.rows)]
    named = [name for name in names if any(r.routed is not None for one in gridded for r in one.rows if r.name == name)]
    for title, number in (
        ("Median regret of members, as pasted", tables.regret),
        ("Median regret of members, with names", tables.routed_regret),
        ("Newcomers' gain, share of the possible", tables.GAIN),
    ):
        shown = named if number is tables.routed_regret else names
        yield from ("", f"### {title}, in every cell", "", *tables.grid_table(gridded, number, shown))
    if by_tokens := [one for one in judged if one.by_tokens]:
        title = f"### With equal tokens in place of equal calls, in {len(by_tokens)} societies of the grid's centre"
        yield from ("", title, "", *tables.main_table(by_tokens))
    if len({len(one.society.members) for one in sized}) > 1:
        yield from ("", "### By size of group, in the centre of the grid", "", *tables.sizes_table(_main_only(sized)))
    if pressed := [one for one in judged if one.society.minority]:
        title = "### With a minority that demands a rule or has a harmless wish, in the grid's centre"
        yield from ("", title, "", *tables.minorities_table(pressed))


def _main_only(judged: Sequence[Judged]) -> list[Judged]:
    return [replace(one, rows=tuple(row for row in one.rows if row.name in MAIN)) for one in judged]


if __name__ == "__main__":
    main()
