"""Is a group's hidden policy found in the ultimatum game? The three comparisons of arXiv 2310.17769, over many seeds.

    python -m benchmarks.norms [--seeds 50] [--write]

The simulated society plays the groups of `configs/ultimatum.yaml`, so this checks that game, revision and numbers are
connected, and says nothing about language models. `--write` fills the table of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

from benchmarks.documents import line, write_between
from scai_cli import api as scai
from scai_cli.analysis.recovery_curves import FOUND, CurvePoint, RecoveryCurve, run_curves
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.runs.history.fold import read_history
from scai_cli.stats.clustered import ClusteredMean, clustered_mean, clustered_rate

EXPERIMENT = Path(__file__).parents[1] / "configs" / "ultimatum.yaml"
PURE = ("selfish", "fair", "altruistic")
MIXED = tuple(f"{n}-selfish-{10 - n}-altruistic" for n in (1, 5, 9))
MANNERS = ("selfish-rude", "selfish-polite", "altruistic-polite", "altruistic-rude")
GROUPS = (*PURE, *MIXED, *MANNERS)
EPOCHS = 6
"""The epochs of the experiment."""


def main() -> None:
    """Play all groups and seeds, print the table, and fail if a pure group's policy is not found on seen currencies."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.norms", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    given = parser.parse_args()
    began = time.perf_counter()
    with get_context("spawn").Pool(given.processes) as pool:
        found = {group: pool.map(partial(recovery, group), range(given.seeds)) for group in GROUPS}
    text = "\n".join(table(found))
    print(text)
    if given.write:
        command = f"`python -m benchmarks.norms --seeds {given.seeds}`"
        minutes = f"{(time.perf_counter() - began) / 60:.0f} minutes on {given.processes} cores"
        write_between("norms", f"{text}\n\n{datetime.now(tz=UTC):%Y-%m-%d}: {command}, {minutes}.")
    if low := [group for group in PURE if fmean(share(run.product) for run in found[group]) < FOUND]:
        raise SystemExit(f"recovery on seen currencies is below {FOUND} for {', '.join(low)}")


def recovery(group: str, seed: int) -> RecoveryCurve:
    """Play one run of a group and return its recovery."""
    config = load_experiment(EXPERIMENT, Overrides((f"personas.where.group={group}",), seed=seed))
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(scai.run(config, runs_dir=folder))
        return next(run_curves(read_history(Path(outcome.path))))


def share(point: CurvePoint | None) -> float:
    """Return the recovery at a time, 0 if no proposal could be read."""
    assert point is not None
    return point.share or 0.0


def rate(shares: Sequence[float]) -> str:
    """Return the mean share over the seeds with its 95 % interval: a seed is a cluster."""
    found = clustered_rate(shares, range(len(shares)))
    assert found is not None
    return with_ends(found)


def later(slow: Sequence[RecoveryCurve], fast: Sequence[RecoveryCurve]) -> str:
    """Return in how many epochs more the first group is found, with its 95 % interval over the seeds.

    One that is never found counts as found in the epoch after the last.
    """
    firsts = ([run.found_in or EPOCHS + 1 for run in runs] for runs in (slow, fast))
    more = [one - other for one, other in zip(*firsts, strict=True)]
    found = clustered_mean(more, range(len(more)))
    assert found is not None
    return with_ends(found)


def with_ends(found: ClusteredMean) -> str:
    """Return an estimate as `0.55 [0.50, 0.60]`."""
    ends = "" if found.low is None or found.high is None else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.estimate:.2f}{ends}"


def table(found: dict[str, list[RecoveryCurve]]) -> list[str]:
    """Return the table in Markdown, with the comparison of manners below it."""
    head = ("group", "seen", "lowest seed", "unseen", "first epoch at 0.9", "seeds", *map(str, range(1, EPOCHS + 1)))
    lines = [line(*head), line(*["---", *["---:"] * (len(head) - 1)])]
    for group, runs in found.items():
        seen, unseen = ([share(run.product) for run in runs], [share(run.unseen) for run in runs])
        firsts = [run.found_in for run in runs if run.found_in is not None]
        first = f"{fmean(firsts):.1f}" if firsts else "–"
        by_run = (map(share, run.epochs.values()) for run in runs)
        epochs = [f"{fmean(shares):.2f}" for shares in zip(*by_run, strict=True)]
        cells = (rate(seen), f"{min(seen):.2f}", rate(unseen), first, f"{len(firsts)} of {len(runs)}", *epochs)
        lines.append(line(group, *cells))
    points = [point for runs in found.values() for run in runs for point in (run.product, run.unseen)]
    unreadable = sum(point.unreadable for point in points if point is not None)
    lines += ["", f"Proposals that could not be read: {unreadable}. Epochs by which the norm is found later:", ""]
    pairs = (("selfish-polite", "selfish-rude"), ("altruistic-rude", "altruistic-polite"))
    lines += [f"- {slow} than {fast}: {later(found[slow], found[fast])}" for slow, fast in pairs]
    return lines


if __name__ == "__main__":
    main()
