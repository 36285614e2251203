"""Measure memory and speed over a long run with simulated users: neither may depend on its length.

    python benchmarks/memory.py --calls 200000      # or `make bench-memory`

Prints the peak of resident memory and the rate per call of each tenth of the run, then the same for a resume.
The rates are of CPU time, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from scai_cli.jobs.session import SilentObserver
from scai_cli.runs.events import EpochStarted, Event, RunFinished

EXPERIMENT = """\
name: memory
seed: 5
epochs: {epochs}
turns: 2
opening: task
personas: {{from: {root}/personas/quickstart.yaml}}
tasks: {{from: {root}/configs/tasks/quickstart.yaml}}
constitution: {{max_principles: 4, max_tokens: 120}}
"""
CALLS_AN_EPOCH = 36 * (2 * 2 + 5) + 12 + 1
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Measured:
    """`rates`: calls per second of CPU in each tenth of the run; `peak_mb`: the most memory that was resident."""

    calls: int
    seconds: float
    peak_mb: float
    rates: list[float]

    @property
    def slowdown(self) -> float:
        """Return how much longer a call takes in the last three tenths than in the first three: 0.2 is 20 %."""
        return sum(1 / rate for rate in self.rates[-3:]) / sum(1 / rate for rate in self.rates[:3]) - 1


class Clock(SilentObserver):
    """Records the CPU time at the start of every epoch."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def see(self, event: Event) -> None:
        if isinstance(event, EpochStarted | RunFinished):
            self.times.append(time.process_time())


def measure(calls: int, folder: Path, *, again: bool = False) -> Measured:
    """Play a run of about this many calls in a process of its own, or resume the existing one."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, __file__, "--calls", str(calls), "--inside", str(folder)]
    done = subprocess.run([*command, *(["--again"] if again else [])], stdout=subprocess.PIPE, check=True)
    return Measured(**json.loads(done.stdout))


def _inside(calls: int, folder: Path, again: bool) -> Measured:
    from scai_cli.experiment.load import load_experiment
    from scai_cli.jobs.run import resume, run
    from scai_cli.jobs.session import run_on_loop

    epochs = max(20, round(calls / CALLS_AN_EPOCH))
    config = folder / "memory.yaml"
    config.write_text(EXPERIMENT.format(epochs=epochs, root=ROOT), encoding="utf-8")
    clock, began = Clock(), time.monotonic()
    experiment = load_experiment(config)
    if again:
        _cut(folder / "memory")
        outcome = run_on_loop(resume(folder / "memory", (), clock))
    else:
        outcome = run_on_loop(run(experiment, folder, "memory", clock))
    marks = [clock.times[round(n * epochs / 10)] for n in range(11)]
    rates = [outcome.spent.calls / 10 / (end - start) for start, end in pairwise(marks)]
    return Measured(outcome.spent.calls, time.monotonic() - began, _peak_mb(), rates)


def _cut(run: Path) -> None:
    """Take the last event away: a run that is marked as finished is not replayed."""
    events = (run / "events.jsonl").read_bytes()
    (run / "events.jsonl").write_bytes(events[: events.rstrip(b"\n").rindex(b"\n") + 1])


def _peak_mb() -> float:
    """Return the peak of resident memory; on Linux `ru_maxrss` would start with that of the parent process."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description="peak memory and rate of a long run, and of its resume")
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(vars(_inside(args.calls, args.inside, args.again))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for name, again in (("run", False), ("resume of its last step", True)):
            found = measure(args.calls, Path(folder), again=again)
            print(f"{name}: {found.calls:,} calls in {found.seconds:.0f} s, peak {found.peak_mb:.0f} MB")
            rates = " ".join(f"{rate:,.0f}" for rate in found.rates)
            print(f"  calls per CPU second, by tenths: {rates}")
            print(f"  time a call, last three tenths against the first three: {found.slowdown:+.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
