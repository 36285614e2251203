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
from scai_cli.analysis.recovery import Recovery, run_recovery
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
LEAST = 0.9
"""The recovery that each pure group has to reach on seen currencies."""


def main() -> None:
    """Play all groups and seeds, print the table, and fail if a pure group is below the least."""
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
    if low := [group for group in PURE if fmean(product(run, "seen") for run in found[group]) < LEAST]:
        raise SystemExit(f"recovery on seen currencies is below {LEAST} for {', '.join(low)}")


def recovery(group: str, seed: int) -> Recovery:
    """Play one run of a group and return its recovery."""
    config = load_experiment(EXPERIMENT, Overrides((f"personas.where.group={group}",), seed=seed))
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(scai.run(config, runs_dir=folder))
        found = run_recovery(read_history(Path(outcome.path)))
    assert found is not None
    return found


def product(run: Recovery, side: str) -> float:
    """Return the recovery of a run's product on seen or unseen currencies."""
    return run.product[side].share or 0.0


def by_epoch(run: Recovery) -> list[float]:
    """Return the recovery of all users in each epoch; the final play is left out."""
    of_all = [rate for rate in run.rates if rate.epoch and rate.policy is None and rate.manners is None]
    return [rate.share or 0.0 for rate in of_all[:EPOCHS]]


def found_in(run: Recovery) -> int:
    """Return the first epoch with the least recovery, one more than the last if there is none."""
    return next((number for number, share in enumerate(by_epoch(run), 1) if share >= LEAST), EPOCHS + 1)


def rate(shares: Sequence[float]) -> str:
    """Return the mean share over the seeds with its 95 % interval: a seed is a cluster."""
    found = clustered_rate(shares, range(len(shares)))
    assert found is not None
    return with_ends(found)


def later(slow: Sequence[Recovery], fast: Sequence[Recovery]) -> str:
    """Return in how many epochs more the first group is found, with its 95 % interval over the seeds."""
    more = [found_in(one) - found_in(other) for one, other in zip(slow, fast, strict=True)]
    found = clustered_mean(more, range(len(more)))
    assert found is not None
    return with_ends(found)


def with_ends(found: ClusteredMean) -> str:
    """Return an estimate as `0.55 [0.50, 0.60]`."""
    ends = "" if found.low is None or found.high is None else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.estimate:.2f}{ends}"


def table(found: dict[str, list[Recovery]]) -> list[str]:
    """Return the table in Markdown, with the comparison of manners below it."""
    head = ("group", "seen", "lowest seed", "unseen", "first epoch at 0.9", "seeds", *map(str, range(1, EPOCHS + 1)))
    lines = [line(*head), line(*["---", *["---:"] * (len(head) - 1)])]
    for group, runs in found.items():
        seen, unseen = ([product(run, side) for run in runs] for side in ("seen", "unseen"))
        firsts = [first for run in runs if (first := found_in(run)) <= EPOCHS]
        first = f"{fmean(firsts):.1f}" if firsts else "–"
        epochs = [f"{fmean(shares):.2f}" for shares in zip(*map(by_epoch, runs), strict=True)]
        cells = (rate(seen), f"{min(seen):.2f}", rate(unseen), first, f"{len(firsts)} of {len(runs)}", *epochs)
        lines.append(line(group, *cells))
    unreadable = sum(rate.unreadable for runs in found.values() for run in runs for rate in run.product.values())
    lines += ["", f"Proposals that could not be read: {unreadable}. Epochs by which the norm is found later:", ""]
    pairs = (("selfish-polite", "selfish-rude"), ("altruistic-rude", "altruistic-polite"))
    lines += [f"- {slow} than {fast}: {later(found[slow], found[fast])}" for slow, fast in pairs]
    return lines


if __name__ == "__main__":
    main()
