"""Measure how the CPU of a simulated run, and of what reads it, grows with people, tasks and epochs.

    python benchmarks/growth.py                                        # people, tasks and epochs at n and 2n
    python benchmarks/growth.py --axes people --times 1 2 4 8 --commands run
    python benchmarks/growth.py --size people=10000 --commands run     # one size: seconds and memory

For each size: CPU seconds without the start of the process (of the smallest run, and of reading it) and peak memory.
Then, per step: the ratio of CPU beside the ratio of the work (calls of the run, events for what reads it), and the
first over the second, where 1 is a cost that grows as the work grows. Every command is a process of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"people": 500, "tasks": 4, "epochs": 2}
AXES = {"people": {"people": 500, "tasks": 1}, "tasks": {"people": 12, "tasks": 50}, "epochs": {"people": 12}}
"""The axis that grows -> what differs from `SIZES` where it starts."""
STARTS = {"people": 500, "tasks": 50, "epochs": 25}
READERS = {
    "show": ["show", "big"],
    "show --json": ["show", "big", "--json"],
    "report": ["report", "big", "-o", "big.html"],
    "compare": ["compare", "big", "other"],
    "export": ["export", "big", "--format", "dpo", "-o", "big.jsonl"],
}


@dataclass(frozen=True)
class Found:
    """CPU seconds without the start of the process, peak memory in MB, and the work: calls or events."""

    cpu_s: float
    peak_mb: float
    work: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--axes", nargs="+", default=list(AXES), choices=list(AXES))
    parser.add_argument("--times", type=int, nargs="+", default=[1, 2], help="multiples of where an axis starts")
    parser.add_argument("--size", nargs="+", default=[], help="one size in place of axes: people=8000 tasks=1 epochs=2")
    parser.add_argument("--commands", nargs="+", default=["run", *READERS], choices=["run", *READERS])
    parser.add_argument("--set", action="append", default=[], help="a key of the experiment, as in `scai run --set`")
    parser.add_argument("--repeat", type=int, default=1, help="the least CPU of this many measurements counts")
    args = parser.parse_args()
    repeats, args.repeat = args.repeat, max(3, args.repeat)  # a start that is measured too long would hide the rest
    starts = measured({**SIZES, "people": 2, "tasks": 1}, args, {})
    args.repeat = repeats
    if args.size:
        size = SIZES | {name: int(number) for name, number in (part.split("=") for part in args.size)}
        print_found(size, measured(size, args, starts))
    for axis in [] if args.size else args.axes:
        steps = []
        for times in args.times:
            size = SIZES | AXES[axis] | {axis: STARTS[axis] * times}
            steps.append(measured(size, args, starts))
            print_found(size, steps[-1])
        for command in args.commands:
            ratios = "  ".join(ratio(a[command], b[command]) for a, b in pairwise(steps))
            print(f"  {axis}, {command:12} {ratios}", flush=True)


def print_found(size: dict[str, int], found: dict[str, Found]) -> None:
    print(" ".join(f"{number:,} {name}" for name, number in size.items()))
    for command, each in found.items():
        print(f"  {command:12} {each.cpu_s:8.2f} s  {each.peak_mb:5.0f} MB  {each.work:>9,} of work", flush=True)


def ratio(first: Found, second: Found) -> str:
    of_cpu, of_work = second.cpu_s / max(first.cpu_s, 0.05), second.work / first.work
    return f"CPU x{of_cpu:.2f} for work x{of_work:.2f}: {of_cpu / of_work:.2f}"


def measured(size: dict[str, int], args: argparse.Namespace, starts: dict[str, Found]) -> dict[str, Found]:
    """Play a run of a size and read it with each command; `starts` are subtracted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "big.yaml").write_text(yaml.safe_dump(experiment(size)))
        settings = [part for setting in args.set for part in ("--set", setting)]
        play = ["run", "big.yaml", "--quiet", *settings, "--run-id"]
        plays = args.repeat if "run" in args.commands else 1
        used = {"run": [cpu(folder, [*play, f"big-{n}" if n else "big"]) for n in range(plays)]}
        shutil.copytree(folder / "runs" / "big", folder / "runs" / "other")
        for command in (name for name in READERS if name in args.commands):
            used[command] = [cpu(folder, READERS[command]) for _ in range(args.repeat)]
        work = {name: count(folder / "runs" / "big" / f"{name}.jsonl") for name in ("calls", "events")}
    found = {}
    for command, each in used.items():
        start = starts[command].cpu_s if starts else 0.0
        least, peak = min(seconds for seconds, _ in each), max(mb for _, mb in each)
        found[command] = Found(max(least - start, 0.0), peak, work["calls" if command == "run" else "events"])
    return found


def cpu(folder: Path, arguments: list[str]) -> tuple[float, float]:
    """Return the CPU seconds and the peak of memory, in MB, of a command of scai."""
    with (folder / "output").open("w") as out, (folder / "messages").open("w") as messages:
        command = [sys.executable, "-m", "scai_cli", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=messages, env=environment)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"scai {' '.join(arguments)} failed: {(folder / 'messages').read_text()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024  # this process is small: the child's peak is its own


def count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def experiment(size: dict[str, int]) -> dict[str, object]:
    """Return an experiment of a size, from the people and tasks of the quickstart in turn."""
    people = yaml.safe_load((ROOT / "personas" / "quickstart.yaml").read_text())["personas"]
    tasks = yaml.safe_load((ROOT / "configs" / "tasks" / "quickstart.yaml").read_text())["tasks"]
    keys = ("description", "preferences", "attributes")
    personas = [
        {"id": f"u{n}", "name": f"{each['name']} {letters(n)}", **{key: each[key] for key in keys if key in each}}
        for n, each in ((n, people[n % len(people)]) for n in range(size["people"]))
    ]
    some = [tasks[n % len(tasks)] for n in range(size["tasks"])]
    return {
        "name": "big",
        "seed": 5,
        "epochs": size["epochs"],
        "turns": 1,
        "personas": personas,
        "tasks": [{"id": f"t{n}", "prompt": f"{each['prompt']} (Case {n}.)"} for n, each in enumerate(some)],
        "ratings": {"cross_raters": 2},
    }


def letters(n: int) -> str:
    """Return a surname of its own for each number."""
    syllables = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "ro", "su")
    return "".join(syllables[int(digit)] for digit in str(n)).capitalize()


if __name__ == "__main__":
    main()
