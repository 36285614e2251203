"""Is a group's hidden policy found in the ultimatum game? The three comparisons of arXiv 2310.17769, over many seeds.

    python -m benchmarks.norms [--seeds 50] [--write]

The simulated society plays the groups of `configs/ultimatum.yaml`, so this checks that game, revision and numbers are
connected, and says nothing about language models. `--write` fills the table of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

from benchmarks.documents import line, write_between
from scai_cli import api as scai
from scai_cli.analysis.recovery import Recovery, run_recovery
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.runs.history.fold import read_history

EXPERIMENT = Path(__file__).parents[1] / "configs" / "ultimatum.yaml"
PURE = ("selfish", "fair", "altruistic")
MIXED = tuple(f"{n}-selfish-{10 - n}-altruistic" for n in (1, 5, 9))
MANNERS = ("selfish-rude", "selfish-polite", "altruistic-polite", "altruistic-rude")
GROUPS = (*PURE, *MIXED, *MANNERS)
LEAST = 0.9
"""The recovery that each pure group has to reach on seen currencies."""


def main() -> None:
    """Play all groups and seeds, print the table, and fail if a pure group is below the least."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.norms", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    given = parser.parse_args()
    with get_context("spawn").Pool(given.processes) as pool:
        found = {group: pool.map(partial(recovery, group), range(given.seeds)) for group in GROUPS}
    text = "\n".join(table(found))
    print(text)
    print(json.dumps({group: summary(runs) for group, runs in found.items()}))
    if given.write:
        write_between("norms", f"`python -m benchmarks.norms --seeds {given.seeds}`\n\n{text}")
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
    return [rate.share or 0.0 for rate in of_all[:6]]


def found_in(run: Recovery) -> int:
    """Return the first epoch with the least recovery, 7 if there is none."""
    return next((number for number, share in enumerate(by_epoch(run), 1) if share >= LEAST), 7)


def summary(runs: Sequence[Recovery]) -> dict[str, object]:
    """Return the means over the seeds of a group."""
    seen, unseen = ([product(run, side) for run in runs] for side in ("seen", "unseen"))
    epochs = [round(fmean(shares), 3) for shares in zip(*map(by_epoch, runs), strict=True)]
    return {
        "seen": round(fmean(seen), 3),
        "lowest": min(seen),
        "reached": sum(share >= LEAST for share in seen),
        "unseen": round(fmean(unseen), 3),
        "first_epoch": round(fmean(map(found_in, runs)), 2),
        "epochs": epochs,
        "unreadable": sum(rate.unreadable for run in runs for rate in run.product.values()),
    }


def table(found: dict[str, list[Recovery]]) -> list[str]:
    """Return the table in Markdown."""
    head = ("group", "seen", "lowest seed", "unseen", "first epoch at 0.9", "by epoch")
    lines = [line(*head), line(*["---"] * len(head))]
    for group, runs in found.items():
        s = summary(runs)
        epochs = " ".join(f"{share:.2f}" for share in s["epochs"])  # type: ignore[attr-defined]
        shares = (f"{s[key]:.2f}" for key in ("seen", "lowest", "unseen"))
        lines.append(line(group, *shares, f"{s['first_epoch']}", epochs))
    return lines


if __name__ == "__main__":
    main()
