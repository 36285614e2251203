"""What CPU time does a call of `scai evaluate` take, beside one of `scai run`?

Every way runs in a fresh process, in turn, after a warm-up: the society's models in process, and an endpoint on the
loopback in a process of its own. The people talk about tasks as in a run, so the calls of `society` are of the same
kinds as those of the run; those of `choice` are short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import benchmarks.endpoint as loopback
from benchmarks.evaluate.playing import experiment, library, place
from benchmarks.evaluate.shares import Found
from benchmarks.measuring import cpu
from benchmarks.regret.societies import CENTRE, society
from scai_cli import api
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import dump_experiment
from scai_cli.jobs import run as runs
from scai_cli.jobs.session import Outcome, SilentObserver, run_on_loop
from scai_cli.simulation.rater_check import PAIRS

RUN, SUITES = "run", ("society", "choice")
_MODELS = ("simulated", "loopback")
_MOST = 1.5
_PEOPLE, _EPOCHS = 10, 3
_TASKS = {RUN: 6, "society": 12, "choice": 1}
_SYSTEMS = {"society": 3, "choice": 8}
"""Tasks and systems with which every way makes between 1,000 and 2,000 calls."""
_REVISION = {"strategy": "rewrite", "acceptance": "always"}
"""The endpoint answers with a whole constitution."""
_CHOICE = (" or B.", " or C.", " or D.")


def rows(seed: int, repeats: int) -> Iterator[Found]:
    """Yield the rows of the table."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.evaluate.cpu", "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        for model in _MODELS:
            times: dict[str, list[float]] = {RUN: [], **{suite: [] for suite in SUITES}}
            for n in range(repeats):
                for way, found in times.items():
                    found.append(_measured(way, seed + n, url if model == "loopback" else ""))
            yield Found(f"{model}: CPU of a call of `scai run`", "", _milliseconds(times[RUN]))
            for suite in SUITES:
                ratio = statistics.median(times[suite]) / statistics.median(times[RUN])
                yield Found(f"– of `--suite {suite}`", "", _milliseconds(times[suite]))
                yield Found("– of the run's", f"at most {_MOST}", f"{ratio:.2f}")
    finally:
        server.kill()


def _milliseconds(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} ms ({min(times):.2f} to {max(times):.2f})"


def _measured(way: str, seed: int, url: str) -> float:
    """Return the CPU milliseconds of a call in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.evaluate.cpu", "--way", way, "--seed", str(seed), "--url", url]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(out)["ms"])


def _child(way: str, seed: int, url: str) -> None:
    """Play once to warm up and once to measure; print the CPU time of a call."""
    model = {"provider": "openai", "name": "m", "base_url": url} if url else {}
    one = society(seed, CENTRE)
    people, tasks = one.newcomers[:_PEOPLE], library()[: _TASKS[way]]
    keys = {"model": model, "revision": _REVISION}
    _played(way, experiment(one, people[:3], tasks[:2], seed, **{**keys, "epochs": 1}))
    before = cpu()
    outcome = _played(way, experiment(one, people, tasks, seed, **{**keys, "epochs": _EPOCHS}))
    print(json.dumps({"ms": 1000 * (cpu() - before) / outcome.spent.calls, "calls": outcome.spent.calls}), flush=True)
    os._exit(0)  # without closing connections


def _played(way: str, config: ExperimentConfig) -> Outcome[object]:
    with place() as here:
        if way == RUN:
            job = runs.run(config, here.runs, "run", SilentObserver())
            outcome: Outcome[object] = run_on_loop(job)
        else:
            file = Path(here.write("experiment.yaml", dump_experiment(config)))
            rules = ["- Be concise.\n", "- Use bullet points.\n"]
            files = [here.write(f"rules-{n}.md", "".join(rules * n)) for n in range(1, _SYSTEMS[way])]
            systems = ("none", *files)
            outcome = run_on_loop(api.evaluate(systems, (way,), config=file, runs_dir=here.runs))
    assert outcome.status == "finished", outcome
    return outcome


class _Endpoint(loopback.Endpoint):
    """The endpoint of the other benchmarks, which also passes the rater check and answers with letters."""

    def answer(self, tail: bytes) -> bytes:
        """Return an answer of the kind that the request asks for."""
        if any(mark.encode() in tail for mark in _CHOICE) and b"nothing else" in tail:
            self.kinds["choice"] += 1
            return loopback.completion("AB"[self.kinds["choice"] % 2])
        last = max(_FRAGMENTS, key=tail.rfind)
        if b'\\"feedback\\"' in tail and tail.rfind(last) >= 0:
            return loopback.completion(json.dumps({"feedback": "I see.", "rating": _FRAGMENTS[last]}))
        return super().answer(tail)


_FRAGMENTS: Mapping[bytes, int] = {
    pair[kind].split("\n")[0][:40].encode(): rating for pair in PAIRS for kind, rating in (("good", 9), ("bad", 1))
}
"""The start of an answer of the rater check -> its rating."""


def main() -> None:
    """Be a child of the benchmark: the endpoint, or one measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--way")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--url")
    given = parser.parse_args()
    if not given.serve:
        _child(given.way, given.seed, given.url)
    loopback.TAIL = 100_000
    loopback.Endpoint = _Endpoint  # type: ignore[misc]
    asyncio.run(loopback.serve(0.005))


if __name__ == "__main__":
    main()
